// The text that a run will be about, for its tokenizer to learn from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/recipe/recipe.h"

namespace moonbeam::train {

struct CorpusOptions {
  std::int64_t scenes = 80'000;
  std::vector<std::string> words;  ///< files of words, white space between
  int times = 40;  ///< each of these words and each label this often: alone and behind a space
};

struct CorpusReport {
  std::int64_t lines = 0;
};

/// Questions and answers of scenes of every stage that asks, a line each, then labels and words. Writes `out`
/// whole or not at all. @throws Error.
CorpusReport write_corpus(const Recipe& recipe, const CorpusOptions& options, const std::string& out);

}  // namespace moonbeam::train
