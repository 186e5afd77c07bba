// What tests of whole runs have in common.
#pragma once

#include "train/loop/trainer.h"
#include "train/testing.h"

namespace moonbeam::train::testing {

/// The same arithmetic on every machine, and a line of the log for each step.
inline TrainOptions one_thread() {
  TrainOptions options;
  options.threads = 1;
  options.log_every = 1;
  options.quiet = true;
  return options;
}

}  // namespace moonbeam::train::testing
