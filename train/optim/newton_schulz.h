// The nearest orthogonal matrices, roughly: what Muon makes of a momentum.
#pragma once

#include <torch/torch.h>

namespace moonbeam::train {

/// [n, rows, cols] -> the same shape: singular values of each matrix are pressed towards 1 (0.7 to 1.2 after
/// five steps) and its singular vectors kept. Quintic Newton-Schulz iteration, in the type of `matrices`; the
/// coefficients are Keller Jordan's.
torch::Tensor newton_schulz(const torch::Tensor& matrices, int steps);

}  // namespace moonbeam::train
