#include "eval/metrics/coco_ap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "eval/metrics/boxes.h"

namespace moonbeam::eval {

namespace {

constexpr int kThresholds = 10, kGrid = 101;
constexpr std::array<std::size_t, 3> kMost = {1, 10, 100};

struct Range {
  double low, high;
};
constexpr Range kAll{0, 1e10}, kSmall{0, 32.0 * 32}, kMedium{32.0 * 32, 96.0 * 96}, kLarge{96.0 * 96, 1e10};

double area_of(const PixelBox& box) {
  return box[2] * box[3];
}

double overlap(const PixelBox& detection, const GoldBox& gold) {
  const double wide = std::min(detection[0] + detection[2], gold.box[0] + gold.box[2]) -
                      std::max(detection[0], gold.box[0]),
               high = std::min(detection[1] + detection[3], gold.box[1] + gold.box[3]) -
                      std::max(detection[1], gold.box[1]);
  if (wide <= 0 || high <= 0) return 0;
  const double both = wide * high,
               all = gold.crowd ? area_of(detection) : area_of(detection) + area_of(gold.box) - both;
  return both / all;
}

/// Gold and detections of one picture and category; detections by falling score, 100 at most.
struct Cell {
  std::vector<const GoldBox*> gold;
  std::vector<const DetectedBox*> detections;
};
using Cells = std::map<std::int64_t, std::map<std::int64_t, Cell>>;  // by category, by picture

Cells cells_of(std::span<const GoldBox> gold, std::span<const DetectedBox> detections) {
  Cells out;
  for (const GoldBox& one : gold) out[one.category][one.picture].gold.push_back(&one);
  for (const DetectedBox& one : detections) out[one.category][one.picture].detections.push_back(&one);
  for (auto& [category, pictures] : out) {
    for (auto& [picture, cell] : pictures) {
      std::stable_sort(cell.detections.begin(), cell.detections.end(),
                       [](const DetectedBox* a, const DetectedBox* b) { return a->score > b->score; });
      if (cell.detections.size() > kMost.back()) cell.detections.resize(kMost.back());
    }
  }
  return out;
}

struct Hit {
  double score;
  bool hit;
};

/// Matches a cell at one threshold: what was hit or missed, what is ignored left out.
/// @return how many gold boxes there are to find
int match(const Cell& cell, const Range& range, double threshold, std::size_t most, std::vector<Hit>& hits) {
  std::vector<const GoldBox*> gold = cell.gold;
  const auto ignored = [&](const GoldBox* one) {
    return one->crowd || one->area < range.low || one->area > range.high;
  };
  std::stable_sort(gold.begin(), gold.end(),
                   [&](const GoldBox* a, const GoldBox* b) { return ignored(a) < ignored(b); });
  std::vector<bool> taken(gold.size());
  for (std::size_t d = 0; d < std::min(most, cell.detections.size()); ++d) {
    const DetectedBox& detection = *cell.detections[d];
    double best = std::min(threshold, 1 - 1e-10);
    int held = -1;
    for (std::size_t g = 0; g < gold.size(); ++g) {
      if (taken[g] && !gold[g]->crowd) continue;
      if (held >= 0 && !ignored(gold[static_cast<std::size_t>(held)]) && ignored(gold[g])) break;
      const double value = overlap(detection.box, *gold[g]);
      if (value < best) continue;
      best = value;
      held = static_cast<int>(g);
    }
    const double own = area_of(detection.box);
    if (held >= 0) {
      taken[static_cast<std::size_t>(held)] = true;
      if (!ignored(gold[static_cast<std::size_t>(held)])) hits.push_back({detection.score, true});
    } else if (own >= range.low && own <= range.high) {
      hits.push_back({detection.score, false});
    }
  }
  return static_cast<int>(
      std::count_if(gold.begin(), gold.end(), [&](const GoldBox* one) { return !ignored(one); }));
}

struct Curve {
  double precision = -1, recall = -1;  // mean over the grid; the last recall
};

Curve curve_of(const std::map<std::int64_t, Cell>& pictures, const Range& range, double threshold,
               std::size_t most) {
  std::vector<Hit> hits;
  int positives = 0;
  for (const auto& [picture, cell] : pictures) positives += match(cell, range, threshold, most, hits);
  if (positives == 0) return {};
  std::stable_sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.score > b.score; });
  std::vector<double> precision, recall;
  int right = 0, wrong = 0;
  for (const Hit& hit : hits) {
    ++(hit.hit ? right : wrong);
    recall.push_back(static_cast<double>(right) / positives);
    precision.push_back(right / (right + wrong + std::numeric_limits<double>::epsilon()));
  }
  for (std::size_t i = precision.size(); i-- > 1;)
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  double sum = 0;
  for (int k = 0; k < kGrid; ++k) {
    const auto at = std::lower_bound(recall.begin(), recall.end(), k * 0.01);
    if (at != recall.end()) sum += precision[static_cast<std::size_t>(at - recall.begin())];
  }
  return {sum / kGrid, recall.empty() ? 0 : recall.back()};
}

