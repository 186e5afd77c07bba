#include "data/scenes/scene.h"

#include <algorithm>
#include <array>

namespace moonbeam::data {

namespace {

constexpr std::array<std::string_view, 5> kSplitNames = {"train", "val-seed", "val-bg", "val-style",
                                                         "val-photo"};

}  // namespace

std::string_view name(Split split) {
  return kSplitNames[static_cast<std::size_t>(split)];
}

std::optional<Split> find_split(std::string_view text) {
  const auto at = std::find(kSplitNames.begin(), kSplitNames.end(), text);
  if (at == kSplitNames.end()) return std::nullopt;
  return static_cast<Split>(at - kSplitNames.begin());
}

}  // namespace moonbeam::data
