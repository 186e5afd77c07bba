// The numeric mode that a model runs in.
#pragma once

#include <string>
#include <vector>

#include "base/machine.h"
#include "model/checks.h"
#include "model/recipe.h"

namespace moonbeam::model {

struct ChosenMode {
  Mode mode;           ///< never kAuto
  std::string reason;  ///< for people, why
  /// Types of the matrices in memory. Empty, all keep theirs: mode f32, and files that are quantised for
  /// `mode`, whose types were chosen when they were written.
  Recipe recipe = {};
};

/// The mode that the packed types of a recipe or a file ask for, kAuto where there are none: int4 if any is
/// int4, else int8 if any is int8, else bf16.
Mode recipe_mode(const Recipe& recipe, const std::vector<TensorSpec>& table);
Mode packed_mode(const Source& source, const std::vector<TensorSpec>& table);

/// `asked`, else MOONBEAM_MODE, else what the types in the source say, else by size: f32 where a model is
/// small, int8, or int4 if only that fits into memory. @throws Error kInvalidArgument (MOONBEAM_MODE names no
/// mode).
ChosenMode choose_mode(Mode asked, const Source& source, const std::vector<TensorSpec>& table,
                       const ModelConfig& config, const base::Memory& memory);

/// Type that a matrix has in memory: that of the file, or the recipe's, or f32 where packed weights meet mode
/// f32. Rows that hold no whole block of the recipe's type, or are smaller already, stay as they are.
tensor::DType loaded_type(const TensorSpec& spec, const SourceTensor& tensor, Mode mode,
                          const Recipe& recipe);

}  // namespace moonbeam::model
