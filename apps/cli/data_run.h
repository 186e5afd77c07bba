// What the verbs of the pipeline share.
#pragma once

#include <string>

#include "cli/options.h"

namespace moonbeam::cli {

/// S13 to S15 of a work folder, into WORK/out. @throws Error as pipeline::reduce.
void finish_run(const std::string& folder, const OutputArgs& output, int threads);

}  // namespace moonbeam::cli
