// Where the mouse was while words were said: words of a text to the times of a recording to points to a box
// (data.md 2.7). The text may differ from the recording's words, as a repaired one does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

struct TraceSettings {
  double pad = 0.4;  ///< seconds before and behind the words
  int least_points = 5;
  double low = 0.05;   ///< percentile of the box's sides; the upper one is 1 - low
  double grow = 0.02;  ///< of width and height, on each side
  double rate = 30;    ///< points a second of a good recording
  double least_quality = 0.3;
  double most_hull = 0.6;  ///< of the picture: a mouse that was everywhere shows nothing
};

struct PhraseTrace {
  std::vector<Point> points;  ///< in the picture
  Box box{};
  Point median{};
  double hull = 0;     ///< area of the convex hull
  double quality = 0;  ///< points to those of a good recording
};

class SpokenText {
 public:
  /// `narrative` may go afterwards, but for its traces: they are copied.
  SpokenText(std::string_view text, const data::Narrative& narrative, const TraceSettings& settings);

  /// What was pointed at while the bytes begin to end of the text were said; none where the trace is too poor
  /// for a place.
  std::optional<PhraseTrace> at(std::size_t begin, std::size_t end) const;

 private:
  struct Timed {
    Word word;
    double start = -1, end = -1;  ///< -1: not aligned
  };
  TraceSettings settings_;
  std::vector<Timed> words_;
  std::vector<data::TracePoint> points_;
};

/// Area of the convex hull.
double hull_area(std::vector<Point> points);
/// Share of the points that lie in the box.
double share_inside(const std::vector<Point>& points, const Box& box);

}  // namespace moonbeam::pipeline
