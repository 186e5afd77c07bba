// The region heads' tensors, as views into the model.
#pragma once

#include "ops/linear.h"

namespace moonbeam::region {

struct RegionWeights {
  const float* coord_features = nullptr;  ///< [1, coord_feat_dim / 2]
  const float* size_features = nullptr;   ///< [2, size_feat_dim / 2]
  ops::Linear coord_encoder, size_encoder;
  ops::Linear coord_fc1, coord_fc2;  ///< coordinate decoder
  ops::Linear size_fc1, size_fc2;    ///< size decoder
};

}  // namespace moonbeam::region
