// What the sheet says of a claim, by code: existence, counts, places, left and right, containment, clear
// colours, written text (data.md 4.5, check b). "unknown" where the sheet cannot tell.
#pragma once

#include <string>

#include "data/pipeline/evidence/subject.h"

namespace moonbeam::pipeline {

inline constexpr const char *kSupported = "supported", *kContradicted = "contradicted", *kUnknown = "unknown";

struct SheetVerdict {
  std::string is = kUnknown;
  std::string thing = {};  ///< the one it holds for, where there is one
};

SheetVerdict check_existence(const Sheet& sheet, const Subject& subject, const Lexicon& lexicon);
SheetVerdict check_on_sheet(const Record& record, const Claim& claim, const Lexicon& lexicon);

/// Nothing but the sheet or the picture's own pixels can tell: no model is asked.
bool only_code_decides(const Claim& claim);
/// "left", "top right", "middle"; empty where the claim is of no place in the picture.
std::string place_of(const Claim& claim);

}  // namespace moonbeam::pipeline
