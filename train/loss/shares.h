// What a batch has of the targets that each part of the loss is a mean over. Where several processes take a
// part of a batch each, every part of the loss is to be a mean over all of them, not a mean of means.
#pragma once

#include <vector>

#include "train/batch/batch.h"
#include "train/loss/losses.h"

namespace moonbeam::train {

/// Factors of the parts of a loss: this process's targets among all processes'. Their sums over processes
/// are 1, or 0 where nobody has a target.
struct PartShares {
  double text = 1, tokens = 1;  ///< by the tokens' weights; by their number
  double coordinate = 1, size = 1;
  double dense_class = 1, dense_object = 1, dense_colour = 1;
  double align_object = 1, align_colour = 1;
};

/// Weights or numbers of the targets of a batch, in the order of PartShares: sums over processes are what
/// shares_of() divides by.
std::vector<double> target_sums(const Batch& batch, const DenseOptions& dense);

PartShares shares_of(const std::vector<double>& mine, const std::vector<double>& everybodys);

}  // namespace moonbeam::train
