// Whether a claim that a model found stands in the text it quotes, by code: the quote is exact, and it bears
// what the claim says (data.md 4.5).
#pragma once

#include <string>
#include <string_view>

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"

namespace moonbeam::pipeline {

/// "" or why it is dropped: "quote-not-in-source", "quote-without-subject", "quote-without-object",
/// "negated", "count-without-number", "empty", "subject-not-in-source".
std::string claim_fault(const Claim& claim, const Source& source, const Lexicon& lexicon);

/// Lower case, single spaces, colours and numbers in one form; written text stays as it is.
void tidy(Claim& claim, const Sheet& sheet, const Lexicon& lexicon);

/// The colour word right before the noun in the quote: "red" of "two red stars"; empty where there is none.
std::string colour_before(std::string_view text, const std::string& noun, const Lexicon& lexicon);

/// Where the picture has several of them, "the star is red" says nothing: the claim is of "red star" then.
void scope(Claim& claim, const Sheet& sheet, const Source& source, const Lexicon& lexicon);

}  // namespace moonbeam::pipeline
