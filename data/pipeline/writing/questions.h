// What a pair of a question and an answer must be, by type: checked by code against the facts (data.md 4.7).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/key_file.h"
#include "data/pipeline/writing/facts.h"
#include "data/pipeline/writing/rules.h"

namespace moonbeam::pipeline {

/// Types that S7 asks for, in the order of data.md.
const std::vector<std::string>& question_types();
/// Facts that answer questions of the type.
std::vector<Fact> facts_for(const std::string& type, const Facts& facts);

/// A value that the fact would have if it were another: verified not to be so. None where nothing is certain.
struct Swap {
  std::string value, other;  ///< as they stand in a question
};
std::optional<Swap> swap_of(const Fact& fact, const Facts& facts, data::Stream& draws);

struct PairLimits {
  int short_words = 6, answer_words = 60, question_words = 30;
  /// Keys of a stage's section. @throws Error kInvalidArgument naming file and line.
  void read(base::KeySection& keys);
};

/// Why a pair as a model wrote it is not one: "uncited", "leak", "colour", "count", ...; "" for a good one.
/// Mends what code knows better: digits of a count. `cited`: the facts it cites.
std::string pair_fault(Pair& pair, const std::vector<Fact>& cited, const Facts& facts, const Rules& rules,
                       const PairLimits& limits);

/// Rules that hold for pairs of every type and origin, before noise.
std::string any_pair_fault(const Pair& pair, const PairLimits& limits);

}  // namespace moonbeam::pipeline
