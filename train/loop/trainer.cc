// The order of things in a step: what the pictures' cursor says is drawn ahead by other threads; loss,
// gradients, clipping, optimiser, average; then, where it is time, log, validation, samples, checkpoint.
// Whatever changes what is drawn (a wider class list, scenes between windows) starts the feed anew, so that a
// picture is a function of the counters alone.
// Where several processes train together each takes its part of a step's pictures, and what they agree on
// (together.h) makes them do the same from there on; whatever a clock or a signal says is rank 0's word or
// any's.
#include "train/loop/trainer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "train/batch/prompts.h"
#include "train/loop/autocast.h"
#include "train/loop/ordered_feed.h"
#include "train/loop/progress.h"
#include "train/loop/samples.h"
#include "train/loop/together.h"
#include "train/loop/validation.h"
#include "train/optim/average.h"
#include "train/optim/optimiser.h"
#include "train/optim/schedule.h"
#include "train/twin/init.h"
#include "train/twin/lora.h"
#include "train/twin/model_file.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

constexpr std::size_t kLargestTokenizer = std::size_t{1} << 26;
constexpr int kAhead = 4;  // batches that wait
constexpr std::size_t kKeptCheckpoints = 2;
// A step that takes much longer than those before it was held up by something else: a stopped process, a
// laptop that slept. Stages by minutes do not count that.
constexpr double kHeldUp = 5;

WordRows rows_of_nouns(const text::Tokenizer& tokenizer, const data::LabelTable& labels) {
  std::vector<std::string> nouns;
  for (int label = 0; label < labels.size(); ++label) nouns.push_back(labels[label].noun);
  return word_rows(tokenizer, nouns);
}

WordRows rows_of_colours(const text::Tokenizer& tokenizer) {
  std::vector<std::string> words;
  for (int c = 0; c < data::kColours; ++c) words.emplace_back(data::name(static_cast<data::Colour>(c)));
  return word_rows(tokenizer, words);
}

model::ModelConfig with_prompts(model::ModelConfig config, const text::Tokenizer& tokenizer) {
  if (tokenizer.token_count() > config.text.vocab_size) {
    base::fail(ErrorCode::kInvalidArgument, "tokenizer: ", tokenizer.token_count(), " ids, the model has ",
               config.text.vocab_size, " rows");
  }
  for (const auto& [id, content] : {std::pair{0, "<|endoftext|>"}, {5, "<|coord|>"}, {6, "<|size|>"}}) {
    if (tokenizer.find(content) != id) {
      base::fail(ErrorCode::kInvalidArgument, "tokenizer: expected the control token ", content, " as ", id);
    }
  }
  config.prompts = own_prompts(tokenizer);
  config.validate();
  return config;
}

}  // namespace

struct Trainer::Parts {
  Parts(Recipe from, RunFolder in, std::string tokenizer_text, const TrainOptions& with, RunStart began,
        Twin begun = nullptr);

  void begin_together();
  Ended run();
  void begin_stage();
  bool stage_is_over() const { return progress_of(stage(), state) >= 1; }
  void one_step();
  void forward_and_backward(const Batch& batch, const ObjectiveOptions& objective_at, Measures& measures);
  [[noreturn]] void fail_step(const StepPlan& plan, const std::string& what) const;
  void after_step(const StepPlan& plan, double seconds, const Measures& measures, double norm);
  void write_log_line();
  void finish_log_line() {
    if (recent_pictures > 0) write_log_line();
  }
  void validate();
  void show_samples();
  void write();
  NamedTensors tensors() const;

  const Stage& stage() const { return recipe.stages[static_cast<std::size_t>(state.stage)]; }
  int classes() const { return classes_of(stage(), state); }

  void append_to_log(const std::string& line) {
    if (log) log->write(line);
  }

