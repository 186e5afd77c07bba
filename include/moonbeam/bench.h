// How fast a model runs here, as shares of what this machine can do at most.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <moonbeam/model.h>

namespace moonbeam {

struct BenchOptions {
  LoadOptions load = {};
  int repeat = 5;      ///< measured runs of a stage, >= 1, after one that warms up
  bool limits = true;  ///< measure the machine too; without, shares are 0
  /// Hears the name of what is measured next. False stops: run_bench() then returns what it has.
  std::function<bool(const std::string& what)> on_stage = {};
};

/// The most that the machine does, measured in the same run. 0 where it was not measured.
struct BenchLimits {
  double f32_gflops = 0, bf16_gflops = 0,
         int8_gops = 0;  ///< multiply-adds counted as 2, one thread, per CPU second
  double read_gb_s = 0;  ///< of large buffers, all threads
};

struct BenchStage {
  std::string name;  ///< "encode", "prefill", "decode", "first_token", "second_question", "load"
  double median_ms = 0, min_ms = 0, max_ms = 0;
  int runs = 0;
  /// Runs while other programs had more than 5 % of the machine's time: left out of the figures, unless no
  /// other was left.
  int disturbed = 0;
  double tokens_per_s = 0;  ///< prefill and decode
  double share = 0;         ///< of the limit that binds this stage, 0..1; 0 if none is known
};

struct BenchReport {
  ModelInfo model;
  std::string cpu, commit;
  int page_bytes = 0;  ///< of the weights' memory: 2 MiB where the system grants huge pages
  BenchLimits limits;
  std::vector<BenchStage> stages;
  std::int64_t peak_bytes = 0;  ///< resident, highest so far
};

/// Loads `model` and times its stages with a picture and prompts that are made up: one crop, a caption's
/// prompt.
/// @throws Error as Model::load; kInvalidArgument (repeat < 1).
BenchReport run_bench(const std::string& model, const BenchOptions& options = {});

}  // namespace moonbeam
