#include "train/twin/heads.h"

namespace moonbeam::train {

DenseHeadImpl::DenseHeadImpl(int dim, int classes, int colours) : classes_(classes), colours_(colours) {
  linear = register_module("linear", torch::nn::Linear(dim, classes + 1 + 4 + colours));
}

DenseHeadImpl::Output DenseHeadImpl::forward(const torch::Tensor& features) {
  const torch::Tensor all = linear(features);
  return {.classes = all.narrow(-1, 0, classes_ + 1),
          .box = all.narrow(-1, classes_ + 1, 4),
          .colours = all.narrow(-1, classes_ + 5, colours_)};
}

BoxHeadImpl::BoxHeadImpl(int dim) {
  linear = register_module("linear", torch::nn::Linear(dim, 4));
}

}  // namespace moonbeam::train
