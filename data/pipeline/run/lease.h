// Who works on a shard. A lease is a file that its owner touches; one that was not touched for its time, or
// whose process is known to be gone, may be taken over. Two owners at once do no harm, since chunks are
// committed by one alone: they only cost work.
#pragma once

#include <memory>
#include <string>

#include "data/pipeline/run/plan.h"

namespace moonbeam::pipeline {

class Lease {
 public:
  /// @return none where somebody else has it
  static std::unique_ptr<Lease> take(const RunFolder& work, int shard, double seconds);
  ~Lease();  ///< gives it back
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  /// Still ours: call it some times within its seconds. @return false where it was taken over
  bool renew();

 private:
  Lease(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}
  bool is_ours() const;
  std::string path_, text_;
};

}  // namespace moonbeam::pipeline
