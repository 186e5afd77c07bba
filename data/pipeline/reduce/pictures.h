// What becomes of whole pictures (S13): those of evaluation sets, and those that are there already. Of equal
// ones the first in the plan's order stays; what goes is nobody's model, so that a row of pictures each like
// the next does not go as one.
#pragma once

#include <cstdint>
#include <vector>

#include "data/pipeline/reduce/decontaminate.h"
#include "data/pipeline/reduce/near_pictures.h"
#include "data/pipeline/reduce/s13_dedupe.h"

namespace moonbeam::pipeline {

struct PictureFate {
  Why reason = Why::kKept;
  std::uint32_t like = kNone;  ///< number of the picture that it repeats
};

class PictureRules {
 public:
  /// Reads the lists of evaluation pictures. @throws Error kNotFound, kInvalidArgument naming the line.
  explicit PictureRules(const DedupeOptions& options);

  /// Pictures come one after the other, in the plan's order.
  PictureFate next(const Record& record, int shard);
  /// The same where `like`, a kept one, looks like it to an encoder; kNone: none does.
  PictureFate next(Why alone, std::uint64_t hash, std::uint32_t like);
  /// Without a look at others.
  Why alone(const Record& record, int shard) const;

 private:
  const DedupeOptions& options_;
  EvaluationPictures evaluation_;
  HashIndex hashes_;
  std::uint32_t pictures_ = 0;
};

/// With the options' encoder: all pictures, before anything else is decided, since what they have in common
/// is known only when all were seen. Leaves WORK/reduce/vectors. Memory: 2 bytes a number of the encoder.
std::vector<PictureFate> encoded_fates(const WorkFolder& work, const DedupeOptions& options,
                                       PictureRules& rules, int threads, PictureCounts& counts);

}  // namespace moonbeam::pipeline
