// Heads that only the trainer has. They make the encoder's features say what is where; nothing of them is in
// the model's file, a checkpoint keeps them beside it.
#pragma once

#include <torch/torch.h>

namespace moonbeam::train {

/// Per patch: a linear from the encoder's features to classes, a box and colours.
class DenseHeadImpl : public torch::nn::Module {
 public:
  struct Output {
    torch::Tensor classes;  ///< [..., classes + 1]; 0 is the background, label i is i + 1
    torch::Tensor box;      ///< [..., 4]: distances left, top, right, bottom from the cell's centre, in sides
    torch::Tensor colours;  ///< [..., colours]
  };

  /// @param classes  rows of the label table, all that will ever be drawn
  DenseHeadImpl(int dim, int classes, int colours);
  Output forward(const torch::Tensor& features);

  torch::nn::Linear linear{nullptr};

 private:
  int classes_, colours_;
};
TORCH_MODULE(DenseHead);

/// Per cell of the grid of image embeddings: the box of the object in it, corners in [0,1].
class BoxHeadImpl : public torch::nn::Module {
 public:
  explicit BoxHeadImpl(int dim);
  torch::Tensor forward(const torch::Tensor& embeddings) { return linear(embeddings); }

  torch::nn::Linear linear{nullptr};
};
TORCH_MODULE(BoxHead);

}  // namespace moonbeam::train
