// Picture -> image embeddings: crops, encoder, the merge of global and local features, projector.
#pragma once

#include <moonbeam/image.h>

#include "base/buffer.h"
#include "vision/encoder.h"

namespace moonbeam::vision {

struct ImageEmbeddings {
  base::Buffer<float> data;  ///< [count, proj_out_dim]
  int count = 0;             ///< image_grid squared; 0 if it was stopped
  int crops = 0;             ///< crops that went through the encoder
};

/// @throws Error kInvalidArgument (empty picture), kExhausted.
/// Follows vikhyat/moondream moondream/torch/moondream.py `_run_vision_encoder`, and the makers'
/// vision_encoder.py of the year before for the 2024 releases.
ImageEmbeddings embed_image(Encoder& encoder, const VisionConfig& config, const Image& image,
                            const LayerFn& on_layer = {}, const Probe& probe = {});

}  // namespace moonbeam::vision
