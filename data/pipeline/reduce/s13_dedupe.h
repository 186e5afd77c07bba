// S13: what is there twice, and what evaluation is made of (data.md 4.10). Of equal ones the first in the
// plan's order stays. Memory: a few bytes an item and a picture; hashes are sorted through files.
#pragma once

#include <functional>
#include <string>

#include "base/key_file.h"
#include "data/pipeline/reduce/decisions.h"
#include "data/pipeline/reduce/embedding.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {

struct DedupeOptions {
  bool exact = true;
  MinHashShape min_hash = {};  ///< bands of 0: nothing is compared
  int words = 5;               ///< in a shingle of a caption
  int letters = 4;             ///< in one of a question
  double cosine = 0.92;        ///< of two questions about a picture; above 1: not compared
  int picture_bits = 4;        ///< of the perceptual hash that may differ; -1: pictures are not compared
  std::vector<std::string> evaluation = {};         ///< files of evaluation pictures
  std::vector<std::string> benchmarks = {};         ///< files of benchmark questions
  int gram = 10;                                    ///< words in a run that is looked for
  double covered = 0.5;                             ///< more of a benchmark's question than this is too much
  std::string drop_list = {};                       ///< file of clusters
  std::string embedder = std::string(kHashedName);  ///< has to be the drop list's
  std::vector<int> quarantine = {};  ///< shards that are left out, as the report's alerts may ask for
  std::string spill = {};            ///< folder of temporary files

  /// [S13] of a recipe. @throws Error kInvalidArgument naming file and line.
  void read(base::KeySection& section);
};

/// Decides on every item of the work folder.
Decisions dedupe(const WorkFolder& work, const DedupeOptions& options, const Embedder& embed, int threads);

}  // namespace moonbeam::pipeline
