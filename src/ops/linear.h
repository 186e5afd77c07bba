// y = x Wt + b over the thread pool, for weights of any type and any number of rows.
#pragma once

#include <span>

#include "ops/context.h"
#include "tensor/tensor_view.h"

namespace moonbeam::ops {

/// Weights of one linear layer: `weight` [out, in] of any readable dtype, used where it lies, or packed;
/// `bias` [out] or empty. Owned by the model. The type of the weights decides the arithmetic: f32 activations
/// for plain types, quantised ones or bf16 for packed ones.
struct Linear {
  tensor::TensorView weight;
  const float* bias = nullptr;
  int out() const noexcept { return static_cast<int>(weight.shape[0]); }
  int in() const noexcept { return static_cast<int>(weight.numel() / weight.shape[0]); }
};

struct Norm {
  const float* weight = nullptr;  ///< [width]
  const float* bias = nullptr;    ///< [width]
  int width = 0;
  float eps = 1e-5f;
};

using kernels::Epilogue;

/// x [rows, in], out [rows, out]; rows are contiguous. A row's result does not depend on the other rows, nor
/// on how many threads there are; with up to kDecodeRows rows nor on how many rows there are (int8: with any
/// number).
void linear(Context& context, const float* x, int rows, const Linear& layer, float* out,
            Epilogue epilogue = Epilogue::kStore);

struct LinearTask {
  const float* x;  ///< [rows, in]
  const Linear* layer;
  float* out;  ///< [rows, out]
  Epilogue epilogue = Epilogue::kStore;
};
/// Several layers at once: one wait for all of them where weights are packed. Tasks with the same `out` are
/// done in their order, the others in any; no task reads what another one writes.
void linear(Context& context, std::span<const LinearTask> tasks, int rows);

/// Only outputs [first, first + count): out [rows, count].
void linear_rows(Context& context, const float* x, int rows, const Linear& layer, int first, int count,
                 float* out);

/// Up to this many rows weights are read row by row (bandwidth bound); from there on packed into panels.
inline constexpr int kDecodeRows = 16;

/// x, out [rows, width]; out may be x.
void layer_norm(Context& context, const float* x, int rows, const Norm& norm, float* out);

/// Row `index` of a table [n, width] as f32.
void embedding_row(const tensor::TensorView& table, int index, float* out);

}  // namespace moonbeam::ops
