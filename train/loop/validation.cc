#include "train/loop/validation.h"

#include <algorithm>

#include "base/text.h"
#include "train/loop/autocast.h"

namespace moonbeam::train {

namespace {

constexpr int kWindowsPerScene = 6;  // a window is a tenth of a scene's work and says less

void put(Measures& to, const char* name, const torch::Tensor& value) {
  if (value.defined()) to[name] = value.item<double>();
}

}  // namespace

Measures measures_of(const LossParts& parts) {
  Measures out;
  if (parts.total.defined()) put(out, "loss.total", parts.total.detach());
  put(out, "loss.text", parts.text);
  put(out, "loss.coordinate", parts.coordinate);
  put(out, "loss.size", parts.size);
  put(out, "loss.dense_class", parts.dense_class);
  put(out, "loss.dense_box", parts.dense_box);
  put(out, "loss.dense_colour", parts.dense_colour);
  put(out, "loss.align_noun", parts.align_noun);
  put(out, "loss.align_colour", parts.align_colour);
  put(out, "loss.align_box", parts.align_box);
  put(out, "patch_accuracy", parts.patch_accuracy);
  put(out, "token_accuracy", parts.token_accuracy);
  return out;
}

void MeanOf::add(const Measures& measures, double weight) {
  for (const auto& [name, value] : measures) {
    auto& [sum, weights] = sums_[name];
    sum += value * weight;
    weights += weight;
  }
}

Measures MeanOf::means() const {
  Measures out;
  for (const auto& [name, sum] : sums_) out[name] = sum.first / sum.second;
  return out;
}

void MeanOf::sum_over(Ranks& ranks) {
  if (ranks.alone()) return;
  std::vector<double> values;
  for (const char* name : kMeasures) {
    const auto found = sums_.find(name);
    const auto [sum, weight] = found == sums_.end() ? std::pair(0.0, 0.0) : found->second;
    values.insert(values.end(), {sum, weight});
  }
  ranks.sum(values);
  for (std::size_t i = 0; i < std::size(kMeasures); ++i) {
    if (values[2 * i + 1] > 0) sums_[kMeasures[i]] = {values[2 * i], values[2 * i + 1]};
  }
}

ObjectiveOptions objective_options(const Stage& stage, const model::ModelConfig& config, double progress) {
  const auto at = [&](const Ramp& ramp) { return static_cast<float>(ramp.at(progress)); };
  ObjectiveOptions options;
  options.weights.text = at(stage.loss.text);
  options.weights.coordinate = at(stage.loss.coordinate);
  options.weights.size = at(stage.loss.size);
  options.weights.dense = at(stage.loss.dense);
  options.weights.dense_class = 1;
  options.weights.dense_box = static_cast<float>(stage.loss.box);
  options.weights.dense_colour = static_cast<float>(stage.loss.colour);
  options.weights.align = at(stage.loss.align);
  options.coordinate_sigma = options.size_sigma = at(stage.loss.bin_sigma);
  options.dense.foreground_weight = static_cast<float>(stage.loss.foreground);
  options.dense.grid_side = config.vision.grid_side();
  options.train_encoder = stage.trains[static_cast<std::size_t>(Group::kVision)];
  return options;
}

// Pictures 0 .. all.count - 1 in batches: this rank's of them.
void Validation::make(const Stage& stage, int classes, const StepPlan& all) {
  const int turns = ranks_.size() * stage.batch;
  for (int first = ranks_.rank() * stage.batch; first < all.count; first += turns) {
    StepPlan plan = all;
    plan.first = static_cast<std::uint64_t>(first);
    plan.count = std::min(stage.batch, all.count - first);
    batches_.push_back(make_batch(sources_, stage, classes, data::Split::kValSeed, plan));
  }
}

Measures Validation::measure(Twin& twin, Heads& heads, const Stage& stage, int classes) {
  const std::string wanted = base::cat(stage.name, "/", classes);
  if (wanted != made_for_) {
    batches_.clear();
    if (stage.pictures == Stage::Pictures::kOwn) {
      const auto kept = static_cast<int>(std::min<std::uint64_t>(sources_.own->kept(), scenes_));
      make(stage, classes, {.own = true, .count = kept});
      scenes_at_ = batches_.size();
      if (stage.scenes_share > 0) make(stage, classes, {.count = scenes_});
    } else {
      const bool windows = stage.pictures == Stage::Pictures::kWindows;
      make(stage, classes, {.windows = windows, .count = windows ? scenes_ * kWindowsPerScene : scenes_});
      scenes_at_ = batches_.size();
    }
    made_for_ = wanted;
  }
  const torch::NoGradGuard no_grad;
  const ObjectiveOptions options = objective_options(stage, twin->config(), 1);
  MeanOf mean, of_scenes;
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    const Batch& batch = batches_[i];
    const Autocast autocast(twin->device().type(), bf16_);
    const Measures measures = measures_of(objective(twin, heads, batch.to(twin->device()), options));
    (i < scenes_at_ ? mean : of_scenes).add(measures, batch.pictures);
  }
  mean.sum_over(ranks_);
  of_scenes.sum_over(ranks_);
  Measures out = mean.means();
  const Measures scenes = of_scenes.means();
  for (const auto& [from, to] :
       {std::pair{"loss.total", "scenes_loss"}, {"token_accuracy", "scenes_token_accuracy"}}) {
    if (const auto found = scenes.find(from); found != scenes.end()) out[to] = found->second;
  }
  return out;
}

}  // namespace moonbeam::train
