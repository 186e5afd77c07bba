// moonbeam gaze: from a person's eyes to what they look at.
#include "cli/errors.h"
#include "cli/places.h"
#include "cli/run.h"

namespace moonbeam::cli {

int run_gaze(const Options& options) {
  Point eye;
  if (options.ask.face.empty()) {
    eye = parse_point(options.ask.eye, "gaze");
  } else {
    const Box face = parse_box(options.ask.face, "--face");
    eye = {(face.x_min + face.x_max) / 2, (face.y_min + face.y_max) / 2};
  }
  const auto check = [](const ModelInfo& info) {
    if (!info.can_gaze) throw Error(ErrorCode::kUnsupported, "gaze: " + info.variant + " has no gaze prompt");
  };
  return run_pictures(options, Task::kGaze, check, [&](const Asking& asking) {
    Stopwatch watch(asking);
    const GazeOptions gaze{.force_detect = options.ask.force, .progress = watch.progress()};
    Answer answer;
    if (const std::optional<Point> point = asking.model.detect_gaze(*asking.image, eye, gaze)) {
      answer.points.push_back(options.ask.clamp ? clamp(*point) : *point);
    }
    answer.metrics = watch.metrics(true);
    return std::vector{std::move(answer)};
  });
}

}  // namespace moonbeam::cli
