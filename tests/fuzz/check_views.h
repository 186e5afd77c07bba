// What a weight parser that accepts a file promises: each tensor lies inside it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "formats/weight_file.h"

namespace moonbeam::fuzz {

inline void check_views(const std::vector<formats::NamedTensor>& tensors, std::span<const std::byte> file) {
  unsigned sum = 0;
  for (const formats::NamedTensor& tensor : tensors) {
    const auto size = static_cast<std::size_t>(tensor.view.bytes());
    if (tensor.view.data < file.data() || tensor.view.data + size > file.data() + file.size())
      __builtin_trap();
    // Read, so that the sanitizers see it too.
    for (std::size_t i = 0; i < size; ++i) sum += std::to_integer<unsigned>(tensor.view.data[i]);
  }
  volatile unsigned keep = sum;
  static_cast<void>(keep);
}

}  // namespace moonbeam::fuzz
