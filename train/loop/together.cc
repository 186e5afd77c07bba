#include "train/loop/together.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

// Gradients go over the net in pieces of about this many values, one copy of which is held.
constexpr std::int64_t kPiece = 16 << 20;

/// Sums the gradients of `parameters`, all of the same type, as one tensor. They become views of it.
void sum_piece(Ranks& ranks, const std::vector<Tensor>& parameters) {
  std::vector<Tensor> flat;
  for (const Tensor& parameter : parameters) {
    const Tensor gradient = parameter.grad();
    flat.push_back(gradient.defined() ? gradient.flatten() : torch::zeros_like(parameter).flatten());
  }
  const Tensor sums = torch::cat(flat);
  ranks.sum(sums);
  std::int64_t at = 0;
  for (const Tensor& parameter : parameters) {
    const Tensor sum = sums.narrow(0, at, parameter.numel()).view(parameter.sizes());
    Tensor(parameter).mutable_grad() = sum;
    at += parameter.numel();
  }
}

}  // namespace

PartShares agree_on_shares(Ranks& ranks, const Batch& batch, const DenseOptions& dense) {
  if (ranks.alone()) return {};
  const std::vector<double> mine = target_sums(batch, dense);
  std::vector<double> everybodys = mine;
  ranks.sum(everybodys);
  return shares_of(mine, everybodys);
}

void sum_measures(Ranks& ranks, Measures& measures) {
  if (ranks.alone()) return;
  std::vector<double> values;
  for (const char* name : kMeasures) {
    const auto found = measures.find(name);
    values.push_back(found == measures.end() ? 0 : found->second);
    values.push_back(found == measures.end() ? 0 : 1);
  }
  ranks.sum(values);
  measures.clear();
  for (std::size_t i = 0; i < std::size(kMeasures); ++i) {
    if (values[2 * i + 1] > 0) measures[kMeasures[i]] = values[2 * i];
  }
}

void sum_gradients(Ranks& ranks, const std::vector<LearningParameter>& parameters) {
  if (ranks.alone()) return;
  const torch::NoGradGuard no_grad;
  std::vector<double> has;
  for (const LearningParameter& parameter : parameters)
    has.push_back(parameter.tensor.grad().defined() ? 1 : 0);
  ranks.sum(has);
  std::vector<Tensor> piece;
  std::int64_t values = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (has[i] == 0) continue;
    piece.push_back(parameters[i].tensor);
    values += parameters[i].tensor.numel();
    if (values < kPiece) continue;
    sum_piece(ranks, piece);
    piece.clear(), values = 0;
  }
  if (!piece.empty()) sum_piece(ranks, piece);
}

}  // namespace moonbeam::train
