#include "data/formats/rle.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace moonbeam::data {

namespace {

constexpr std::int64_t kLongestSide = 65'535;

/// Two masks run by run: calls use(length, in a, in b) for stretches in which neither changes.
template <typename Use>
void walk(const RunMask& a, const RunMask& b, Use use) {
  std::size_t i = 0, j = 0;
  std::uint64_t left_a = a.runs.empty() ? 0 : a.runs[0], left_b = b.runs.empty() ? 0 : b.runs[0];
  while (i < a.runs.size() && j < b.runs.size()) {
    const std::uint64_t length = std::min(left_a, left_b);
    if (length > 0) use(length, i % 2 == 1, j % 2 == 1);
    left_a -= length;
    left_b -= length;
    if (left_a == 0 && ++i < a.runs.size()) left_a = a.runs[i];
    if (left_b == 0 && ++j < b.runs.size()) left_b = b.runs[j];
  }
}

/// Runs from stretches that come in order; equal neighbours become one.
class RunBuilder {
 public:
  void add(std::uint64_t length, bool value) {
    if (length == 0) return;
    if (value != value_) {
      runs_.push_back(0);
      value_ = value;
    }
    runs_.back() += static_cast<std::uint32_t>(length);
  }
  std::vector<std::uint32_t> take() { return std::move(runs_); }

 private:
  std::vector<std::uint32_t> runs_ = {0};
  bool value_ = false;
};

void check_sizes(const RunMask& a, const RunMask& b) {
  if (a.height != b.height || a.width != b.width) {
    base::fail(ErrorCode::kInvalidArgument, "masks: expected two of one size, got ", a.height, "x", a.width,
               " and ", b.height, "x", b.width);
  }
}

RunMask merge(const RunMask& a, const RunMask& b, bool all) {
  check_sizes(a, b);
  RunBuilder out;
  walk(a, b, [&](std::uint64_t length, bool in_a, bool in_b) {
    out.add(length, all ? in_a && in_b : in_a || in_b);
  });
  return {a.height, a.width, out.take()};
}

}  // namespace

RunMask checked_mask(std::int64_t height, std::int64_t width, std::vector<std::uint32_t> runs) {
  if (height < 1 || width < 1 || height > kLongestSide || width > kLongestSide) {
    base::fail(ErrorCode::kCorrupt, "mask: expected sides of 1 to ", kLongestSide, " pixels, got ", height,
               " and ", width);
  }
  std::uint64_t sum = 0;
  for (const std::uint32_t run : runs) sum += run;
  if (sum != static_cast<std::uint64_t>(height * width)) {
    base::fail(ErrorCode::kCorrupt, "mask: expected runs of ", height * width, " pixels together, got ", sum);
  }
  return {static_cast<int>(height), static_cast<int>(width), std::move(runs)};
}

RunMask encode_mask(std::span<const std::uint8_t> pixels, int height, int width) {
  RunBuilder out;
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      out.add(1, pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                        static_cast<std::size_t>(x)] != 0);
    }
  }
  return {height, width, out.take()};
}

std::vector<std::uint8_t> decode_mask(const RunMask& mask) {
  const auto height = static_cast<std::size_t>(mask.height), width = static_cast<std::size_t>(mask.width);
  std::vector<std::uint8_t> pixels(height * width);
  std::size_t at = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    const std::size_t end = at + mask.runs[i];
    for (; at < end; ++at) pixels[at % height * width + at / height] = i % 2;
  }
  return pixels;
}

std::uint64_t mask_area(const RunMask& mask) {
  std::uint64_t area = 0;
  for (std::size_t i = 1; i < mask.runs.size(); i += 2) area += mask.runs[i];
  return area;
}

XywhBox mask_box(const RunMask& mask) {
  const auto height = static_cast<std::uint64_t>(mask.height);
  std::uint64_t x_min = UINT64_MAX, y_min = UINT64_MAX, x_max = 0, y_max = 0, at = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    const std::uint64_t first = at;
    at += mask.runs[i];
    if (i % 2 == 0 || mask.runs[i] == 0) continue;
    const std::uint64_t last = at - 1;
    const bool one_column = first / height == last / height;
    x_min = std::min(x_min, first / height);
    x_max = std::max(x_max, last / height);
    y_min = std::min(y_min, one_column ? first % height : 0);
    y_max = std::max(y_max, one_column ? last % height : height - 1);
  }
  if (x_min == UINT64_MAX) return {};
  return {static_cast<double>(x_min), static_cast<double>(y_min), static_cast<double>(x_max - x_min + 1),
          static_cast<double>(y_max - y_min + 1)};
}

RunMask merge_masks(std::span<const RunMask> masks, bool all) {
  if (masks.empty()) base::fail(ErrorCode::kInvalidArgument, "masks: expected one at least");
  RunMask out = merge(masks[0], masks[0], all);  // in the normal form, as the others become
  for (const RunMask& mask : masks.subspan(1)) out = merge(out, mask, all);
  return out;
}

double mask_iou(const RunMask& detection, const RunMask& truth, bool crowd) {
  check_sizes(detection, truth);
  std::uint64_t both = 0, any = 0, own = 0;
  walk(detection, truth, [&](std::uint64_t length, bool in_detection, bool in_truth) {
    if (in_detection && in_truth) both += length;
    if (in_detection || in_truth) any += length;
    if (in_detection) own += length;
  });
  const std::uint64_t of = crowd ? own : any;
  return of == 0 ? 0 : static_cast<double>(both) / static_cast<double>(of);
}

double box_iou(const XywhBox& detection, const XywhBox& truth, bool crowd) {
  const double width =
      std::min(detection.x + detection.width, truth.x + truth.width) - std::max(detection.x, truth.x);
  const double height =
      std::min(detection.y + detection.height, truth.y + truth.height) - std::max(detection.y, truth.y);
  if (width <= 0 || height <= 0) return 0;
  const double both = width * height, own = detection.width * detection.height;
  return both / (crowd ? own : own + truth.width * truth.height - both);
}

}  // namespace moonbeam::data
