// Picture -> image embeddings: crops, encoder, the merge of global and local features, projector.
#pragma once

#include <moonbeam/image.h>

#include <utility>

#include "base/buffer.h"
#include "image/tiling.h"
#include "vision/encoder.h"

namespace moonbeam::vision {

struct ImageEmbeddings {
  base::Buffer<float> data;  ///< [count, proj_out_dim]
  int count = 0;             ///< image_grid squared
  int crops = 0;             ///< crops that went through the encoder
};

/// One picture on its way. Cutting it is done in the constructor, which touches no pool and so may run
/// anywhere; then a step is a layer of the encoder, so that others can run between two of them.
/// Follows vikhyat/moondream moondream/torch/moondream.py `_run_vision_encoder`, and the makers'
/// vision_encoder.py of the year before for the 2024 releases.
class ImageEmbedder {
 public:
  /// @throws Error kInvalidArgument (empty picture), kExhausted. The picture is not needed afterwards.
  ImageEmbedder(const VisionConfig& config, const Image& picture);

  /// Before the first step: with which encoder, which is then busy until the last one.
  void begin(Encoder& encoder, const Probe& probe = {});
  /// False when the embeddings are there.
  bool step();
  ImageEmbeddings take() { return std::move(out_); }
  int done() const noexcept { return encoder_ ? encoder_->done() : 0; }
  int steps() const noexcept { return encoder_ ? encoder_->steps() : 0; }

 private:
  void merge();

  const VisionConfig& config_;
  base::Buffer<float> patches_;  // [crops * patches, patch_dim]
  image::Tiling tiling_;         // of the local crops
  Encoder* encoder_ = nullptr;
  Probe probe_;
  base::Buffer<float> features_;  // [crops * patches, dim]
  ImageEmbeddings out_;
};

/// All at once. @throws Error as ImageEmbedder.
ImageEmbeddings embed_image(Encoder& encoder, const VisionConfig& config, const Image& picture,
                            const Probe& probe = {});

}  // namespace moonbeam::vision
