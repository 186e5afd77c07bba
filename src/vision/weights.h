// The image encoder's tensors, as views into the model.
#pragma once

#include <vector>

#include "ops/linear.h"

namespace moonbeam::vision {

struct BlockWeights {
  ops::Norm ln1, ln2;
  ops::Linear qkv, proj, fc1, fc2;
};

struct VisionWeights {
  ops::Linear patch_emb;           ///< [dim, patch_dim]
  const float* pos_emb = nullptr;  ///< [patches, dim]
  std::vector<BlockWeights> blocks;
  ops::Norm post_ln;
  ops::Linear proj_fc1, proj_fc2;  ///< projector
};

}  // namespace moonbeam::vision
