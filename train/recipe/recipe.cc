// From the sections of a file to a Recipe: [run], [model], [optimiser], [stages] (what all stages share) and
// one [stage.NAME] for each, in their order.
#include "train/recipe/recipe.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "model/variants.h"
#include "train/recipe/stage_keys.h"

namespace moonbeam::train {

namespace {

constexpr std::string_view kStage = "stage.";
constexpr std::array<std::string_view, 5> kSections = {"run", "model", "optimiser", "own", "stages"};
constexpr std::array<std::string_view, 4> kLoraTargets = {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"};
constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::string beside(const std::string& recipe, const std::string& file) {
  const std::filesystem::path path(file);
  if (file.empty() || path.is_absolute()) return file;
  return (std::filesystem::path(recipe).parent_path() / path).lexically_normal().string();
}

void read_lora(KeySection& keys, LoraSettings& lora) {
  keys.read("lora_rank", lora.rank, 0, 4096);
  const bool named = keys.has("lora_targets");
  if (named && lora.rank == 0) keys.fail("lora_targets", "lora_rank beside them");
  std::vector<std::string> left(kLoraTargets.begin(), kLoraTargets.end());
  lora.targets = left;
  keys.read("lora_targets", lora.targets);
  for (const std::string& target : lora.targets) {
    if (std::erase(left, target) == 0) {
      keys.fail("lora_targets", "some of attn.qkv, attn.proj, mlp.fc1, mlp.fc2");
    }
  }
}

void read_run(KeySection& keys, Recipe& recipe) {
  keys.read("seed", recipe.seed);
  recipe.bf16 = keys.read_choice("precision", {"f32", "bf16"}, recipe.bf16 ? 1 : 0) == 1;
  for (auto [key, field] : {std::pair{"tokenizer", &recipe.tokenizer}, {"data", &recipe.data}}) {
    keys.read(key, *field);
    *field = beside(recipe.name, *field);
  }
  read_lora(keys, recipe.lora);
  keys.read("coordinate_bias", recipe.coordinate_bias, -20, 20);
  keys.read("validate_every", recipe.validate_every, 1, 1'000'000'000);
  keys.read("validate_scenes", recipe.validate_scenes, 1, 1'000'000);
  keys.read("checkpoint_every", recipe.checkpoint_every, 1, 1'000'000'000);
  keys.read("sample_every", recipe.sample_every, 1, 1'000'000'000);
}

/// A size that [model] may name, where a configuration has it, and its least value.
struct Size {
  const char* key;
  int* value;
  std::int64_t least = 1;
};

std::vector<Size> sizes_of(model::ModelConfig& config) {
  vision::VisionConfig& vision = config.vision;
  text::TextConfig& text = config.text;
  std::vector<Size> out = {{"crop", &vision.crop_size},
                           {"patch", &vision.patch_size},
                           {"image_grid", &vision.image_grid},
                           {"max_crops", &vision.max_crops},
                           {"overlap_margin", &vision.overlap_margin, 0},
                           {"vision_dim", &vision.dim},
                           {"vision_ff", &vision.ff_dim},
                           {"vision_layers", &vision.layers},
                           {"vision_heads", &vision.heads},
                           {"projector_inner", &vision.proj_inner_dim},
                           {"text_dim", &text.dim},
                           {"text_ff", &text.ff_dim},
                           {"text_layers", &text.layers},
                           {"text_heads", &text.heads},
                           {"vocab", &text.vocab_size},
                           {"max_context", &text.max_context},
                           {"rope_dims", &text.rope_dims}};
  if (config.region) {
    region::RegionConfig& region = *config.region;
    for (const Size& size : {Size{"coord_features", &region.coord_feat_dim},
                             {"size_features", &region.size_feat_dim},
                             {"region_inner", &region.inner_dim},
                             {"bins", &region.coord_out_dim}}) {
      out.push_back(size);
    }
  }
  return out;
}

// Sizes of our own models: every width that must agree with another follows from it.
void read_model(KeySection& keys, Recipe& recipe) {
  model::ModelConfig& config = recipe.model;
  vision::VisionConfig& vision = config.vision;
  text::TextConfig& text = config.text;
  region::RegionConfig& region = *config.region;
  constexpr std::int64_t kMost = 1 << 20;
  for (const Size& size : sizes_of(config)) {
    if (keys.has(size.key)) recipe.model_keys.emplace_back(size.key);
    keys.read(size.key, *size.value, size.least, kMost);
  }
  keys.read("position_patterns", recipe.position_patterns, 0, 100);

  vision.proj_in_dim = 2 * vision.dim;
  vision.proj_out_dim = region.dim = text.dim;
  text.kv_heads = text.heads;
  text.prefix_attn = 1 + vision.image_tokens();
  region.size_out_dim = 2 * region.coord_out_dim;
  region.coord_divisor = region.coord_out_dim - 1;
}

void read_own(KeySection& keys, OwnSettings& own) {
  keys.read("kept_out", own.kept_out, 0, 0.9);
  keys.read("absent", own.absent, 0, 100);
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
  constexpr std::string_view kNames[] = {"vision", "projector", "text", "region", "heads", "lora"};
  return kNames[static_cast<std::size_t>(group)];
}

Recipe parse_recipe(std::string_view text, const std::string& file_name, Sizes sizes) {
  Recipe recipe;
  recipe.name = file_name;
  recipe.text = text;
  recipe.model = own_model();
  std::vector<KeySection> sections = base::parse_key_file(text, file_name);
  Stage shared;
  // What other sections build on comes first, wherever it stands.
  for (KeySection& keys : sections) {
    if (keys.name() == "run") read_run(keys, recipe);
    if (keys.name() == "model") read_model(keys, recipe);
    if (keys.name() == "optimiser") read_optimiser(keys, recipe.optimiser);
    if (keys.name() == "own") read_own(keys, recipe.own);
    if (keys.name() == "stages") read_stage_keys(keys, shared);
  }
  for (KeySection& keys : sections) {
    if (keys.name().starts_with(kStage)) {
      Stage stage = shared;
      stage.name = keys.name().substr(kStage.size());
      read_stage_keys(keys, stage);
      check_stage(keys, stage, recipe.lora.rank > 0);
      recipe.stages.push_back(std::move(stage));
    } else if (!keys.name().empty() &&
               std::find(kSections.begin(), kSections.end(), keys.name()) == kSections.end()) {
      keys.fail("", "[run], [model], [optimiser], [own], [stages] or [stage.NAME]");
    }
    keys.refuse_unread();
  }
  if (recipe.stages.empty()) {
    base::fail(ErrorCode::kInvalidArgument, base::printable(file_name), ": expected a section [stage.NAME]");
  }
  if (sizes == Sizes::kModel) return recipe;
  try {
    recipe.model.validate();
  } catch (const Error& error) {
    base::fail(ErrorCode::kInvalidArgument, base::printable(file_name), ": [model]: ", error.what());
  }
  return recipe;
}

Recipe read_recipe(const std::string& path, Sizes sizes) {
  return parse_recipe(base::read_file(path, kLargestFile), path, sizes);
}

void check_sizes(const Recipe& recipe, const model::ModelConfig& config, const std::string& model) {
  model::ModelConfig wanted = recipe.model, got = config;
  const std::vector<Size> theirs = sizes_of(got);
  for (const Size& size : sizes_of(wanted)) {
    const auto& keys = recipe.model_keys;
    if (std::find(keys.begin(), keys.end(), size.key) == keys.end()) continue;
    const auto same = [&](const Size& other) { return std::string_view(other.key) == size.key; };
    const auto found = std::find_if(theirs.begin(), theirs.end(), same);
    if (found != theirs.end() && *found->value == *size.value) continue;
    base::fail(ErrorCode::kInvalidArgument, base::printable(recipe.name), ": [model]: ", size.key, " = ",
               *size.value, ", but ", base::printable(model), " has ",
               found == theirs.end() ? std::string("no region heads") : std::to_string(*found->value),
               "; [model] may be left out with --init");
  }
}

std::string find_recipe(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_regular_file(name, error)) return name;
  std::vector<fs::path> places;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) places.push_back(program.parent_path().parent_path() / "share/moonbeam/recipes");
  places.emplace_back(MOONBEAM_SOURCE_RECIPES);
  std::string looked;
  for (const fs::path& place : places) {
    // A name, not a path: what lies elsewhere is no recipe that comes with Moonbeam.
    const bool plain = name.find('/') == std::string::npos;
    const fs::path path = place / (name.ends_with(".toml") ? name : name + ".toml");
    if (plain && fs::is_regular_file(path, error)) return path.string();
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  base::fail(ErrorCode::kNotFound, base::printable(name), ": no such recipe, and none of that name in ",
             looked);
}

}  // namespace moonbeam::train
