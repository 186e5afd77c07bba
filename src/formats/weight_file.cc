#include "formats/weight_file.h"

#include <algorithm>

namespace moonbeam::formats {

const tensor::TensorView* WeightFile::find(std::string_view name) const noexcept {
  const auto at =
      std::lower_bound(tensors.begin(), tensors.end(), name,
                       [](const NamedTensor& t, std::string_view wanted) { return t.name < wanted; });
  return at != tensors.end() && at->name == name ? &at->view : nullptr;
}

}  // namespace moonbeam::formats
