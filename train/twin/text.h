// Twin of the text decoder: src/text in LibTorch.
//
// Follows vikhyat/moondream moondream/torch/text.py. Leaves what is fed, and who sees whom, to the caller.
#pragma once

#include <torch/torch.h>

#include "text/config.h"
#include "train/twin/layers.h"

namespace moonbeam::train {

// Letters here: B sequences, S positions, D width, V vocabulary.

/// Parallel block: one norm feeds attention and feed-forward.
class TextBlockImpl : public torch::nn::Module {
 public:
  explicit TextBlockImpl(const text::TextConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask, const Rope& rope);

  torch::nn::LayerNorm ln{nullptr};
  Attention attn{nullptr};
  Mlp mlp{nullptr};
};
TORCH_MODULE(TextBlock);

class TextTwinImpl : public torch::nn::Module {
 public:
  explicit TextTwinImpl(const text::TextConfig& config);

  /// Rows of the embedding table: ids i64 [...] -> [..., D].
  torch::Tensor embed(const torch::Tensor& ids);
  /// What the region heads read: the last block's output, before post_ln.
  /// @param x          [B, S, D]
  /// @param positions  i64 [B, S] or [S]
  /// @param mask       bool [B, 1, S, S] or [S, S], true where the row may see the column
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& positions, const torch::Tensor& mask);
  /// hidden [..., D] -> logits [..., V].
  torch::Tensor logits(const torch::Tensor& hidden);

  const text::TextConfig& config() const { return config_; }

  torch::Tensor wte;  // [V, D]
  torch::nn::ModuleList blocks;
  torch::nn::LayerNorm post_ln{nullptr};
  torch::nn::Linear lm_head{nullptr};

 private:
  text::TextConfig config_;
};
TORCH_MODULE(TextTwin);

/// bool [count, count]: the first `prefix` see each other both ways, the others what is before them.
torch::Tensor prefix_mask(int count, int prefix);

}  // namespace moonbeam::train
