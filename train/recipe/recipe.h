// A run as data: what model, from which pictures, in which stages, by which rates. One readable file a run;
// train/recipes/ has ours. Leaves doing it to train/loop.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/key_file.h"
#include "data/scenes/questions.h"
#include "data/scenes/scene.h"
#include "model/config.h"

namespace moonbeam::train {

using base::KeySection;
using base::Ramp;

/// Parts that learn at rates of their own. kHeads: the trainer's own heads, which no model file has. kLora:
/// adapters beside the text blocks, which are frozen then.
enum class Group : std::uint8_t { kVision, kProjector, kText, kRegion, kHeads, kLora };
inline constexpr int kGroups = 6;
std::string_view name(Group group);

/// Weights of the parts of the loss; 0 leaves a part out.
struct LossPlan {
  Ramp text, coordinate, size;               ///< answers: tokens, bins of places, bins of sizes
  Ramp dense;                                ///< patches of a scene: class, box, colour together
  Ramp align;                                ///< image embeddings against rows of wte, and boxes from them
  double box = 5, colour = 0.3;              ///< inside `dense`, beside the class
  double foreground = 2.5;                   ///< of an object's patch beside the background's
  Ramp bin_sigma{9, 4};                      ///< of the bell round the true bin, in bins
  std::array<double, data::kKinds> kinds{};  ///< of the text loss, by kind of question
  LossPlan() { kinds.fill(1); }
};

struct Stage {
  enum class Length : std::uint8_t { kSteps, kScenes, kMinutes };
  enum class Pictures : std::uint8_t { kWindows, kScenes, kOwn };

  std::string name;
  Length length = Length::kSteps;
  double amount = 0;  ///< of steps, scenes (windows count) or minutes
  Pictures pictures = Pictures::kScenes;
  int batch = 16;
  int scene_batch = 16;     ///< of full scenes between windows
  double scenes_from = 1;   ///< share of the stage from which every second step is of full scenes
  double scenes_share = 0;  ///< of the pictures of a stage of own pictures: drawn scenes, against forgetting

  std::array<bool, kGroups> trains{};
  std::array<double, kGroups> factor{};  ///< of the rate
  double rate = 1e-3, rate_end = 0;      ///< peak, and where the line ends
  int warm_up = 100;                     ///< steps
  LossPlan loss;

  int classes = 100;         ///< things drawn from at the start
  std::vector<int> widen;    ///< further lists, each taken when the validation's patch accuracy passes
  double widen_above = 0.7;  ///< this
  data::SceneOptions scene;  ///< `classes` there is set by the loop
  data::WindowOptions window;
  data::QuestionOptions questions;
  int distinct =
      0;  ///< the first n scenes again and again, to see whether they can be learnt by heart; 0: all
  bool flat_counts = true;   ///< repeat things so that every count is as frequent as the others
  bool attribution = false;  ///< also from drawings under CC BY, whose authors a model card must then name
  Stage() { factor.fill(1); }

  /// It learns answers, so questions are asked about its scenes.
  bool asks() const { return loss.text.ever() || loss.coordinate.ever() || loss.size.ever(); }
};

struct OptimiserSettings {
  bool muon = true;  ///< matrices of the blocks and the projector; the rest by AdamW
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.05;
  double momentum = 0.95;
  int newton_schulz = 5;   ///< steps
  double clip = 1;         ///< of the gradient's norm; 0: none
  double average = 0.999;  ///< decay of the average of the weights
};

/// Adapters of the text blocks (train/twin/lora.h).
struct LoraSettings {
  int rank = 0;                      ///< 0: none
  std::vector<std::string> targets;  ///< all four where the recipe names none
};

/// How files of own pictures are read.
struct OwnSettings {
  double kept_out = 0.1;  ///< share of the pictures that is never trained on, for the validation
  int absent = 2;         ///< COCO: categories asked for in each picture that are not in it
};

struct Recipe {
  std::string name;  ///< of the file, for people
  std::string text;  ///< as read: kept in the checkpoint
  std::uint64_t seed = 0;
  bool bf16 = true;  ///< autocast; weights and sums stay f32
  /// Relative names are relative to the recipe's folder.
  std::string tokenizer;  ///< tokenizer.json
  std::string data;       ///< folder with labels.tsv and atlas.tar; empty: data::find_data_folder()
  model::ModelConfig model;
  std::vector<std::string> model_keys;  ///< those that [model] names
  OwnSettings own;
  LoraSettings lora;
  double position_patterns = 0.5;  ///< see train/twin/init.h
  double coordinate_bias = 0;      ///< of models written: see train/twin/model_file.h
  OptimiserSettings optimiser;
  std::vector<Stage> stages;
  int validate_every = 200, validate_scenes = 64;  ///< steps; scenes of val-seed
  int checkpoint_every = 500;                      ///< steps
  int sample_every = 1000;                         ///< steps between answers shown
};

/// A model to start from has every size that the recipe's [model] names.
/// @param model  its path, for the message
/// @throws Error kInvalidArgument naming the first key that differs.
void check_sizes(const Recipe& recipe, const model::ModelConfig& config, const std::string& model);

/// A recipe by its path, or by the name of one that comes with Moonbeam ("lora"): beside the program in
/// share/moonbeam/recipes, or in the source tree. @throws Error kNotFound naming where it looked.
std::string find_recipe(const std::string& name);

/// Where a run's sizes come from.
enum class Sizes : std::uint8_t {
  kRecipe,  ///< [model], which makes a model
  kModel,   ///< a model to begin from: [model] may name some of them, or none
};

/// `name` stands in front of messages: "tiny.toml:12: ...". @throws Error kInvalidArgument.
Recipe parse_recipe(std::string_view text, const std::string& name, Sizes sizes = Sizes::kRecipe);
/// @throws Error kNotFound, and as parse_recipe.
Recipe read_recipe(const std::string& path, Sizes sizes = Sizes::kRecipe);

}  // namespace moonbeam::train
