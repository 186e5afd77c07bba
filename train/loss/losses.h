// The losses, each a mean over its targets and 0 where there are none. Logits of any float type; sums in f32
// at least.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "text/tokenizer.h"
#include "train/batch/batch.h"
#include "train/twin/heads.h"

namespace moonbeam::train {

/// Cross-entropy of logits [t, V] with ids [t], weighted: sum(w loss) / sum(w).
torch::Tensor token_loss(const torch::Tensor& logits, const torch::Tensor& ids, const torch::Tensor& weights);

/// Gaussian of deviation `sigma` bins round each target, cut at the first and last bin, of sum 1:
/// i64 [n] -> f32 [n, bins]. sigma 0: the target alone.
torch::Tensor smooth_bins(const torch::Tensor& targets, int bins, float sigma);

/// Cross-entropy of logits [n, bins] with smoothed targets [n].
torch::Tensor bin_loss(const torch::Tensor& logits, const torch::Tensor& targets, float sigma);

struct DenseOptions {
  float foreground_weight = 2.5f;  ///< of cells with an object in the class loss; the background's is 1
  float box_beta = 0.1f;           ///< where the smooth L1 turns linear, in sides of a crop
  int grid_side = 14;              ///< patches along a crop: the unit of distances, for windows too
};

struct DenseLosses {
  torch::Tensor classes, box, colours;
  torch::Tensor accuracy;  ///< share of object cells with the right class; not a loss
};
/// Head outputs of N pictures' cells against the truth.
DenseLosses dense_loss(const DenseHeadImpl::Output& output, const GridTargets& truth,
                       const DenseOptions& options);

/// Rows of wte that words take: a word of several tokens is the mean of theirs.
struct WordRows {
  torch::Tensor ids;      ///< i64 [all words' tokens]
  torch::Tensor offsets;  ///< i64 [words]
  WordRows to(torch::Device device) const { return {ids.to(device), offsets.to(device)}; }
};
/// Each word as it stands inside a text, behind a space.
WordRows word_rows(const text::Tokenizer& tokenizer, const std::vector<std::string>& words);

struct AlignOptions {
  float scale = 10;  ///< of the cosines
  float box_beta = 0.1f;
};
struct AlignLosses {
  torch::Tensor nouns, colours, box;
};
/// Image embeddings of cells with an object shall point where the text model's rows of the object's noun and
/// colour do, and tell its box. Without it the text half stalls at the prior (docs/design/0006-trainer.md).
/// @param embeddings  [N, cells, D]
/// @param wte         [V, D]
/// @param nouns       a word for each row of the label table; `colours` for each data::Colour
AlignLosses align_loss(const torch::Tensor& embeddings, const torch::Tensor& wte, const WordRows& nouns,
                       const WordRows& colours, BoxHead& box_head, const GridTargets& truth,
                       const AlignOptions& options);

}  // namespace moonbeam::train