  Recipe recipe;
  RunFolder folder;
  TrainOptions options;
  Ranks& ranks;
  std::string tokenizer_json;
  RunStart origin;
  Assets assets;
  text::Tokenizer tokenizer;
  model::ModelConfig config;
  std::optional<OwnPictures> own;
  PictureSources sources;
  Twin twin;
  Heads heads;
  Optimiser optimiser;
  WeightAverage average;
  Validation validation;
  RunState state;
  std::unique_ptr<OrderedFeed<Batch>> feed;
  std::optional<LineLog> log;  // rank 0's
  Progress progress;
  MeanOf recent;  // since the last line of the log
  double recent_seconds = 0, recent_pictures = 0, usual_seconds = 0;
  double rate = 0;  // of the step before
};

namespace {

Heads make_heads(const model::ModelConfig& config, const data::LabelTable& labels,
                 const text::Tokenizer& tokenizer, std::uint64_t seed) {
  Heads heads;
  heads.dense = DenseHead(config.vision.dim, labels.size(), data::kColours);
  heads.align_box = BoxHead(config.text.dim);
  heads.nouns = rows_of_nouns(tokenizer, labels);
  heads.colours = rows_of_colours(tokenizer);
  initialise(heads.dense, seed + 1);
  initialise(heads.align_box, seed + 2);
  return heads;
}

void expect_a_picture_for_each(const Recipe& recipe, int ranks) {
  for (const Stage& stage : recipe.stages) {
    const bool mixed = stage.pictures == Stage::Pictures::kWindows && stage.scenes_from < 1;
    const int least = mixed ? std::min(stage.batch, stage.scene_batch) : stage.batch;
    if (least >= ranks) continue;
    base::fail(ErrorCode::kInvalidArgument, base::printable(recipe.name), ": stage '", stage.name,
               "': ", ranks, " ranks share a batch of ", least, ": expected a picture for each");
  }
}

void expect_a_coordinate_token(const Recipe& recipe, const model::ModelConfig& config) {
  if (recipe.coordinate_bias == 0 || (config.prompts.coord >= 0 && recipe.lora.rank == 0)) return;
  base::fail(
      ErrorCode::kInvalidArgument, base::printable(recipe.name), ": coordinate_bias: ",
      recipe.lora.rank > 0 ? "an adapter has no bias of the output" : "the model has no coordinate token");
}

Twin make_twin(const model::ModelConfig& config, const Recipe& recipe) {
  Twin twin(config);
  InitOptions init;
  init.seed = recipe.seed;
  init.position_patterns = static_cast<float>(recipe.position_patterns);
  initialise(twin, init);
  return twin;
}

Twin adapted(Twin twin, const Recipe& recipe) {
  if (recipe.lora.rank > 0) add_lora(twin, recipe.lora.rank, recipe.lora.targets, recipe.seed + 3);
  return twin;
}

std::optional<OwnPictures> own_pictures(const RunStart& start, const Recipe& recipe,
                                        const text::Tokenizer& tokenizer, const model::ModelConfig& config) {
  OwnSet set = read_start_data(start, recipe);
  if (set.pictures.empty()) return std::nullopt;
  return std::optional<OwnPictures>(std::in_place, std::move(set), recipe.own, recipe.seed, tokenizer,
                                    config);
}

}  // namespace

