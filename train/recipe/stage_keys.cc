#include "train/recipe/stage_keys.h"

#include <algorithm>

#include "base/error.h"

namespace moonbeam::train {

namespace {

constexpr double kMost = 1e12;

// As data::name(Kind), which a recipe should not need the renderer for.
constexpr std::array<const char*, data::kKinds> kKindKeys = {
    "weight_caption",  "weight_exist",  "weight_count", "weight_colour", "weight_name",
    "weight_relation", "weight_detect", "weight_point", "weight_read",   "weight_premise"};

void read_length(KeySection& keys, Stage& stage) {
  using Length = Stage::Length;
  int given = 0;
  for (const auto& [key, length] :
       {std::pair{"steps", Length::kSteps}, {"scenes", Length::kScenes}, {"minutes", Length::kMinutes}}) {
    if (!keys.has(key)) continue;
    if (++given > 1) keys.fail(key, "one of steps, scenes and minutes");
    stage.length = length;
    keys.read(key, stage.amount, 0, kMost);
  }
}

void read_trains(KeySection& keys, Stage& stage) {
  std::vector<std::string> groups;
  keys.read("trains", groups);
  if (groups.empty()) return;
  stage.trains.fill(false);
  for (const std::string& word : groups) {
    bool known = word == "all";
    for (int g = 0; g < kGroups; ++g) {
      const auto group = static_cast<Group>(g);
      if (word != name(group) && !(word == "all" && group != Group::kLora)) continue;
      stage.trains[static_cast<std::size_t>(g)] = known = true;
    }
    if (!known) keys.fail("trains", "all, or some of vision, projector, text, region, heads");
  }
}

void read_rates(KeySection& keys, Stage& stage) {
  keys.read("rate", stage.rate, 0, 10);
  keys.read("rate_end", stage.rate_end, 0, 10);
  keys.read("warm_up", stage.warm_up, 0, 1'000'000);
  constexpr std::array<const char*, kGroups> kFactors = {"vision_rate", "projector_rate", "text_rate",
                                                         "region_rate", "heads_rate",     "lora_rate"};
  for (std::size_t g = 0; g < kFactors.size(); ++g) keys.read(kFactors[g], stage.factor[g], 0, 1000);
}

void read_pictures(KeySection& keys, Stage& stage) {
  stage.pictures = static_cast<Stage::Pictures>(
      keys.read_choice("pictures", {"windows", "scenes", "own"}, static_cast<int>(stage.pictures)));
  keys.read("batch", stage.batch, 1, 65536);
  keys.read("scene_batch", stage.scene_batch, 1, 65536);
  keys.read("scenes_from", stage.scenes_from, 0, 1);
  keys.read("scenes_share", stage.scenes_share, 0, 0.95);
  keys.read("classes", stage.classes, 1, 100'000);
  keys.read("widen", stage.widen, 1, 100'000);
  keys.read("widen_above", stage.widen_above, 0, 1);
  keys.read("distinct", stage.distinct, 0, 1'000'000'000);
  keys.read("flat_counts", stage.flat_counts);
  keys.read("attribution", stage.attribution);

  double clutter = stage.scene.clutter, window_clutter = stage.window.clutter,
         restyled = stage.scene.restyled;
  keys.read("clutter", clutter, 0, 1);
  keys.read("window_clutter", window_clutter, 0, 1);
  stage.scene.clutter = static_cast<float>(clutter);
  stage.window.clutter = static_cast<float>(window_clutter);
  keys.read("restyled", restyled, 0, 1);
  stage.scene.restyled = stage.window.restyled = static_cast<float>(restyled);
  keys.read("window", stage.window.side, 1, 4096);
  keys.read("height", stage.scene.height, 1, 4096);
  keys.read("width", stage.scene.width, 1, 4096);
  keys.read("max_objects", stage.scene.max_objects, 1, 100);
  keys.read("occlusion", stage.scene.occlusion);
  keys.read("reading", stage.scene.reading);
  keys.read("degrade", stage.scene.degrade);
  stage.questions.reading = stage.scene.reading;

  keys.read("questions", stage.questions.most, 1, 100);
  keys.read("noise", stage.questions.noise);
  keys.read("captions", stage.questions.captions);
}

void read_losses(KeySection& keys, LossPlan& loss) {
  for (const auto& [key, ramp] : {std::pair{"text_loss", &loss.text},
                                  {"coordinate_loss", &loss.coordinate},
                                  {"size_loss", &loss.size},
                                  {"dense_loss", &loss.dense},
                                  {"align_loss", &loss.align}}) {
    keys.read(key, *ramp, 0, 1000);
  }
  keys.read("box_part", loss.box, 0, 1000);
  keys.read("colour_part", loss.colour, 0, 1000);
  keys.read("foreground", loss.foreground, 0, 1000);
  keys.read("bin_sigma", loss.bin_sigma, 0, 1000);
  for (std::size_t kind = 0; kind < kKindKeys.size(); ++kind) {
    keys.read(kKindKeys[kind], loss.kinds[kind], 0, 1000);
  }
}

// With adapters nothing but they learn, and without them there is nothing by that name.
void check_lora(const KeySection& keys, const Stage& stage, bool lora) {
  for (int g = 0; g < kGroups; ++g) {
    const bool trains = stage.trains[static_cast<std::size_t>(g)];
    if (!trains || lora == (static_cast<Group>(g) == Group::kLora)) continue;
    keys.fail("trains", lora ? "lora alone beside lora_rank: what it stands beside is frozen"
                             : "no lora without lora_rank in [run]");
  }
}

}  // namespace

void read_stage_keys(KeySection& keys, Stage& stage) {
  read_length(keys, stage);
  read_trains(keys, stage);
  read_rates(keys, stage);
  read_pictures(keys, stage);
  read_losses(keys, stage.loss);
}

void check_stage(const KeySection& keys, const Stage& stage, bool lora) {
  if (stage.name.empty()) keys.fail("", "a name behind 'stage.'");
  if (stage.amount <= 0) keys.fail("steps", "steps, scenes or minutes above 0");
  if (std::none_of(stage.trains.begin(), stage.trains.end(), [](bool trains) { return trains; })) {
    keys.fail("trains", "trains = all, or some of vision, projector, text, region, heads");
  }
  check_lora(keys, stage, lora);
  int last = stage.classes;
  for (const int classes : stage.widen) {
    if (classes <= last) keys.fail("widen", base::cat("growing numbers over classes = ", stage.classes));
    last = classes;
  }
  const bool own = stage.pictures == Stage::Pictures::kOwn;
  if (stage.scenes_share > 0 && !own) keys.fail("scenes_share", "none without pictures = own");
  if (own && !stage.asks()) keys.fail("text_loss", "a weight above 0 with pictures = own");
  const LossPlan& loss = stage.loss;
  if (stage.asks() && stage.pictures == Stage::Pictures::kWindows) {
    keys.fail("text_loss", "none with pictures = windows: no questions are asked about them");
  }
  if (stage.pictures == Stage::Pictures::kWindows && !loss.dense.ever()) {
    keys.fail("dense_loss", "a weight above 0 with pictures = windows: nothing else is learnt from them");
  }
  if (!stage.asks() && !loss.dense.ever() && !loss.align.ever()) {
    keys.fail("dense_loss", "a part of the loss with a weight above 0");
  }
}

}  // namespace moonbeam::train
