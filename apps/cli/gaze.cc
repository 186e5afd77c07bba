// moonbeam gaze: from a person's eyes or face to what they look at.
#include "cli/errors.h"
#include "cli/places.h"
#include "cli/run.h"
#include "cli/session.h"

namespace moonbeam::cli {

int run_gaze(const Options& options) {
  const bool by_face = !options.ask.face.empty();
  const Point eye = by_face ? Point() : parse_point(options.ask.eye, "gaze");
  const Box face = by_face ? parse_box(options.ask.face, "--face") : Box();
  const auto check = [](const ModelInfo& info) {
    if (!info.can_gaze)
      throw Error(ErrorCode::kUnsupported, "gaze: " + model_words(info) + " has no gaze prompt");
  };
  const auto ask = [&](const Asking& asking) {
    const double start = now_ms();
    const GazeOptions gaze{
        .force_detect = options.ask.force, .seed = options.sampling.seed, .progress = asking.progress};
    const std::optional<Point> point = by_face ? asking.model.detect_gaze(*asking.picture, face, gaze)
                                               : asking.model.detect_gaze(*asking.image, eye, gaze);
    Answer answer;
    if (point) answer.points.push_back(options.ask.clamp ? clamp(*point) : *point);
    Usage usage;
    usage.decode_ms = now_ms() - start;  // prompts included: a gaze is one point, or many in one call
    answer.metrics = text_metrics(asking, usage, true);
    answer.metrics.input_tokens = answer.metrics.output_tokens = -1;
    return std::vector{std::move(answer)};
  };
  return run_pictures(options, Task::kGaze, check, ask, !by_face);
}

}  // namespace moonbeam::cli
