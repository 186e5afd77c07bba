// Outlines to masks, pixel for pixel as pycocotools has it: the outline is walked on a grid five times as
// fine, and where it crosses the middle of a column of pixels, a run begins or ends.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

namespace {

constexpr double kFine = 5;
constexpr double kFurthest = 65'535;               // pixels outside the picture
constexpr std::int64_t kLongestOutline = 1 << 24;  // steps on the fine grid, all rings of one mask together

using base::fail;

struct FinePoint {
  int x, y;
};

class Outline {
 public:
  Outline(int height, int width) : height_(height), width_(width) {}

  void walk_edge(FinePoint from, FinePoint to) {
    const int dx = std::abs(to.x - from.x), dy = std::abs(to.y - from.y);
    if (dx == 0 && dy == 0) return;
    steps_ += std::max(dx, dy) + 1;
    if (steps_ > kLongestOutline) fail(ErrorCode::kCorrupt, "polygon: an outline that is far too long");
    // Along the longer side and from its smaller end, so that an edge and its reverse have the same points.
    const bool along_x = dx >= dy;
    const bool reversed = along_x ? from.x > to.x : from.y > to.y;
    if (reversed) std::swap(from, to);
    const int length = along_x ? dx : dy;
    const double slope =
        along_x ? static_cast<double>(to.y - from.y) / dx : static_cast<double>(to.x - from.x) / dy;
    for (int d = 0; d <= length; ++d) {
      const int t = reversed ? length - d : d;
      if (along_x) {
        step({from.x + t, static_cast<int>(from.y + slope * t + 0.5)});
      } else {
        step({static_cast<int>(from.x + slope * t + 0.5), from.y + t});
      }
    }
  }

  /// Ends of runs, column after column, not yet in order.
  std::vector<std::uint32_t> take() { return std::move(ends_); }

 private:
  void step(FinePoint next) {
    if (begun_ && next.x != last_.x) cross(next);
    last_ = next;
    begun_ = true;
  }

  /// Between two neighbouring columns of the fine grid: in the middle of a pixel's column, or of no interest.
  void cross(FinePoint next) {
    const double x = (std::min(next.x, last_.x) + 0.5) / kFine - 0.5;
    if (std::floor(x) != x || x < 0 || x > width_ - 1) return;
    const double y = (std::min(next.y, last_.y) + 0.5) / kFine - 0.5;
    const double row = std::ceil(std::clamp(y, 0.0, static_cast<double>(height_)));
    ends_.push_back(static_cast<std::uint32_t>(x) * static_cast<std::uint32_t>(height_) +
                    static_cast<std::uint32_t>(row));
  }

  int height_, width_;
  std::int64_t steps_ = 0;
  bool begun_ = false;
  FinePoint last_{};
  std::vector<std::uint32_t> ends_;
};

FinePoint fine(double x, double y) {
  return {static_cast<int>(kFine * x + 0.5), static_cast<int>(kFine * y + 0.5)};
}

void check_ring(const std::vector<double>& ring, int height, int width) {
  if (ring.size() < 6 || ring.size() % 2 != 0) {
    fail(ErrorCode::kCorrupt, "polygon: expected x and y of three corners or more, got ", ring.size(),
         " numbers");
  }
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const double side = i % 2 == 0 ? width : height;
    if (!(ring[i] >= -kFurthest && ring[i] <= side + kFurthest)) {
      fail(ErrorCode::kCorrupt, "polygon: a coordinate of ", ring[i], ", far outside the picture");
    }
  }
}

RunMask ring_mask(const std::vector<double>& ring, int height, int width) {
  check_ring(ring, height, width);
  Outline outline(height, width);
  const FinePoint first = fine(ring[0], ring[1]);
  FinePoint from = first;
  for (std::size_t i = 2; i < ring.size(); i += 2) {
    const FinePoint to = fine(ring[i], ring[i + 1]);
    outline.walk_edge(from, to);
    from = to;
  }
  outline.walk_edge(from, first);
  std::vector<std::uint32_t> ends = outline.take();
  ends.push_back(static_cast<std::uint32_t>(height) * static_cast<std::uint32_t>(width));
  std::sort(ends.begin(), ends.end());
  // Two ends at one place cancel out: the runs on both sides of them are one.
  RunMask mask{height, width, {}};
  std::uint32_t begin = 0;
  bool join = false;
  for (const std::uint32_t end : ends) {
    const std::uint32_t run = end - begin;
    begin = end;
    if (join) {
      mask.runs.back() += run;
      join = false;
    } else if (run == 0 && !mask.runs.empty()) {
      join = true;
    } else {
      mask.runs.push_back(run);
    }
  }
  return mask;
}

}  // namespace

RunMask polygon_mask(std::span<const std::vector<double>> rings, int height, int width) {
  if (rings.empty()) fail(ErrorCode::kCorrupt, "polygon: expected a ring at least");
  std::vector<RunMask> masks;
  for (const std::vector<double>& ring : rings) masks.push_back(ring_mask(ring, height, width));
  return merge_masks(masks);
}

}  // namespace moonbeam::data
