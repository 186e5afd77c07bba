// The place where ranks meet before they are connected and ask who is lost when a connection broke: a store
// of keys that rank 0 (or torchrun) keeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "train/parallel/launch.h"

namespace moonbeam::train {

/// Made by make_shared: what asks a store that may not answer keeps it alive.
class Meeting : public std::enable_shared_from_this<Meeting> {
 public:
  /// @throws Error kNotFound: nobody answers there, or ranks did not come in time.
  Meeting(const Launch& launch, double timeout);
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  c10::intrusive_ptr<c10d::Store> store() const { return store_; }
  /// This machine's address that all other ranks reach.
  std::string own_address();

  /// Counts a meeting of all that this rank goes to: who has gone to fewer than the others is late.
  void go();

  /// Why a meeting failed: what the rank that ended first has said, or else who does not answer any more.
  /// `what`: the failure as the connection has it.
  std::string why(const std::string& what);
  /// Says so, unless somebody has given a reason before. @return the reason that all will give.
  std::string say_why(const std::string& reason);
  /// Where this rank keeps the store: waits until the others have read the reason, but not for long.
  void let_others_read();

  /// "rank 2 (machine)".
  std::string name(int rank) const;

 private:
  void meet(double timeout);
  void stop_heart();
  std::vector<std::int64_t> beats();
  std::string late_ranks();
  std::string look_for_the_lost(const std::string& what);
  bool keeps_store() const { return launch_.rank == 0 && !launch_.store_runs; }

  Launch launch_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::vector<std::string> machines_;  // [ranks]
  std::atomic<int> lost_ = 0;          // ranks that will read nothing any more
  struct Heart;
  std::shared_ptr<Heart> heart_;
};

}  // namespace moonbeam::train
