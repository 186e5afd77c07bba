// The text decoder's tensors, as views into the model.
#pragma once

#include <vector>

#include "ops/linear.h"
#include "ops/low_rank.h"

namespace moonbeam::text {

/// What a LoRA adapter adds to a block's layers beside their weights; empty where there is nothing to add or
/// the weights hold it already.
struct BlockAdapter {
  ops::LowRank qkv, proj, fc1, fc2;
  /// The input of `proj`: the normed input of the block, as in the reference, not what attention gives.
  bool proj_from_normed = false;
};

struct BlockWeights {
  ops::Norm ln;
  ops::Linear qkv, proj, fc1, fc2;
  BlockAdapter adapter = {};
};

struct TextWeights {
  tensor::TensorView wte;  ///< [vocab, dim]
  std::vector<BlockWeights> blocks;
  ops::Norm post_ln;
  ops::Linear lm_head;
};

}  // namespace moonbeam::text
