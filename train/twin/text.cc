#include "train/twin/text.h"

namespace moonbeam::train {

namespace nn = torch::nn;
using torch::Tensor;

TextBlockImpl::TextBlockImpl(const text::TextConfig& config) {
  ln = register_module("ln", make_norm(config.dim, config.eps));
  attn = register_module("attn", Attention(config.dim, config.heads));
  mlp = register_module("mlp", Mlp(config.dim, config.ff_dim, config.dim));
}

Tensor TextBlockImpl::forward(const Tensor& x, const Tensor& mask, const Rope& rope) {
  const Tensor normed = ln(x);
  return x + attn(normed, mask, rope) + mlp(normed);
}

TextTwinImpl::TextTwinImpl(const text::TextConfig& config) : config_(config) {
  wte = register_parameter("wte", torch::zeros({config.vocab_size, config.dim}));
  register_module("blocks", blocks);
  for (int i = 0; i < config.layers; ++i) blocks->push_back(TextBlock(config));
  post_ln = register_module("post_ln", make_norm(config.dim, config.eps));
  lm_head = register_module("lm_head", nn::Linear(config.dim, config.vocab_size));
}

Tensor TextTwinImpl::embed(const Tensor& ids) {
  return torch::embedding(wte, ids);
}

Tensor TextTwinImpl::forward(const Tensor& x, const Tensor& positions, const Tensor& mask) {
  Rope rope = make_rope(positions, config_.rope_dims, config_.rope_theta);
  if (rope.cos.defined() && wte.scalar_type() == torch::kDouble) {
    rope = {rope.cos.to(torch::kDouble), rope.sin.to(torch::kDouble)};
  }
  Tensor hidden = x;
  for (const auto& block : *blocks) hidden = block->as<TextBlockImpl>()->forward(hidden, mask, rope);
  return hidden;
}

Tensor TextTwinImpl::logits(const Tensor& hidden) {
  return lm_head(post_ln(hidden));
}

Tensor prefix_mask(int count, int prefix) {
  const Tensor at = torch::arange(count);
  return (at.unsqueeze(0) <= at.unsqueeze(1)) |
         (at.unsqueeze(0) < prefix).logical_and(at.unsqueeze(1) < prefix);
}

}  // namespace moonbeam::train
