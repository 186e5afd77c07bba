// From options to a loaded model.
#pragma once

#include <moonbeam/error.h>
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

/// Where the model lies that -m names, as far as that can be told without reading it; the default one's path
/// for an empty name, and a name that is not found as it is.
std::string model_path(const std::string& model);

/// `error` of loading `model`; where the name is not known, with the folders searched and where to read on.
Error model_error(const std::string& model, const Error& error);

/// `work` with `model`, its errors through model_error().
template <typename Work>
auto with_known(const std::string& model, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw model_error(model, error);
  }
}

/// The model as refusals call it: "'starter'", with the variant's name where it is a published one.
std::string model_words(const ModelInfo& info);

/// What loading found to be probably a mistake, on standard error.
void say_warnings(const ModelInfo& info);

LoadOptions load_options(const ModelArgs& args);
SamplingOptions sampling_options(const SamplingArgs& args);

/// Whether notes and progress go to standard error.
bool shows_progress(const OutputArgs& output);

}  // namespace moonbeam::cli
