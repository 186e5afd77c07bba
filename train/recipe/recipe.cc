// From the sections of a file to a Recipe: [run], [model], [optimiser], [stages] (what all stages share) and
// one [stage.NAME] for each, in their order.
#include "train/recipe/recipe.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "model/variants.h"
#include "train/recipe/stage_keys.h"

namespace moonbeam::train {

namespace {

constexpr std::string_view kStage = "stage.";
constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::string beside(const std::string& recipe, const std::string& file) {
  const std::filesystem::path path(file);
  if (file.empty() || path.is_absolute()) return file;
  return (std::filesystem::path(recipe).parent_path() / path).lexically_normal().string();
}

void read_run(KeySection& keys, Recipe& recipe) {
  keys.read("seed", recipe.seed);
  recipe.bf16 = keys.read_choice("precision", {"f32", "bf16"}, recipe.bf16 ? 1 : 0) == 1;
  for (auto [key, field] : {std::pair{"tokenizer", &recipe.tokenizer}, {"data", &recipe.data}}) {
    keys.read(key, *field);
    *field = beside(recipe.name, *field);
  }
  keys.read("validate_every", recipe.validate_every, 1, 1'000'000'000);
  keys.read("validate_scenes", recipe.validate_scenes, 1, 1'000'000);
  keys.read("checkpoint_every", recipe.checkpoint_every, 1, 1'000'000'000);
  keys.read("sample_every", recipe.sample_every, 1, 1'000'000'000);
}

// Sizes of our own models: every width that must agree with another follows from it.
void read_model(KeySection& keys, Recipe& recipe) {
  model::ModelConfig& config = recipe.model;
  vision::VisionConfig& vision = config.vision;
  text::TextConfig& text = config.text;
  region::RegionConfig& region = *config.region;
  constexpr std::int64_t kMost = 1 << 20;
  const auto size = [&](const char* key, int& field) { keys.read(key, field, 1, kMost); };
  size("crop", vision.crop_size), size("patch", vision.patch_size), size("image_grid", vision.image_grid);
  size("max_crops", vision.max_crops);
  keys.read("overlap_margin", vision.overlap_margin, 0, kMost);
  size("vision_dim", vision.dim), size("vision_ff", vision.ff_dim);
  size("vision_layers", vision.layers), size("vision_heads", vision.heads);
  size("projector_inner", vision.proj_inner_dim);
  size("text_dim", text.dim), size("text_ff", text.ff_dim);
  size("text_layers", text.layers), size("text_heads", text.heads);
  size("vocab", text.vocab_size), size("max_context", text.max_context), size("rope_dims", text.rope_dims);
  size("coord_features", region.coord_feat_dim), size("size_features", region.size_feat_dim);
  size("region_inner", region.inner_dim), size("bins", region.coord_out_dim);
  keys.read("position_patterns", recipe.position_patterns, 0, 100);

  vision.proj_in_dim = 2 * vision.dim;
  vision.proj_out_dim = region.dim = text.dim;
  text.kv_heads = text.heads;
  text.prefix_attn = 1 + vision.image_tokens();
  region.size_out_dim = 2 * region.coord_out_dim;
  region.coord_divisor = region.coord_out_dim - 1;
}

void read_optimiser(KeySection& keys, OptimiserSettings& optimiser) {
  optimiser.muon = keys.read_choice("matrices", {"adamw", "muon"}, optimiser.muon ? 1 : 0) == 1;
  keys.read("beta1", optimiser.beta1, 0, 0.9999);
  keys.read("beta2", optimiser.beta2, 0, 0.999999);
  keys.read("eps", optimiser.eps, 1e-16, 1);
  keys.read("weight_decay", optimiser.weight_decay, 0, 100);
  keys.read("momentum", optimiser.momentum, 0, 0.9999);
  keys.read("newton_schulz", optimiser.newton_schulz, 1, 100);
  keys.read("clip", optimiser.clip, 0, 1e9);
  keys.read("average", optimiser.average, 0, 0.999999);
}

model::ModelConfig own_model() {
  model::ModelConfig config = model::variant(model::kOwnVariant).config;
  // Ids of templates are the tokenizer's: prompts_of().
  config.prompts.caption = {};
  config.prompts.query.reset(), config.prompts.detect.reset(), config.prompts.point.reset();
  return config;
}

}  // namespace

std::string_view name(Group group) {
  constexpr std::string_view kNames[] = {"vision", "projector", "text", "region", "heads"};
  return kNames[static_cast<std::size_t>(group)];
}

Recipe parse_recipe(std::string_view text, const std::string& file_name) {
  Recipe recipe;
  recipe.name = file_name;
  recipe.text = text;
  recipe.model = own_model();
  std::vector<KeySection> sections = parse_key_file(text, file_name);
  Stage shared;
  // What other sections build on comes first, wherever it stands.
  for (KeySection& keys : sections) {
    if (keys.name() == "run") read_run(keys, recipe);
    if (keys.name() == "model") read_model(keys, recipe);
    if (keys.name() == "optimiser") read_optimiser(keys, recipe.optimiser);
    if (keys.name() == "stages") read_stage_keys(keys, shared);
  }
  for (KeySection& keys : sections) {
    if (keys.name().starts_with(kStage)) {
      Stage stage = shared;
      stage.name = keys.name().substr(kStage.size());
      read_stage_keys(keys, stage);
      check_stage(keys, stage);
      recipe.stages.push_back(std::move(stage));
    } else if (!keys.name().empty() && keys.name() != "run" && keys.name() != "model" &&
               keys.name() != "optimiser" && keys.name() != "stages") {
      keys.fail("", "[run], [model], [optimiser], [stages] or [stage.NAME]");
    }
    keys.refuse_unread();
  }
  if (recipe.stages.empty()) {
    base::fail(ErrorCode::kInvalidArgument, base::printable(file_name), ": expected a section [stage.NAME]");
  }
  try {
    recipe.model.validate();
  } catch (const Error& error) {
    base::fail(ErrorCode::kInvalidArgument, base::printable(file_name), ": [model]: ", error.what());
  }
  return recipe;
}

Recipe read_recipe(const std::string& path) {
  return parse_recipe(base::read_file(path, kLargestFile), path);
}

}  // namespace moonbeam::train
