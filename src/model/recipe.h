// Which type each matrix has in memory or in a quantised file: rules by name, the first that fits holds.
//
// A recipe is text, a rule a line: a pattern of tensor names, where * stands for any characters, and a type
// (bf16, int8, int4; keep: as it lies in the file; for text.wte also q8_0: rows in 8 bits). What
// follows # is a remark.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moonbeam/model.h>

#include "tensor/dtype.h"

namespace moonbeam::model {

struct Recipe {
  struct Rule {
    std::string pattern;
    std::optional<tensor::DType> type;  ///< packed or q8_0; none: keep
  };
  std::vector<Rule> rules;

  /// None where no rule fits or the one that does keeps the tensor.
  std::optional<tensor::DType> type_of(std::string_view tensor) const;
};

/// @param name  what to call the text in messages. @throws Error kInvalidArgument naming the line.
Recipe parse_recipe(std::string_view text, const std::string& name);

/// Patterns that fit none of `names`: slips of the pen, mostly.
std::vector<std::string> idle_patterns(const Recipe& recipe, const std::vector<std::string>& names);

/// Text of the recipe of a mode; empty for f32.
std::string_view built_in_recipe(Mode mode);

/// True if `pattern` fits all of `name`.
bool matches(std::string_view pattern, std::string_view name) noexcept;

}  // namespace moonbeam::model
