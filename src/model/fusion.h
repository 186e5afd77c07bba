// A new model from parts that others trained: an image encoder in SigLIP's and a text model in Phi's layout,
// as Hugging Face's transformers names them, with a fresh projector between them and fresh region heads. How
// the parts lie in their files is drawn in docs/model.md, section 1.6.
#pragma once

#include <cstdint>
#include <string>

#include "model/source.h"

namespace moonbeam::model {

struct FusionParts {
  std::string vision, text;  ///< folders, each with config.json and safetensors; `text` with tokenizer.json
  std::string tokenizer;     ///< a tokenizer.json instead of the text model's; empty: that
  std::uint64_t seed = 0;    ///< of what is fresh
};

/// The parts' tensors under our names, where they lie, and fresh ones made when asked for.
/// @throws Error kNotFound, kCorrupt (sizes that do not fit), kUnsupported (an activation, a rope or a norm
/// that this engine does not have).
Source make_fused_source(const FusionParts& parts);

}  // namespace moonbeam::model
