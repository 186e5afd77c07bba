#include "tasks/gaze.h"

#include <moonbeam/model.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tasks/out_of_memory.h"
#include "text/sampler.h"

namespace moonbeam {

namespace tasks {

std::vector<Point> remove_outliers(const std::vector<Point>& points) {
  constexpr std::size_t kNearest = 2;
  constexpr double kTimesMedian = 2.0;
  if (points.size() <= kNearest + 1) return points;
  std::vector<double> near;
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<double> distances;
    for (std::size_t j = 0; j < points.size(); ++j) {
      if (j != i) distances.push_back(std::hypot(points[i].x - points[j].x, points[i].y - points[j].y));
    }
    std::partial_sort(distances.begin(), distances.begin() + kNearest, distances.end());
    near.push_back((distances[0] + distances[1]) / kNearest);
  }
  std::vector<double> sorted(near);
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  const double median = sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  std::vector<Point> kept;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (near[i] <= kTimesMedian * median) kept.push_back(points[i]);
  }
  return kept;
}

Point mean(const std::vector<Point>& points) noexcept {
  Point sum;
  for (const Point& point : points) {
    sum.x += point.x;
    sum.y += point.y;
  }
  const auto count = static_cast<double>(points.size());
  return {sum.x / count, sum.y / count};
}

namespace {

Image mirrored(const Image& image) {
  Image out{image.height, image.width, std::vector<std::uint8_t>(image.pixels.size())};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const auto from = (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                         static_cast<std::size_t>(x)) *
                        3;
      const auto to = (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                       static_cast<std::size_t>(image.width - 1 - x)) *
                      3;
      std::copy_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(from), 3,
                  out.pixels.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
  return out;
}

}  // namespace

}  // namespace tasks

std::optional<Point> Model::detect_gaze(const Image& image, const Box& face,
                                        const GazeOptions& options) const {
  constexpr int kGuesses = 10;  // on the picture, and as many on its mirror image
  if (!(face.x_min >= 0 && face.y_min >= 0 && face.x_max <= 1 && face.y_max <= 1 &&
        face.x_min <= face.x_max && face.y_min <= face.y_max)) {
    base::fail(ErrorCode::kInvalidArgument,
               "gaze: expected a face box x_min,y_min,x_max,y_max in [0,1], got ", face.x_min, ",",
               face.y_min, ",", face.x_max, ",", face.y_max);
  }
  return tasks::or_exhausted([&]() -> std::optional<Point> {
    text::RandomGenerator random(options.seed);
    const auto between = [&](double low, double high) { return low + (high - low) * random.uniform(); };
    std::vector<Point> gazes;
    for (const bool mirror : {false, true}) {
      const EncodedImage encoded = encode_image(mirror ? tasks::mirrored(image) : image, options.progress);
      for (int i = 0; i < kGuesses; ++i) {
        Point eye{between(face.x_min, face.x_max), between(face.y_min, face.y_max)};
        if (mirror) eye.x = 1 - eye.x;
        std::optional<Point> gaze = detect_gaze(encoded, eye, options);
        if (!gaze) continue;
        if (mirror) gaze->x = 1 - gaze->x;
        gazes.push_back(*gaze);
      }
    }
    if (gazes.size() < kGuesses) return std::nullopt;
    return tasks::mean(tasks::remove_outliers(gazes));
  });
}

}  // namespace moonbeam