Trainer::Parts::Parts(Recipe from, RunFolder in, std::string tokenizer_text, const TrainOptions& with,
                      RunStart began, Twin begun)
    : recipe(std::move(from)),
      folder(std::move(in)),
      options(with),
      ranks(*options.ranks),
      tokenizer_json(std::move(tokenizer_text)),
      origin(std::move(began)),
      assets(load_assets(recipe, /*held_out=*/options.only_saves)),
      tokenizer(formats::parse_tokenizer_json(tokenizer_json, "tokenizer.json")),
      config(origin.config ? *origin.config : with_prompts(recipe.model, tokenizer)),
      own(options.only_saves ? std::nullopt : own_pictures(origin, recipe, tokenizer, config)),
      sources{assets, tokenizer, config, own ? &*own : nullptr},
      twin(adapted(begun.is_empty() ? make_twin(config, recipe) : std::move(begun), recipe)),
      heads(make_heads(config, assets.labels, tokenizer, recipe.seed)),
      optimiser(learning_parameters(twin, heads), recipe.optimiser, recipe.bf16),
      average(optimiser.parameters(), recipe.optimiser.average),
      validation(sources, recipe.validate_scenes, recipe.bf16, ranks),
      progress(with.quiet || !ranks.first()) {
  expect_a_picture_for_each(recipe, ranks.size());
  expect_a_coordinate_token(recipe, config);
  torch::set_num_threads(options.threads > 0 ? options.threads : base::choose_threads(0));
  if (!own) return;
  for (const std::string& note : own->notes()) progress.say("note: " + note);
  progress.say(base::cat(own->trained(), " pictures to learn from, ", own->kept(), " kept out"));
}

namespace {

/// What the other ranks need to make parts like rank 0's.
void agree_on_texts(Ranks& ranks, Checkpoint& texts) {
  for (std::string* text : {&texts.recipe, &texts.recipe_name, &texts.tokenizer_json, &texts.start})
    ranks.from_first(*text);
}

}  // namespace

// After this every rank has what rank 0 has: counters, weights, averages, moments.
void Trainer::Parts::begin_together() {
  if (ranks.first()) {
    Checkpoint texts{state, recipe.text, recipe.name, tokenizer_json, origin.json(), {}};
    agree_on_texts(ranks, texts);
  }
  std::string counters = state_text(state);
  ranks.from_first(counters);
  state = parse_state(counters, "rank 0");
  average.set_updates(state.average_updates);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors()) ranks.from_first(tensor);
}

Trainer::Trainer(const std::string& folder, const TrainOptions& options) {
  Checkpoint texts;
  agree_on_texts(*options.ranks, texts);
  RunStart start = parse_run_start(texts.start, "rank 0");
  Recipe recipe = parse_recipe(texts.recipe, texts.recipe_name, start.sizes());
  parts_ = std::make_unique<Parts>(std::move(recipe), RunFolder::elsewhere(folder),
                                   std::move(texts.tokenizer_json), options, std::move(start));
  parts_->begin_together();
}

Trainer::Trainer(Recipe recipe, RunFolder folder, const TrainOptions& options, const StartOptions& from) {
  folder.lock();
  RunStart start;
  start.data = data_of(from);
  LoadedModel model;
  if (from.init.empty()) {
    if (recipe.lora.rank > 0) {
      base::fail(ErrorCode::kInvalidArgument, base::printable(recipe.name),
                 ": lora_rank: an adapter stands beside a model: expected --init MODEL");
    }
    model.tokenizer_json = base::read_file(recipe.tokenizer, kLargestTokenizer);
  } else {
    model = load_start(recipe, from.init);
    start.base = name_of_model(from.init);
    start.licence = model.licence;
    start.config = model.twin->config();
  }
  parts_ = std::make_unique<Parts>(std::move(recipe), std::move(folder), std::move(model.tokenizer_json),
                                   options, std::move(start), std::move(model.twin));
  base::AtomicFile file(parts_->folder.file("recipe.toml"));
  file.write(parts_->recipe.text);
  file.commit();
  parts_->begin_together();
}

