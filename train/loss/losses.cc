#include "train/loss/losses.h"

#include <cmath>

#include "base/error.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

/// f32, or f64 where it is that already.
Tensor wide(const Tensor& x) {
  return x.scalar_type() == torch::kDouble ? x : x.to(torch::kFloat);
}

Tensor zero_like(const Tensor& x) {
  return torch::zeros({}, x.options().dtype(wide(x.detach()).dtype()));
}

/// Mean of a smooth L1 over all elements, computed on what is kept.
Tensor smooth_l1(const Tensor& got, const Tensor& want, float beta) {
  return torch::smooth_l1_loss(wide(got), want.to(wide(got).dtype()), at::Reduction::Mean, beta);
}

}  // namespace

Tensor token_loss(const Tensor& logits, const Tensor& ids, const Tensor& weights) {
  if (ids.numel() == 0) return zero_like(logits);
  const Tensor each = torch::cross_entropy_loss(wide(logits), ids, {}, at::Reduction::None);
  const Tensor w = weights.to(each.dtype());
  return (each * w).sum() / w.sum().clamp_min(1e-6);
}

Tensor smooth_bins(const Tensor& targets, int bins, float sigma) {
  if (sigma <= 0) return torch::one_hot(targets, bins).to(torch::kFloat);
  const Tensor at = torch::arange(bins, targets.options().dtype(torch::kFloat));
  const Tensor distance = (at.unsqueeze(0) - targets.unsqueeze(1).to(torch::kFloat)) / sigma;
  const Tensor bell = (distance.square() * -0.5).exp();
  return bell / bell.sum(-1, true);
}

Tensor bin_loss(const Tensor& logits, const Tensor& targets, float sigma) {
  if (targets.numel() == 0) return zero_like(logits);
  const Tensor scores = torch::log_softmax(wide(logits), -1);
  const Tensor want = smooth_bins(targets, static_cast<int>(logits.size(-1)), sigma).to(scores.dtype());
  return -(want * scores).sum(-1).mean();
}

namespace {

/// Centres of the cells of a grid, x then y, in [0,1]: [cells, 2].
Tensor cell_centres(int side, const Tensor& like) {
  const Tensor at = (torch::arange(side, like.options()) + 0.5) / side;
  const Tensor x = at.repeat({side}), y = at.repeat_interleave(side);
  return torch::stack({x, y}, -1);
}

/// Corners [N, cells, 4] -> distances left, top, right, bottom from the cell's centre, in sides of a crop.
Tensor distances(const Tensor& boxes, int side, int grid_side) {
  const Tensor centres = cell_centres(side, boxes);
  const Tensor low = centres - boxes.narrow(-1, 0, 2), high = boxes.narrow(-1, 2, 2) - centres;
  return torch::cat({low, high}, -1) * (static_cast<double>(side) / grid_side);
}

int side_of(std::int64_t cells) {
  const int side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(cells))));
  MB_ASSERT(std::int64_t{side} * side == cells);
  return side;
}

}  // namespace

DenseLosses dense_loss(const DenseHeadImpl::Output& output, const GridTargets& truth,
                       const DenseOptions& options) {
  const Tensor scores = wide(output.classes);
  const std::int64_t cells = truth.classes.size(1);
  const Tensor classes = truth.classes.flatten();
  const Tensor known = (classes >= 0).to(scores.dtype()), object = classes > 0;
  const Tensor each =
      torch::cross_entropy_loss(scores.flatten(0, 1), classes.clamp_min(0), {}, at::Reduction::None);
  const Tensor weight = known * (1 + (options.foreground_weight - 1) * object.to(scores.dtype()));
  DenseLosses out;
  out.classes = (each * weight).sum() / weight.sum().clamp_min(1);

  const Tensor at = object.nonzero().squeeze(1);
  const Tensor coloured = (truth.colours.flatten() >= 0).nonzero().squeeze(1);
  out.box = out.colours = out.accuracy = zero_like(scores);
  if (at.numel() > 0) {
    const Tensor want = distances(truth.boxes, side_of(cells), options.grid_side).flatten(0, 1);
    out.box =
        smooth_l1(output.box.flatten(0, 1).index_select(0, at), want.index_select(0, at), options.box_beta);
    const Tensor guess = scores.detach().flatten(0, 1).index_select(0, at).argmax(-1);
    out.accuracy = (guess == classes.index_select(0, at)).to(scores.dtype()).mean();
  }
  if (coloured.numel() > 0) {
    out.colours = torch::cross_entropy_loss(wide(output.colours).flatten(0, 1).index_select(0, coloured),
                                            truth.colours.flatten().index_select(0, coloured));
  }
  return out;
}

WordRows word_rows(const text::Tokenizer& tokenizer, const std::vector<std::string>& words) {
  std::vector<std::int64_t> ids, offsets;
  for (const std::string& word : words) {
    const std::vector<int> tokens = tokenizer.encode(" " + word, false);
    if (word.empty() || tokens.empty()) {
      base::fail(ErrorCode::kInvalidArgument, "alignment: expected words, got an empty one");
    }
    offsets.push_back(static_cast<std::int64_t>(ids.size()));
    ids.insert(ids.end(), tokens.begin(), tokens.end());
  }
  return {torch::tensor(ids, torch::kLong), torch::tensor(offsets, torch::kLong)};
}

namespace {

/// Cross-entropy over words of the scaled cosines between rows [n, D] and the words' embeddings.
Tensor word_loss(const Tensor& rows, const Tensor& wte, const WordRows& words, const Tensor& targets,
                 float scale) {
  const Tensor embedded =
      std::get<0>(torch::embedding_bag(wte, words.ids, words.offsets, false, /*mode mean*/ 1));
  namespace F = torch::nn::functional;
  const auto unit = F::NormalizeFuncOptions().dim(-1);
  const Tensor cosines = F::normalize(rows, unit).matmul(F::normalize(wide(embedded), unit).t());
  return torch::cross_entropy_loss(wide(cosines) * scale, targets);
}

}  // namespace

AlignLosses align_loss(const Tensor& embeddings, const Tensor& wte, const WordRows& nouns,
                       const WordRows& colours, BoxHead& box_head, const GridTargets& truth,
                       const AlignOptions& options) {
  const Tensor rows = wide(embeddings).flatten(0, 1);
  const Tensor classes = truth.classes.flatten(), hues = truth.colours.flatten();
  AlignLosses out;
  out.nouns = out.colours = out.box = zero_like(rows);
  const Tensor object = (classes > 0).nonzero().squeeze(1), coloured = (hues >= 0).nonzero().squeeze(1);
  if (object.numel() > 0) {
    const Tensor at = rows.index_select(0, object);
    out.nouns = word_loss(at, wte, nouns, classes.index_select(0, object) - 1, options.scale);
    out.box = smooth_l1(box_head(at), truth.boxes.flatten(0, 1).index_select(0, object), options.box_beta);
  }
  if (coloured.numel() > 0) {
    out.colours = word_loss(rows.index_select(0, coloured), wte, colours, hues.index_select(0, coloured),
                            options.scale);
  }
  return out;
}

}  // namespace moonbeam::train
