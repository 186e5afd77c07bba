// A run's log.jsonl as numbers and samples. What lines look like: docs/training.md.
#pragma once

#include <moonbeam/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace moonbeam::train {

/// A question of a scene of val-seed that the model was asked on the way.
struct Sample {
  std::int64_t step = 0;
  std::uint64_t scene = 0;  ///< index in val-seed
  std::string picture;      ///< path of one's own; empty: a scene
  std::string stage;        ///< whose scenes they are
  int classes = 0;
  std::string task, prompt, answer, truth;
  std::vector<Box> boxes;
  std::vector<Point> points;
};

struct RunLog {
  using Points = std::vector<std::pair<double, double>>;  // step, value
  std::map<std::string, Points> training;                 ///< "loss.total", "rate", "scenes_per_s", ...
  std::map<std::string, Points> validation;               ///< "loss.total", "patch_accuracy", ...
  std::vector<std::pair<double, std::string>> marks;      ///< first step of each stage; wider class lists
  std::vector<Sample> samples;
  double seconds = 0;  ///< of training
};

/// Lines that are not understood are passed over: the log of a newer version is still worth a page.
/// @throws Error kNotFound.
RunLog read_run_log(const std::string& path);

}  // namespace moonbeam::train
