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
};

/// `asked`, else MOONBEAM_MODE, else what the types in the source say, else by size: f32 where a model is
/// small, int8, or int4 if only that fits into memory. @throws Error kInvalidArgument (MOONBEAM_MODE names no
/// mode).
ChosenMode choose_mode(Mode asked, const Source& source, const std::vector<TensorSpec>& table,
                       const ModelConfig& config, const base::Memory& memory);

/// Type that a matrix has in memory: that of the file, or packed, or f32 where packed weights meet mode f32.
tensor::DType loaded_type(const TensorSpec& spec, const SourceTensor& tensor, Mode mode,
                          const Recipe& recipe);

}  // namespace moonbeam::model
