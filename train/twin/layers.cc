#include "train/twin/layers.h"

#include <cmath>
#include <optional>

namespace moonbeam::train {

namespace nn = torch::nn;
using torch::Tensor;

Tensor AdaptableLinearImpl::forward(const Tensor& x) {
  const Tensor y = LinearImpl::forward(x);
  return adapted() ? y + torch::linear(torch::linear(x, A), B) : y;
}

void AdaptableLinearImpl::set_adapter(const Tensor& a, const Tensor& b) {
  drop_adapter();
  A = register_parameter("A", a);
  B = register_parameter("B", b);
}

void AdaptableLinearImpl::drop_adapter() {
  if (!adapted()) return;
  parameters_.erase("A");
  parameters_.erase("B");
  A = B = Tensor();
}

Tensor AdaptableLinearImpl::merged_weight() const {
  return adapted() ? weight + B.mm(A) : weight;
}

MlpImpl::MlpImpl(int in, int inner, int out) {
  fc1 = register_module("fc1", AdaptableLinear(in, inner));
  fc2 = register_module("fc2", AdaptableLinear(inner, out));
}

Tensor MlpImpl::forward(const Tensor& x) {
  return fc2(torch::gelu(fc1(x), "tanh"));
}

Rope make_rope(const Tensor& positions, int rope_dims, float theta) {
  if (rope_dims == 0) return {};
  // As the engine's table: f32 powers, f32 products.
  std::vector<float> inverse;
  for (int i = 0; i < rope_dims / 2; ++i) {
    inverse.push_back(1.0f / std::pow(theta, static_cast<float>(2 * i) / static_cast<float>(rope_dims)));
  }
  const Tensor row = torch::tensor(inverse).to(positions.device());
  Tensor angles = positions.to(torch::kFloat).unsqueeze(-1) * row;  // [.., S, half]
  if (angles.dim() == 2) angles = angles.unsqueeze(0);
  angles = angles.unsqueeze(1);
  return {angles.cos(), angles.sin()};
}

Tensor rotate(const Tensor& x, const Rope& rope) {
  if (!rope.cos.defined()) return x;
  const std::int64_t half = rope.cos.size(-1);
  const Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  const Tensor rest = x.narrow(-1, 2 * half, x.size(-1) - 2 * half);
  // The tables are f32 (or wider): products with them leave bf16 behind for the moment.
  const Tensor first = a * rope.cos - b * rope.sin, second = a * rope.sin + b * rope.cos;
  return torch::cat({first.to(x.dtype()), second.to(x.dtype()), rest}, -1);
}

AttentionImpl::AttentionImpl(int dim, int heads) : heads_(heads) {
  qkv = register_module("qkv", AdaptableLinear(dim, 3 * dim));
  proj = register_module("proj", AdaptableLinear(dim, dim));
}

Tensor AttentionImpl::forward(const Tensor& x, const Tensor& mask, const Rope& rope) {
  const std::int64_t batch = x.size(0), count = x.size(1), dim = x.size(2);
  const Tensor all = qkv(x).view({batch, count, 3, heads_, dim / heads_}).permute({2, 0, 3, 1, 4});
  const Tensor q = rotate(all[0], rope), k = rotate(all[1], rope);  // [B, H, S, K]
  const auto visible = mask.defined() ? std::optional<Tensor>(mask) : std::nullopt;
  const Tensor mixed = torch::scaled_dot_product_attention(q, k, all[2], visible);
  return proj(mixed.transpose(1, 2).reshape({batch, count, dim}));
}

nn::LayerNorm make_norm(int width, float eps) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(eps));
}

}  // namespace moonbeam::train
