// The image encoder: patches -> features, and the projector: features -> embeddings.
//
// Follows vikhyat/moondream moondream/torch/vision.py `vision_encoder` and `vision_projection`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/buffer.h"
#include "ops/attention.h"
#include "ops/context.h"
#include "vision/config.h"
#include "vision/feature_map.h"
#include "vision/weights.h"

namespace moonbeam::vision {

/// For tests: sees the rows that leave a stage ("vit_in", "vit_block_attn", "vit_block", "features").
using Probe = std::function<void(std::string_view stage, int layer, const float* rows, int count, int width)>;

/// Activations of the encoder, allocated once and reused. Not shared between threads.
class Encoder {
 public:
  Encoder(const VisionConfig& config, const VisionWeights& weights, ops::Context& context);

  /// patches [crops * P, patch_dim] -> features [crops * P, dim]. Crops go through in batches that keep the
  /// activations in bounds; a crop's features do not depend on the others'.
  void encode(const float* patches, int crops, float* features, const Probe& probe = {});

  /// The same in pieces: between two calls of step() other work may run. `patches` and `features` outlive the
  /// last step.
  void begin(const float* patches, int crops, float* features, Probe probe = {});
  /// Runs one layer of one batch. False when none is left.
  bool step();
  int done() const noexcept { return done_; }  ///< steps
  int steps() const noexcept { return steps_; }

  /// concat(global, local) per cell [n, dim] each -> fc1 -> gelu -> fc2 -> embeddings [n, proj_out_dim].
  /// `local` is ignored where the projector takes one feature map.
  void project(const float* global, const float* local, int n, float* embeddings);

 private:
  int batch_crops() const noexcept;  // of the batch that runs
  void embed_patches();
  void block(int layer, int crops);
  void attend(int crops);
  template <class Block, class View, class Element>
  void attend(int crops, base::Buffer<Element>& storage, std::size_t k_size, std::size_t v_size);

  const VisionConfig& config_;
  const VisionWeights& weights_;
  ops::Context& context_;
  int crops_per_batch_;

  // What begin() was told, and how far it is.
  const float* patches_ = nullptr;
  float* features_ = nullptr;
  int crops_ = 0;
  int first_ = 0;  // crop of the batch that runs
  int layer_ = 0;
  int done_ = 0, steps_ = 0;
  Probe probe_;

  // P patches of a batch's crops in all, D width.
  base::Buffer<float> x_;       // [P, D] residual stream
  base::Buffer<float> normed_;  // [P, D], reused for the attention's output
  base::Buffer<float> qkv_;     // [P, 3 D]
  base::Buffer<float> hidden_;  // [P, ff]
  base::Buffer<float> keys_;    // key and value blocks of the batch's crops, in one of the two precisions
  base::Buffer<std::uint16_t> keys16_;
};

}  // namespace moonbeam::vision
