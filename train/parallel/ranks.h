// The processes that train one model together, as a step sees them: sums over all, values of rank 0. c10d's
// Gloo carries them. A rank that is lost, late or has ended by an error of its own ends all others with an
// error that names it. With one process everything here is nothing.
//
// All ranks call the same functions in the same order.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "train/parallel/launch.h"

namespace moonbeam::train {

class Ranks {
 public:
  /// One process.
  Ranks();
  /// Meets the others. @param timeout  seconds that they may take to come, now and at each later meeting
  /// @throws Error kNotFound naming the ranks that did not come.
  Ranks(const Launch& launch, double timeout);
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return launch_.rank; }
  int size() const { return launch_.size; }
  bool alone() const { return launch_.alone(); }
  /// The one that writes: checkpoints, log, progress.
  bool first() const { return launch_.rank == 0; }

  // All of these: @throws Error kNotFound naming the rank that is lost, late or has ended.

  /// In place; the same bits on every rank.
  void sum(const torch::Tensor& values);
  void sum(std::vector<double>& values);
  bool any(bool mine);
  /// Rank 0's values for all.
  void from_first(const torch::Tensor& values);
  void from_first(double& value);
  void from_first(std::string& text);
  void wait_for_all();

  /// Before this process ends by an error: the others shall say what it was, not that somebody is lost.
  void leave(const std::string& why) noexcept;

 private:
  struct Group;
  Launch launch_;
  std::unique_ptr<Group> group_;  // null: alone
};

}  // namespace moonbeam::train
