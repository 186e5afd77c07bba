// A quantised file of our form: the types of a recipe, packed as the kernels read them. The public function,
// which also measures, is tasks/quantize.cc's.
#pragma once

#include <string>
#include <vector>

#include <moonbeam/types.h>

#include "base/thread_pool.h"
#include "model/detect.h"
#include "model/recipe.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

struct QuantizedFile {
  const Source& source;
  const Identified& identified;
  const std::vector<TensorSpec>& table;
  Mode mode;                ///< recipe_mode()
  const Recipe& recipe;     ///< of which
  std::string recipe_text;  ///< this is the text
  std::string accuracy;     ///< JSON; empty: not measured
};

/// @param on_tensor  called after each; false cancels.
/// @throws Error kInvalidArgument (no .gguf, the source itself), kExhausted (disk), kCancelled.
void write_quantized(const std::string& out, const QuantizedFile& file, base::ThreadPool& pool,
                     const std::function<bool(int done, int total)>& on_tensor);

/// What write_quantized() would refuse before it writes.
void check_quantize_target(const Source& source, const std::string& out);

}  // namespace moonbeam::model
