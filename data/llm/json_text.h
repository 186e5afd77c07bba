// JSON out of text that a stranger wrote: bounded depth, no exceptions, and found inside other text.
#pragma once

#include <optional>
#include <string_view>

#include "data/llm/call.h"

namespace moonbeam::llm {

inline constexpr int kMaxDepth = 32;

/// None where it is not JSON, not UTF-8, or deeper than that.
std::optional<Json> parse_bounded(std::string_view text, int most_depth = kMaxDepth);

/// The JSON that is the text, or stands in it between fences or other words: models that are not constrained
/// wrap what they were asked for. `mended` is set where there was something round it.
std::optional<Json> find_json(std::string_view text, bool& mended);

}  // namespace moonbeam::llm
