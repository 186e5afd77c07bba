// What the stages of a model cost at least: operations and bytes from its sizes (docs/performance.md has the
// table).
#pragma once

#include "model/model.h"

namespace moonbeam::tasks {

double encode_operations(const vision::VisionConfig& config);  ///< one crop and the projector
double prefill_operations(const text::TextConfig& config, int rows);
/// Weights and cache that a step at position `past` reads.
double decode_bytes(const model::Model& model, int past);

}  // namespace moonbeam::tasks
