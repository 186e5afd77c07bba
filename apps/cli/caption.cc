// moonbeam caption.
#include <algorithm>

#include "cli/errors.h"
#include "cli/run.h"
#include "cli/session.h"

namespace moonbeam::cli {

int run_caption(const Options& options) {
  const std::string& length = options.ask.length;
  const auto check = [&](const ModelInfo& info) {
    const auto& known = info.caption_lengths;
    if (std::find(known.begin(), known.end(), length) != known.end()) return;
    std::string list;
    for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
    throw Error(ErrorCode::kUnsupported, "--length: " + model_words(info) + " has " +
                                             (list.empty() ? "no captions" : list) + ", got '" + length +
                                             "'");
  };
  return run_pictures(options, Task::kCaption, check, [&](const Asking& asking) {
    CaptionOptions caption;
    caption.length = length == "short"  ? CaptionLength::kShort
                     : length == "long" ? CaptionLength::kLong
                                        : CaptionLength::kNormal;
    caption.sampling = sampling_options(options.sampling);
    caption.max_tokens = options.sampling.max_tokens;
    caption.stop = options.sampling.stop;
    caption.progress = asking.progress;
    if (asking.stream) caption.on_text = asking.stream("");
    CaptionResult result = asking.model.caption(*asking.image, caption);
    Answer answer;
    answer.text = std::move(result.caption);
    answer.finish = result.finish;
    answer.metrics = text_metrics(asking, result.usage, true);
    return std::vector{std::move(answer)};
  });
}

}  // namespace moonbeam::cli
