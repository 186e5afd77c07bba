// What the processes of a run agree on in a step: whose targets count how much, losses, gradients.
#pragma once

#include <vector>

#include "train/loop/validation.h"
#include "train/loss/shares.h"
#include "train/optim/parameters.h"
#include "train/parallel/ranks.h"

namespace moonbeam::train {

/// This rank's part of a batch that all ranks have taken from one place of the data.
PartShares agree_on_shares(Ranks& ranks, const Batch& batch, const DenseOptions& dense);

/// Sums over ranks; a measure that some have not, over those that have it.
void sum_measures(Ranks& ranks, Measures& measures);

/// Sums over ranks, in place. A parameter without a gradient here gets one if it has one elsewhere.
void sum_gradients(Ranks& ranks, const std::vector<LearningParameter>& parameters);

}  // namespace moonbeam::train
