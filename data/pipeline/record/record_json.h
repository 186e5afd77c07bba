// Records as lines of JSON: keys sorted, so that equal records give equal bytes.
#pragma once

#include <string>
#include <string_view>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

/// With the line's end. Narratives' words and traces stay in the input.
std::string input_line(const Input& input);
/// The input without its narratives' times and traces, and all that the stages found out.
std::string record_line(const Record& record);

/// All that the stages found out.
Json record_json(const Record& record);
/// 16 digits of it.
std::string record_hash(const Record& record);

/// `where` names the line. @throws Error kCorrupt.
Input input_of(std::string_view line, const std::string& where);
Record record_of(std::string_view line, const std::string& where);

}  // namespace moonbeam::pipeline