Trainer::Trainer(RunFolder folder, const TrainOptions& options) {
  if (!options.only_saves) folder.lock();
  const std::vector<std::string> checkpoints = folder.checkpoints();
  for (std::size_t i = 0; i < checkpoints.size(); ++i) {
    // A file that a failing disk has broken: the one before it is there for that. Reading the file alone
    // counts: what is wrong with the data or the recipe is wrong for every checkpoint.
    const auto readable = [&](const auto& read) {
      try {
        read();
        return true;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kCorrupt || i + 1 == checkpoints.size()) throw;
        std::error_code ignored;
        if (!options.only_saves) std::filesystem::rename(checkpoints[i], checkpoints[i] + ".broken", ignored);
        if (!options.quiet)
          Progress(false).say(base::cat(error.what(), "; going back to the checkpoint before"));
        return false;
      }
    };
    Checkpoint checkpoint;
    if (!readable([&] { checkpoint = read_checkpoint_state(checkpoints[i]); })) continue;
    if (!parts_) {
      RunStart start = parse_run_start(checkpoint.start, checkpoints[i]);
      Recipe recipe = parse_recipe(checkpoint.recipe, checkpoint.recipe_name, start.sizes());
      parts_ = std::make_unique<Parts>(std::move(recipe), std::move(folder),
                                       std::move(checkpoint.tokenizer_json), options, std::move(start));
    }
    checkpoint.tensors = parts_->tensors();
    if (!readable([&] { read_checkpoint(checkpoints[i], checkpoint); })) continue;
    parts_->state = checkpoint.state;
    parts_->begin_together();
    return;
  }
}

Trainer::~Trainer() = default;

const RunState& Trainer::state() const {
  return parts_->state;
}

Ended Trainer::run() {
  MB_ASSERT(!parts_->options.only_saves);
  return parts_->run();
}

void Trainer::save_model(const std::string& folder, bool averaged, bool bf16) {
  std::optional<WeightAverage::Scope> scope;
  if (averaged) scope.emplace(parts_->average);
  SaveOptions save;
  save.dtype = bf16 ? tensor::DType::kBF16 : tensor::DType::kF32;
  save.coordinate_bias = parts_->recipe.coordinate_bias;
  if (!parts_->origin.licence.empty()) save.metadata["license"] = parts_->origin.licence;
  save_twin(parts_->twin, parts_->tokenizer_json, folder, save);
}

bool Trainer::has_adapter() const {
  return parts_->recipe.lora.rank > 0;
}

void Trainer::save_adapter(const std::string& path, bool averaged, bool bf16) {
  std::optional<WeightAverage::Scope> scope;
  if (averaged) scope.emplace(parts_->average);
  save_lora(parts_->twin, parts_->origin.base, path, bf16 ? tensor::DType::kBF16 : tensor::DType::kF32);
}

Ended Trainer::Parts::run() {
  if (ranks.first()) log.emplace(folder.file("log.jsonl"), state.step);
  const double start = monotonic_seconds();
  const std::int64_t first = state.step;
  const auto must_stop = [&] {
    return ranks.any((options.stop && options.stop()) ||
                     (options.steps > 0 && state.step - first >= options.steps) ||
                     (options.minutes > 0 && monotonic_seconds() - start >= 60 * options.minutes));
  };
  if (state.step == 0) write();  // so that a run can be resumed from its first second on
  for (; state.stage < static_cast<int>(recipe.stages.size());) {
    begin_stage();
    while (!stage_is_over()) {
      if (must_stop()) {
        feed.reset();
        finish_log_line();
        write();
        ranks.wait_for_all();  // a launcher may end all ranks when the first one is gone
        progress.say(base::cat("stopped at step ", state.step, "; --resume ", folder.path(), " goes on"));
        return Ended::kStopped;
      }
      one_step();
    }
    feed.reset();
    finish_log_line();
    RunState next = state;
    ++next.stage;
    next.stage_step = 0, next.stage_seconds = 0, next.widened = 0, next.mixed_from = -1;
    state = next;
    write();
  }
  ranks.wait_for_all();
  return Ended::kFinished;
}

void Trainer::Parts::begin_stage() {
  set_trained(optimiser.parameters(), stage().trains);
  usual_seconds = 0;
  feed.reset();
}

