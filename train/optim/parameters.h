// Which tensors learn, and how: the group that sets their rate, decay or none, by which rule.
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <vector>

#include "train/loss/objective.h"
#include "train/recipe/recipe.h"

namespace moonbeam::train {

struct LearningParameter {
  std::string name;  ///< the engine's name; "heads.dense.linear.weight" for the trainer's own
  torch::Tensor tensor;
  Group group = Group::kText;
  bool decays = false;  ///< matrices; neither norms, biases nor tables of vectors
  bool muon = false;    ///< matrices of the blocks and the projector
};

/// All parameters, in the order of the tensor table, then adapters and the heads'.
std::vector<LearningParameter> learning_parameters(const Twin& twin, const Heads& heads);

/// Lets the groups learn that a stage trains; gradients of the others are neither made nor kept.
void set_trained(const std::vector<LearningParameter>& parameters, const std::array<bool, kGroups>& trains);

}  // namespace moonbeam::train
