// Where people's texts deny the annotations: annotators miss things and take one for another. What several
// texts say alike against the sheet makes a class uncertain: it is then neither counted, nor denied, nor
// found (data.md 4.2).
#pragma once

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"

namespace moonbeam::pipeline {

/// How many of a noun a text counts: "two dogs and a dog" are 3. -1: it speaks of them without a number.
std::map<std::string, int> things_told(const std::string& text, const Lexicon& lexicon);

/// `least` texts that say the same decide. Counts "S4/missing-on-sheet", "S4/count-disputed",
/// "S4/thing-disputed".
void audit_sheet(Record& record, const Lexicon& lexicon, int least);

}  // namespace moonbeam::pipeline
