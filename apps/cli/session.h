// From options to a loaded model.
#pragma once

#include <moonbeam/model.h>

#include "cli/options.h"
#include "cli/progress.h"

namespace moonbeam::cli {

struct Session {
  Model model;
  double load_ms = 0;
};

/// Loads the model of the options, else the default one, which is said once on standard error.
/// @throws Error as Model::load.
Session open_session(const Options& options, Status& status);

LoadOptions load_options(const ModelArgs& args);
SamplingOptions sampling_options(const SamplingArgs& args);

/// Whether notes and progress go to standard error.
bool shows_progress(const OutputArgs& output);

}  // namespace moonbeam::cli
