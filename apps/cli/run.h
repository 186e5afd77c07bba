// A run over pictures: what caption, query, detect, point and gaze have in common.
#pragma once

#include <moonbeam/model.h>

#include <functional>
#include <string_view>
#include <vector>

#include "cli/answer.h"
#include "cli/options.h"
#include "cli/progress.h"

namespace moonbeam::cli {

/// What a verb asks with.
struct Asking {
  const Model& model;
  const EncodedImage* image;  ///< null without a picture, and where the verb encodes itself
  const Image* picture;       ///< null without a picture
  const Options& options;
  ProgressFn progress;
  /// Text of one answer as it is made; null where text is not streamed. The argument is the prompt.
  std::function<TextFn(const std::string& prompt)> stream;
};

/// Asks everything about one picture; an answer for each prompt.
using AskFn = std::function<std::vector<Answer>(const Asking&)>;
/// What the model cannot do is refused before the first picture. @throws Error kUnsupported.
using CheckFn = std::function<void(const ModelInfo&)>;

/// @param encode  false where `ask` works on pixels.
/// @return the exit status. @throws Error for what ends the whole run.
int run_pictures(const Options& options, Task task, const CheckFn& check, const AskFn& ask,
                 bool encode = true);

/// Metrics of an answer. `first`: whether the image encoder ran for it.
Metrics text_metrics(const Asking& asking, const Usage& usage, bool first);

// The verbs; each returns an exit status.
int run_caption(const Options& options);
int run_query(const Options& options);
int run_objects(const Options& options, Task task);  ///< detect and point
int run_gaze(const Options& options);

}  // namespace moonbeam::cli
