// What is not in a picture, and how it is drawn: so that a noun is as often asked for where it is as where it
// is not, over all pictures (M8), and still in the three ways of data.md 3.5.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/stage/context.h"
#include "data/pipeline/writing/facts.h"

namespace moonbeam::pipeline {

/// What annotation and texts of a picture speak of.
class Heard {
 public:
  Heard(const Record& record, const Lexicon& lexicon);
  /// None of it has to do with the noun. Says nothing of whether the annotation would have shown it.
  bool never_of(const std::string& noun) const;

 private:
  const Record& record_;
  const Lexicon& lexicon_;
  std::set<std::string> nouns_, words_;  // of texts: singulars, and all words as they stand
};

/// Classes that are certainly not there: the annotation is exhaustive for them, or says so itself, and nobody
/// mentions them. In their order.
std::vector<std::string> absent_classes(const Record& record, const Context& context);
/// Classes that are annotated and that people name, in their order.
std::vector<std::string> present_classes(const Facts& facts);

enum class Negative { kRandom, kPopular, kAdversarial };
std::string_view negative_name(Negative kind);

struct Twin {
  std::string present, absent;
};
/// A class that is there and one that is not. Weights are those of the kind (alike, by how often the absent
/// one is seen, by how often both are seen together), times the odds that make each noun as frequent among
/// the present as among the absent: of u and v, the pictures with u but without v are as many as are let
/// through of those with v but without u. The odds of always asking for the most frequent absent class would
/// make its noun mean "no". @return none where no class can be drawn.
std::optional<Twin> draw_twin(Negative kind, const std::vector<std::string>& present,
                              const std::vector<std::string>& absent, const CorpusStats* corpus,
                              data::Stream& draws);

}  // namespace moonbeam::pipeline
