// Vectors of a run's pictures, each encoded once. Kept in WORK/reduce/vectors, a file for each chunk of the
// plan (NNNNN-NNNNN, shard and chunk): "moonbeam picture vectors 1\n", a checksum of the rest, the encoder's
// name, and each picture's key with its numbers. A file that is damaged or another encoder's is made anew, so
// a run that was killed loses a chunk's work.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "data/pipeline/reduce/picture_encoder.h"
#include "data/pipeline/reduce/work_folder.h"

namespace moonbeam::pipeline {

/// A vector of length 1, each number times 2^14 and rounded: 2 bytes a number, and exact sums of products.
/// Empty: there is none.
using PictureVector = std::vector<std::int16_t>;
inline constexpr int kVectorScale = 1 << 14;

/// Empty where it has no length, or numbers that are none.
PictureVector picture_vector(std::span<const float> values);

class PictureVectors {
 public:
  /// `folder`: of the files; `pictures`: of the pictures. All outlive this.
  PictureVectors(std::string folder, std::string pictures, const PictureEncoder& encoder, int threads);

  /// Of a chunk's pictures, in their order; empty of those that the stages refused, and of files that cannot
  /// be read or decoded. @throws Error kInvalidArgument (the encoder's width), kExhausted (disk full).
  std::vector<PictureVector> of_chunk(const WorkChunk& chunk, std::span<const Record> records);

  std::int64_t encoded() const { return encoded_; }        ///< pictures, by this object
  std::int64_t found() const { return found_; }            ///< in files
  std::int64_t unreadable() const { return unreadable_; }  ///< pictures

 private:
  using Known = std::map<std::string, PictureVector>;  // by key
  Known load(const std::string& path) const;
  void save(const std::string& path, const std::vector<std::string>& keys,
            const std::vector<PictureVector>& vectors) const;
  PictureVector encode(const Record& record, PictureEncoder::Encode& encode) const;

  std::string folder_, pictures_;
  const PictureEncoder& encoder_;
  base::ThreadPool pool_;
  std::vector<PictureEncoder::Encode> encoders_;  // of each thread, once it has something to do
  std::int64_t encoded_ = 0, found_ = 0, unreadable_ = 0;
};

}  // namespace moonbeam::pipeline
