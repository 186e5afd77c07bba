#include "train/loop/pictures.h"

#include <algorithm>
#include <filesystem>

#include "train/batch/grid_truth.h"
#include "train/batch/prompts.h"
#include "train/own/order.h"

namespace moonbeam::train {

namespace {

/// A number below `n` that is a function of the index.
int below(std::uint64_t seed, std::uint64_t index, std::uint64_t part, int n) {
  const std::uint64_t x = mix(seed * 0x9E3779B97F4A7C15ull + index * 2 + part);
  return static_cast<int>(x % static_cast<std::uint64_t>(n));
}

Picture window_picture(const PictureSources& sources, const Stage& stage, int classes, data::Split split,
                       std::uint64_t index) {
  data::WindowOptions options = stage.window;
  options.classes = classes;
  const data::Scene scene = data::render_window({sources.assets.seed, split, index}, options,
                                                sources.assets.drawings(stage, split), sources.assets.labels);
  const vision::VisionConfig& vision = sources.config.vision;
  const int side = options.side / vision.patch_size, places = vision.grid_side() - side + 1;
  Picture picture = cut_window(scene.image, vision, below(sources.assets.seed, index, 0, places),
                               below(sources.assets.seed, index, 1, places));
  picture.patch_truth = grid_truth(scene, side);
  return picture;
}

Picture scene_picture(const PictureSources& sources, const Stage& stage, int classes, data::Split split,
                      std::uint64_t index) {
  const data::Scene scene = draw_scene(sources.assets, stage, classes, split, index);
  Picture picture = cut_picture(scene.image, sources.config.vision);
  for (const data::Question& question : ask_about(sources.assets, stage, classes, scene)) {
    picture.questions.push_back(sequence_of(sources, stage, scene, question));
  }
  if (stage.loss.dense.ever()) picture.patch_truth = grid_truth(scene, sources.config.vision.grid_side());
  if (stage.loss.align.ever()) picture.cell_truth = grid_truth(scene, sources.config.vision.image_grid);
  return picture;
}

Picture own_picture(const PictureSources& sources, const Stage& stage, int classes, data::Split split,
                    std::uint64_t index) {
  if (split != data::Split::kTrain) return sources.own->kept_picture(stage, index);
  const Mixed one = mixed(stage.scenes_share, index);
  return one.second ? scene_picture(sources, stage, classes, split, one.index)
                    : sources.own->trained_picture(stage, one.index);
}

}  // namespace

Assets load_assets(const Recipe& recipe, bool held_out) {
  const std::filesystem::path folder =
      recipe.data.empty() ? data::find_data_folder() : std::filesystem::path(recipe.data);
  data::LabelTable labels = data::LabelTable::load(folder / "labels.tsv");
  data::Atlas atlas =
      std::filesystem::exists(folder / "atlas.tar") ? data::Atlas::load(folder, labels) : data::Atlas();
  Assets assets{std::move(labels), std::move(atlas), recipe.seed, std::nullopt};
  const auto asks = [](const Stage& stage) { return stage.attribution; };
  if (!held_out && std::any_of(recipe.stages.begin(), recipe.stages.end(), asks)) {
    assets.attributed = data::Atlas::load(folder, assets.labels, true);
  }
  return assets;
}

data::Scene draw_scene(const Assets& assets, const Stage& stage, int classes, data::Split split,
                       std::uint64_t index) {
  data::SceneOptions options = stage.scene;
  options.classes = classes;
  options.masks = stage.loss.dense.ever() || stage.loss.align.ever();
  const data::SceneKey key{assets.seed, split, index};
  if (stage.flat_counts && stage.asks()) options.repeat = data::repeat_for(key, options.max_objects);
  return data::render_scene(key, options, assets.drawings(stage, split), assets.labels);
}

std::vector<data::Question> ask_about(const Assets& assets, const Stage& stage, int classes,
                                      const data::Scene& scene) {
  if (!stage.asks()) return {};
  data::QuestionOptions options = stage.questions;
  options.classes = classes;
  return data::ask(scene, assets.labels, options);
}

Sequence sequence_of(const PictureSources& sources, const Stage& stage, const data::Scene& scene,
                     const data::Question& question) {
  const PromptWriter writer{sources.config.prompts, sources.tokenizer};
  const auto weight = static_cast<float>(stage.loss.kinds[static_cast<std::size_t>(question.kind)]);
  if (question.kind == data::Kind::kDetect) {
    std::vector<Box> boxes;
    for (const int object : question.targets) boxes.push_back(data::unit_box(scene, object));
    sort_objects(boxes);
    return detect_sequence(writer.detect(question.text), boxes, sources.config, weight);
  }
  if (question.kind == data::Kind::kPoint) {
    std::vector<Point> points;
    for (const int object : question.targets) points.push_back(data::unit_centre(scene, object));
    sort_objects(points);
    return point_sequence(writer.point(question.text), points, sources.config, weight);
  }
  const std::vector<int> prompt =
      question.kind == data::Kind::kCaption ? writer.caption(question.length) : writer.query(question.text);
  return text_sequence(prompt, writer.answer(question.answer), sources.config.prompts.eos, weight);
}

Batch make_batch(const PictureSources& sources, const Stage& stage, int classes, data::Split split,
                 const StepPlan& plan) {
  std::vector<Picture> pictures;
  pictures.reserve(static_cast<std::size_t>(plan.count));
  for (int i = 0; i < plan.count; ++i) {
    std::uint64_t index = plan.first + static_cast<std::uint64_t>(i);
    if (plan.own) {
      pictures.push_back(own_picture(sources, stage, classes, split, index));
      continue;
    }
    if (stage.distinct > 0) index %= static_cast<std::uint64_t>(stage.distinct);
    pictures.push_back(plan.windows ? window_picture(sources, stage, classes, split, index)
                                    : scene_picture(sources, stage, classes, split, index));
  }
  return collate(pictures, sources.config);
}

}  // namespace moonbeam::train
