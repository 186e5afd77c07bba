// Building blocks that the twins share. Members bear the names of the engine's tensors, so that the path of a
// parameter in the module tree is the tensor's name.
#pragma once

#include <torch/torch.h>

namespace moonbeam::train {

// Letters here: B sequences, S positions, D width, H heads, K head width.

/// W x + b, and B (A x) beside it once it has an adapter (lora.h).
class AdaptableLinearImpl : public torch::nn::LinearImpl {
 public:
  AdaptableLinearImpl(int in, int out) : LinearImpl(in, out) {}
  torch::Tensor forward(const torch::Tensor& x);

  bool adapted() const { return A.defined(); }
  /// a [rank, in], b [out, rank]: parameters from here on, in place of those there were.
  void set_adapter(const torch::Tensor& a, const torch::Tensor& b);
  void drop_adapter();
  /// W + B A; W itself without an adapter.
  torch::Tensor merged_weight() const;

  torch::Tensor A, B;  // undefined without an adapter
};
TORCH_MODULE(AdaptableLinear);

/// fc2(gelu_tanh(fc1 x)).
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int in, int inner, int out);
  torch::Tensor forward(const torch::Tensor& x);

  AdaptableLinear fc1{nullptr}, fc2{nullptr};
};
TORCH_MODULE(Mlp);

/// Angles of the rotary embedding: cos and sin [B, 1, S, rope_dims / 2], made once for all blocks. Empty: no
/// rotation.
struct Rope {
  torch::Tensor cos, sin;
};
/// positions i64 [B, S] or [S].
Rope make_rope(const torch::Tensor& positions, int rope_dims, float theta);
/// Rotates halves of the first dimensions of each head, in f32 at least; x [B, H, S, K].
torch::Tensor rotate(const torch::Tensor& x, const Rope& rope);

/// Self-attention, rows of qkv in the engine's order: all of q, then k, then v, each head after head.
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(int dim, int heads);
  /// x [B, S, D]; mask bool [S, S], [B, 1, S, S] (true: may see) or undefined.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask = {}, const Rope& rope = {});

  AdaptableLinear qkv{nullptr}, proj{nullptr};

 private:
  int heads_;
};
TORCH_MODULE(Attention);

/// LayerNorm over the last axis.
torch::nn::LayerNorm make_norm(int width, float eps);

}  // namespace moonbeam::train
