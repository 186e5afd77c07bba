// What the answers of a run depend on beside picture and prompt, so that --resume does not mix two kinds.
#pragma once

#include <string>
#include <string_view>

#include "cli/answer.h"
#include "cli/options.h"

namespace moonbeam::cli {

/// One line of JSON, key "options" of the lines of a --resume run: model and, for captions, length always;
/// other settings where they are not the default, under their flags' names.
/// @param model  where it lies, or its name where it lies nowhere ("synth:tiny").
std::string run_options(const Options& options, Task task, const std::string& model);

/// "temperature is 0.5, not the default": the first setting that differs between run_options() in a line
/// and those of this run; empty if none does. Anything but a JSON object differs from every run.
std::string options_difference(std::string_view in_line, std::string_view of_run);

}  // namespace moonbeam::cli