/// Mean of what there is; -1 of nothing.
class Mean {
 public:
  void add(double value) {
    if (value < 0) return;
    sum_ += value;
    ++count_;
  }
  double value() const { return count_ == 0 ? -1 : sum_ / count_; }

 private:
  double sum_ = 0;
  int count_ = 0;
};

struct Summary {
  double ap, ar, ap50, ap75;
};

Summary summarise(const Cells& cells, const Range& range, std::size_t most) {
  Mean ap, ar, ap50, ap75;
  for (const auto& [category, pictures] : cells) {
    for (int t = 0; t < kThresholds; ++t) {
      const Curve curve = curve_of(pictures, range, 0.5 + 0.05 * t, most);
      ap.add(curve.precision);
      ar.add(curve.recall);
      if (t == 0) ap50.add(curve.precision);
      if (t == 5) ap75.add(curve.precision);
    }
  }
  return {ap.value(), ar.value(), ap50.value(), ap75.value()};
}

/// AP of one picture and class with detections in the order they came, precision at 11 recalls.
double eleven_point(const Cell& cell) {
  std::vector<Hit> hits;
  const int positives = match(cell, kAll, 0.5, cell.detections.size(), hits);
  if (positives == 0) return -1;
  std::vector<double> precision, recall;
  int right = 0;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    right += hits[i].hit;
    recall.push_back(static_cast<double>(right) / positives);
    precision.push_back(static_cast<double>(right) / static_cast<double>(i + 1));
  }
  double sum = 0;
  for (int k = 0; k <= 10; ++k) {
    double best = 0;
    for (std::size_t i = 0; i < recall.size(); ++i) {
      if (recall[i] >= k * 0.1 - 1e-12) best = std::max(best, precision[i]);
    }
    sum += best;
  }
  return sum / 11;
}

}  // namespace

CocoScores coco_scores(std::span<const GoldBox> gold, std::span<const DetectedBox> detections) {
  const Cells cells = cells_of(gold, detections);
  CocoScores out;
  const Summary all = summarise(cells, kAll, kMost[2]);
  out.ap = all.ap;
  out.ap50 = all.ap50;
  out.ap75 = all.ap75;
  out.ar100 = all.ar;
  out.ar1 = summarise(cells, kAll, kMost[0]).ar;
  out.ar10 = summarise(cells, kAll, kMost[1]).ar;
  const Summary small = summarise(cells, kSmall, kMost[2]), medium = summarise(cells, kMedium, kMost[2]),
                large = summarise(cells, kLarge, kMost[2]);
  out.ap_small = small.ap;
  out.ar_small = small.ar;
  out.ap_medium = medium.ap;
  out.ar_medium = medium.ar;
  out.ap_large = large.ap;
  out.ar_large = large.ar;
  return out;
}

double moondream_map(std::span<const GoldBox> gold, std::span<const DetectedBox> detections) {
  std::vector<DetectedBox> equal(detections.begin(), detections.end());
  for (DetectedBox& one : equal) one.score = 1;
  Mean mean;
  for (const auto& [category, pictures] : cells_of(gold, equal)) {
    for (const auto& [picture, cell] : pictures) mean.add(eleven_point(cell));
  }
  return mean.value();
}

bool refcoco_correct(std::span<const Box> given, const Box& gold) {
  return !given.empty() && iou(given[0], gold) >= 0.5;
}

}  // namespace moonbeam::eval
