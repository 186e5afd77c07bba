// Whether two answers say the same.
#pragma once

#include <string>
#include <string_view>

#include "data/pipeline/writing/rules.h"

namespace moonbeam::pipeline {

/// As in data.md 3.1: lower case, no punctuation, no articles, numbers as digits; "grey" is "gray".
std::string normal_answer(std::string_view answer);

enum class Agreement { kSame, kUnknown, kOther };
/// By code alone: equal when normalised, equal but for words that say nothing, both a denial, or an answer
/// that says that it does not know. kOther: another model may still find them equal.
Agreement agreement(std::string_view expected, std::string_view got, const Rules& rules);

}  // namespace moonbeam::pipeline