void Trainer::Parts::one_step() {
  if (mixes_now(stage(), state)) {
    state.mixed_from = state.stage_step;
    feed.reset();
  }
  if (!feed) {
    feed = std::make_unique<OrderedFeed<Batch>>(
        [this, from = state, step_stage = &stage(), wide = classes()](std::uint64_t ahead) {
          return make_batch(sources, *step_stage, wide, data::Split::kTrain,
                            part_of(plan_step(*step_stage, from, ahead), ranks.rank(), ranks.size()));
        },
        options.feeders, kAhead);
  }
  const double start = monotonic_seconds();
  const StepPlan plan = plan_step(stage(), state, 0);
  const double share = progress_of(stage(), state);
  Measures measures;
  const Batch batch = feed->next();
  ObjectiveOptions objective_at = objective_options(stage(), config, share);
  objective_at.shares = agree_on_shares(ranks, batch, objective_at.dense);
  forward_and_backward(batch.to(twin->device()), objective_at, measures);
  for (const auto& [name, value] : measures) {
    if (!std::isfinite(value)) fail_step(plan, base::cat(name, " is ", value));
  }
  sum_gradients(ranks, optimiser.parameters());
  const double norm = optimiser.clip();
  if (!std::isfinite(norm)) fail_step(plan, "a gradient is not finite");
  optimiser.step(rates_at(stage(), state.stage_step, share));
  optimiser.zero_gradients();
  rate = rate_at(stage(), state.stage_step, share);
  average.update();
  state.average_updates = average.updates();
  double seconds = monotonic_seconds() - start;
  ranks.from_first(seconds);
  after_step(plan, seconds, measures, norm);
}

void Trainer::Parts::forward_and_backward(const Batch& batch, const ObjectiveOptions& objective_at,
                                          Measures& measures) {
  LossParts parts;
  {
    const Autocast autocast(twin->device().type(), recipe.bf16);
    parts = objective(twin, heads, batch, objective_at);
  }
  measures = measures_of(parts);
  sum_measures(ranks, measures);
  // A batch without a target, by chance: nothing to learn in this step.
  // Nor one whose targets ask only of what the stage leaves alone.
  const bool learns = parts.total.defined() && parts.total.requires_grad();
  if (learns && std::isfinite(measures.at("loss.total"))) parts.total.backward();
}

void Trainer::Parts::fail_step(const StepPlan& plan, const std::string& what) const {
  std::string where;
  for (const LearningParameter& parameter : optimiser.parameters()) {
    const Tensor gradient = parameter.tensor.grad();
    const bool bad = !torch::isfinite(parameter.tensor).all().item<bool>() ||
                     (gradient.defined() && !torch::isfinite(gradient).all().item<bool>());
    if (!bad) continue;
    where = base::cat("; first in ", parameter.name);
    break;
  }
  const std::vector<std::string> good = folder.checkpoints();
  base::fail(ErrorCode::kCorrupt, "step ", state.step + 1, " (", stage().name, ", ",
             plan.own       ? "pictures "
             : plan.windows ? "windows "
                            : "scenes ",
             plan.first, " to ", plan.first + static_cast<std::uint64_t>(plan.count) - 1, "): ", what, where,
             "; the last good checkpoint is ", good.empty() ? "none" : good.front());
}

void Trainer::Parts::after_step(const StepPlan& plan, double seconds, const Measures& measures, double norm) {
  const bool held_up = usual_seconds > 0 && seconds > kHeldUp * usual_seconds + 1;
  const double counted = held_up ? usual_seconds : seconds;
  usual_seconds = usual_seconds == 0 ? counted : 0.9 * usual_seconds + 0.1 * counted;
  advance(state, plan, counted);
  recent.add(measures);
  recent.add({{"gradient_norm", norm}});
  recent_seconds += counted;
  recent_pictures += plan.count;
  if (state.step % options.log_every == 0) write_log_line();
  if (state.step % recipe.validate_every == 0) validate();
  if (state.step % recipe.sample_every == 0) show_samples();
  if (state.step % recipe.checkpoint_every == 0) write();
}

