// moonbeam detect and moonbeam point: one encoded picture, any number of objects.
#include "cli/errors.h"
#include "cli/run.h"
#include "cli/session.h"

namespace moonbeam::cli {

int run_objects(const Options& options, Task task) {
  const auto check = [&](const ModelInfo& info) {
    if (!info.can_detect)
      throw Error(ErrorCode::kUnsupported, options.verb + ": " + model_words(info) + " has no region head");
  };
  return run_pictures(options, task, check, [&](const Asking& asking) {
    std::vector<Answer> answers;
    for (const std::string& object : options.ask.objects) {
      Usage usage;
      ObjectOptions one{.max_objects = options.ask.max_objects,
                        .clamp = options.ask.clamp,
                        .progress = asking.progress,
                        .usage = &usage};
      Answer answer;
      answer.prompt = object;
      if (task == Task::kDetect) {
        answer.boxes = asking.model.detect(*asking.image, object, one);
      } else {
        answer.points = asking.model.point(*asking.image, object, one);
      }
      const std::size_t found = answer.boxes.size() + answer.points.size();
      if (found >= static_cast<std::size_t>(options.ask.max_objects)) answer.finish = Finish::kLength;
      answer.metrics = text_metrics(asking, usage, answers.empty());
      answers.push_back(std::move(answer));
      if (!carry_on()) break;
    }
    return answers;
  });
}

}  // namespace moonbeam::cli
