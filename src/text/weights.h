// The text decoder's tensors, as views into the model.
#pragma once

#include <vector>

#include "ops/linear.h"

namespace moonbeam::text {

struct BlockWeights {
  ops::Norm ln;
  ops::Linear qkv, proj, fc1, fc2;
};

struct TextWeights {
  tensor::TensorView wte;  ///< [vocab, dim]
  std::vector<BlockWeights> blocks;
  ops::Norm post_ln;
  ops::Linear lm_head;
};

}  // namespace moonbeam::text
