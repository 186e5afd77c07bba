// From a batch to the loss of a step: twins, heads and losses put together.
#pragma once

#include <torch/torch.h>

#include "train/batch/batch.h"
#include "train/loss/losses.h"
#include "train/loss/shares.h"
#include "train/twin/heads.h"
#include "train/twin/twin.h"

namespace moonbeam::train {

/// Weights of the parts; a part of weight 0 is not computed.
struct LossWeights {
  float text = 1, coordinate = 0.25f, size = 0.15f;
  float dense_class = 1, dense_box = 5, dense_colour = 0.3f;  ///< before `dense`
  float dense = 0.3f;                                         ///< of the three above in all
  float align = 0;                                            ///< nouns + colours + box
};

struct ObjectiveOptions {
  LossWeights weights;
  float coordinate_sigma = 9, size_sigma = 9;  ///< bins; 0: hard targets
  DenseOptions dense;
  AlignOptions align;
  PartShares shares;          ///< of the parts, where this batch is one process's part of a batch
  bool train_encoder = true;  ///< false: its features are taken as they are
};

/// Scalars; undefined where a part was not computed. `total` is what to differentiate.
struct LossParts {
  torch::Tensor total;
  torch::Tensor text, coordinate, size;
  torch::Tensor dense_class, dense_box, dense_colour;
  torch::Tensor align_noun, align_colour, align_box;
  // Not losses.
  torch::Tensor patch_accuracy;  ///< of object patches, by the dense head
  torch::Tensor token_accuracy;  ///< of all token targets
};

/// What the trainer has besides the model.
struct Heads {
  DenseHead dense{nullptr};
  BoxHead align_box{nullptr};
  WordRows nouns, colours;
};

/// Hidden rows of the text half for a batch: [N, S, D].
/// @param embeddings  image embeddings [N, cells, D]
torch::Tensor text_hidden(Twin& twin, const Batch& batch, const torch::Tensor& embeddings);

/// `total` is undefined where the batch has nothing that the weights ask for.
LossParts objective(Twin& twin, Heads& heads, const Batch& batch, const ObjectiveOptions& options);

}  // namespace moonbeam::train
