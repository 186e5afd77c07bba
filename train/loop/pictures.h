// Scenes and their questions as pictures of a batch: a pure function of the index, made on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/scenes/atlas.h"
#include "data/scenes/labels.h"
#include "data/scenes/questions.h"
#include "data/scenes/scene.h"
#include "model/config.h"
#include "text/tokenizer.h"
#include "train/batch/batch.h"
#include "train/loop/own_pictures.h"
#include "train/loop/plan.h"
#include "train/recipe/recipe.h"

namespace moonbeam::train {

/// What scenes are drawn from.
struct Assets {
  data::LabelTable labels;
  data::Atlas atlas;  ///< empty where the folder has no atlas.tar: every thing is a shape, enough for tests
  std::uint64_t seed = 0;
  std::optional<data::Atlas> attributed;  ///< with the drawings under CC BY, where a stage asks for them

  /// What the stage's pictures of a split are drawn with: held-out scenes stay the same for every recipe.
  const data::Atlas& drawings(const Stage& stage, data::Split split) const {
    return stage.attribution && split == data::Split::kTrain ? *attributed : atlas;
  }
};
/// The recipe's. @param held_out  no training scene will be drawn: drawings for these alone need not be there
/// @throws Error kNotFound, kCorrupt.
Assets load_assets(const Recipe& recipe, bool held_out = false);

/// Everything outlives it.
struct PictureSources {
  const Assets& assets;
  const text::Tokenizer& tokenizer;
  const model::ModelConfig& config;
  const OwnPictures* own = nullptr;  ///< null: no stage has pictures = own
};

/// The scene of a step or of the validation.
data::Scene draw_scene(const Assets& assets, const Stage& stage, int classes, data::Split split,
                       std::uint64_t index);

/// What is asked about it; empty where the stage learns no answers.
std::vector<data::Question> ask_about(const Assets& assets, const Stage& stage, int classes,
                                      const data::Scene& scene);

/// The question as what is fed and what is to be said.
Sequence sequence_of(const PictureSources& sources, const Stage& stage, const data::Scene& scene,
                     const data::Question& question);

/// Pictures of `plan` put together. Own pictures of any split but kTrain are those kept out, alone.
Batch make_batch(const PictureSources& sources, const Stage& stage, int classes, data::Split split,
                 const StepPlan& plan);

}  // namespace moonbeam::train
