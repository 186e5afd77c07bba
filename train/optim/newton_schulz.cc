#include "train/optim/newton_schulz.h"

namespace moonbeam::train {

torch::Tensor newton_schulz(const torch::Tensor& matrices, int steps) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  const bool tall = matrices.size(1) > matrices.size(2);  // the products are of the smaller side
  torch::Tensor x = tall ? matrices.transpose(1, 2) : matrices;
  x = x / (torch::linalg_vector_norm(x, 2, torch::IntArrayRef({1, 2}), true) + 1e-7);
  for (int step = 0; step < steps; ++step) {
    const torch::Tensor gram = torch::bmm(x, x.transpose(1, 2));
    const torch::Tensor mixed = torch::baddbmm(gram, gram, gram, b, c);
    x = torch::baddbmm(x, mixed, x, a, 1);
  }
  return tall ? x.transpose(1, 2) : x;
}

}  // namespace moonbeam::train