void Trainer::Parts::write_log_line() {
  const double share = progress_of(stage(), state);
  const Measures means = recent.means();
  nlohmann::ordered_json line = {
      {"step", state.step}, {"stage", stage().name}, {"progress", share}, {"rate", rate}};
  for (const auto& [name, value] : means) {
    if (name.starts_with("loss.")) {
      line["loss"][name.substr(5)] = value;
    } else {
      line[name] = value;
    }
  }
  line["pictures_per_s"] = recent_pictures / recent_seconds;
  line["seconds"] = state.seconds;
  append_to_log(line.dump());

  ProgressView view;
  view.stage = stage().name;
  view.step = state.step;
  view.progress = share;
  view.per_second = recent_pictures / recent_seconds;
  view.unit = stage().pictures == Stage::Pictures::kScenes ? "scenes" : "pictures";
  view.measures = means;
  view.measures.erase("gradient_norm");
  if (share > 0) view.seconds_left = state.stage_seconds * (1 - share) / share;
  progress.update(view);
  recent.clear();
  recent_seconds = recent_pictures = 0;
}

void Trainer::Parts::validate() {
  Measures measures;
  {
    const WeightAverage::Scope averaged(average);
    measures = validation.measure(twin, heads, stage(), classes());
  }
  nlohmann::ordered_json values;
  for (const auto& [name, value] : measures) {
    if (name.starts_with("loss.")) {
      values["loss"][name.substr(5)] = value;
    } else {
      values[name] = value;
    }
  }
  values["classes"] = classes();
  append_to_log(nlohmann::ordered_json{{"step", state.step}, {"validation", values}}.dump());
  ProgressView view;
  view.stage = base::cat("validation, ", stage().name);
  view.step = state.step;
  view.progress = progress_of(stage(), state);
  view.measures = measures;
  progress.say(progress_line(view));

  const auto accuracy = measures.find("patch_accuracy");
  const bool more = state.widened < static_cast<int>(stage().widen.size());
  if (!more || accuracy == measures.end() || accuracy->second < stage().widen_above) return;
  ++state.widened;
  feed.reset();
  append_to_log(nlohmann::ordered_json{{"step", state.step}, {"classes", classes()}}.dump());
  progress.say(base::cat("step ", state.step, ": ", classes(), " classes from here on"));
}

void Trainer::Parts::show_samples() {
  if (!stage().asks() || !ranks.first()) return;
  const std::string path = folder.file("sample-model");
  std::filesystem::remove_all(path);
  {
    const WeightAverage::Scope averaged(average);
    save_twin(twin, tokenizer_json, path, {.coordinate_bias = recipe.coordinate_bias});
  }
  const auto turn = static_cast<std::uint64_t>(state.step / recipe.sample_every);
  const bool of_own = stage().pictures == Stage::Pictures::kOwn;
  for (const Answered& sample : of_own ? answer_own_samples(path, sources, stage(), turn)
                                       : answer_samples(path, sources, stage(), classes(), turn)) {
    append_to_log(base::cat("{\"step\":", state.step, ",\"sample\":", sample.json(), "}"));
    progress.say(base::cat("  ", sample.task, " \"", sample.prompt, "\": ", sample.answer,
                           "  (truth: ", sample.truth, ")"));
  }
  std::filesystem::remove_all(path);
}

NamedTensors Trainer::Parts::tensors() const {
  NamedTensors out;
  for (const LearningParameter& parameter : optimiser.parameters())
    out.emplace_back(parameter.name, parameter.tensor);
  // Drawn once from the seed; kept, so that a run does not depend on how they were drawn.
  for (const NamedTwinTensor& one : twin_tensors(twin)) {
    if (one.name.ends_with("_features")) out.emplace_back(one.name, one.tensor);
  }
  for (const auto& part : {average.state(), optimiser.state()})
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

void Trainer::Parts::write() {
  if (!ranks.first()) return;
  Checkpoint checkpoint{state, recipe.text, recipe.name, tokenizer_json, origin.json(), tensors()};
  write_checkpoint(folder.checkpoint(state.step), checkpoint);
  folder.remove_old(kKeptCheckpoints);
}

}  // namespace moonbeam::train
