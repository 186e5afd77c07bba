// Builds an atlas from vector sets: what `moonbeam data atlas` does.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/labels.h"

namespace moonbeam::data {

struct AtlasOptions {
  char tier = 'a';
  int side = 96;  ///< long side, pixels
};

struct AtlasReport {
  int sprites = 0;
  std::size_t bytes = 0;
  std::vector<std::string> skipped;  ///< "noto1/dog: why"
  std::vector<std::string> missing;  ///< labels without any drawing
};

/// As build_atlas, of photographs with alpha: `list` names PNG files below `folder` and the label of each.
AtlasReport build_photo_atlas(const std::filesystem::path& folder, const std::filesystem::path& list,
                              const std::string& out, const LabelTable& labels, int side);

/// Renders the drawings of the table's labels found under `sources` (unpacked packages, at any depth of two)
/// and writes the archive `out`.
/// @throws Error kUnsupported (no librsvg), kNotFound (no package of the tier there), kCorrupt (a broken
/// package).
AtlasReport build_atlas(const std::filesystem::path& sources, const std::string& out,
                        const LabelTable& labels, const AtlasOptions& options,
                        const std::function<void(std::string_view set, int done, int total)>& progress);

}  // namespace moonbeam::data
