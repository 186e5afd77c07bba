// Which claims hold, from their three verdicts (data.md 4.5). Strict: to lose a true claim costs less than to
// keep a false one.
#pragma once

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"

namespace moonbeam::pipeline {

/// Sets Claim::accepted, or Claim::dropped with the reason, which is counted: "S4/not-in-source",
/// "S4/not-on-sheet", "S4/not-seen", "S4/no-such-thing", "S4/one-source", ...
void decide(Record& record, const Lexicon& lexicon);

/// People who say so independently of one another: trusted texts of claims with the same content that the
/// check of their source supports.
int agreeing_sources(const Record& record, const Claim& claim, const Lexicon& lexicon);

}  // namespace moonbeam::pipeline
