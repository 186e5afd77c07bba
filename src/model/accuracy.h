// What is known of a quantised model's accuracy: bars of each mode, the JSON that its file bears, and which
// rules of the recipe would bring it below the bars. Measuring is tasks/accuracy.h's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moonbeam/weights.h>

namespace moonbeam::model {

/// Fills in the bars of `mode`.
void set_bars(ModelAccuracy& accuracy, Mode mode);

std::string write_accuracy(const ModelAccuracy& accuracy);
/// None where the text is not what write_accuracy() writes.
std::optional<ModelAccuracy> parse_accuracy(std::string_view text);

/// A sentence for each bar that is missed: by how much, and rules that keep the blocks where the error grows
/// most in bf16.
std::vector<std::string> missed_bars(const ModelAccuracy& accuracy);

}  // namespace moonbeam::model
