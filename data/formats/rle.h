// Masks as COCO's run lengths (data.md 2.4): their string, and what is reckoned with them. Pixels are counted
// column after column, runs are of zeros and ones in turn, and the first is of zeros and may be empty.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

/// The string of pycocotools.
std::string compress_runs(std::span<const std::uint32_t> runs);
/// @throws Error kCorrupt (a character out of range, a run cut off or negative).
std::vector<std::uint32_t> decompress_runs(std::string_view text);

struct RunMask {
  int height = 0, width = 0;
  std::vector<std::uint32_t> runs;  ///< their sum is height * width

  bool operator==(const RunMask&) const = default;
};

/// Absolute pixels, as COCO has them.
struct XywhBox {
  double x = 0, y = 0, width = 0, height = 0;

  bool operator==(const XywhBox&) const = default;
};

/// From runs of a file. @throws Error kCorrupt if they do not cover the picture exactly or it is larger than
/// 65,535 pixels on a side.
RunMask checked_mask(std::int64_t height, std::int64_t width, std::vector<std::uint32_t> runs);

/// @param pixels  [height, width] row after row; all but 0 is in the mask
RunMask encode_mask(std::span<const std::uint8_t> pixels, int height, int width);
/// [height, width] row after row, of 0 and 1.
std::vector<std::uint8_t> decode_mask(const RunMask& mask);

std::uint64_t mask_area(const RunMask& mask);
/// Tight around the mask; all 0 where it is empty.
XywhBox mask_box(const RunMask& mask);
/// Pixels in any of them, or (`all`) in each. They have one size, and there is one at least.
RunMask merge_masks(std::span<const RunMask> masks, bool all = false);

/// Intersection over union; over the detection's own area where the truth is a crowd. 0 where nothing is to
/// be divided. Of masks: of one size.
double mask_iou(const RunMask& detection, const RunMask& truth, bool crowd);
double box_iou(const XywhBox& detection, const XywhBox& truth, bool crowd);

/// The mask of an outline x0, y0, x1, y1, ... in pixels, as pycocotools draws it. Several rings of one thing
/// are merged.
/// @throws Error kCorrupt (no ring, one of an odd length or of less than three corners, a coordinate that is
/// not
///         finite or further than 65,535 pixels outside, an outline that is far too long).
RunMask polygon_mask(std::span<const std::vector<double>> rings, int height, int width);

}  // namespace moonbeam::data
