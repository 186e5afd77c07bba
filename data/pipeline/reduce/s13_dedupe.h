// S13: what is there twice, and what evaluation is made of (data.md 4.10). Of equal ones the first in the
// plan's order stays. Memory: a few bytes an item and a picture, with an encoder of pictures its vectors
// (like_pictures.h); hashes are sorted through files.
#pragma once

#include <functional>
#include <string>

#include "base/key_file.h"
#include "data/pipeline/reduce/decisions.h"
#include "data/pipeline/reduce/embedding.h"
#include "data/pipeline/reduce/picture_encoder.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

struct DedupeOptions {
  bool exact = true;
  MinHashShape min_hash = {};  ///< bands of 0: nothing is compared
  int words = 5;               ///< in a shingle of a caption
  int letters = 4;             ///< in one of a question
  double cosine = 0.92;        ///< of two questions about a picture; above 1: not compared
  int picture_bits = 4;        ///< of the perceptual hash that may differ; -1: pictures are not compared
  /// Whose image encoder compares pictures: a file, or a name that whoever makes `encoder` knows. Empty:
  /// none.
  std::string picture_model = {};
  double picture_cosine = 0.95;                     ///< of two pictures; above 1: not compared by it
  std::vector<std::string> evaluation = {};         ///< files of evaluation pictures
  std::vector<std::string> benchmarks = {};         ///< files of benchmark questions
  int gram = 10;                                    ///< words in a run that is looked for
  double covered = 0.5;                             ///< more of a benchmark's question than this is too much
  std::string drop_list = {};                       ///< file of clusters
  std::string embedder = std::string(kHashedName);  ///< has to be the drop list's
  std::vector<int> quarantine = {};         ///< shards that are left out, as the report's alerts may ask for
  std::string spill = {};                   ///< folder of temporary files
  const PictureEncoder* encoder = nullptr;  ///< picture_model's
  std::string pictures = {};                ///< folder of the pictures, for the encoder

  /// [S13] of a recipe. @throws Error kInvalidArgument naming file and line.
  void read(base::KeySection& section);
  bool encodes_pictures() const { return !picture_model.empty() && picture_cosine <= 1; }
};

/// Decides on every item of the work folder.
Decisions dedupe(const WorkFolder& work, const DedupeOptions& options, const Embedder& embed, int threads,
                 PictureCounts* counts = nullptr);

}  // namespace moonbeam::pipeline
