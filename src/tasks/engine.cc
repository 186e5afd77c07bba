#include "tasks/engine.h"

#include <algorithm>

#include "tasks/prompts.h"

namespace moonbeam::tasks {

namespace {

ModelInfo describe(const model::Model& model, const kernels::KernelTable& kernels, int threads) {
  const model::ModelConfig& config = model.config;
  const model::Prompts& prompts = config.prompts;
  ModelInfo info;
  info.name = model.name;
  info.path = model.path;
  info.variant = config.variant;
  info.dtype = model.dtype;
  info.mode = std::string(mode_name(model.mode));
  info.mode_reason = model.mode_reason;
  info.adapter = model.adapter_path;
  info.isa = std::string(kernels.isa);
  info.threads = threads;
  info.parameters = model.parameters;
  info.weight_bytes = model.weight_bytes;
  info.image_tokens = config.vision.image_tokens();
  info.max_context = config.text.max_context;
  info.can_detect = model.region.has_value() && prompts.detect.has_value() && prompts.point.has_value();
  info.can_reason =
      prompts.reasoning && prompts.thinking >= 0 && prompts.answer >= 0 && prompts.query.has_value();
  info.can_gaze = model.region.has_value() && prompts.gaze;
  info.plain_prompt = !prompts.text_query.empty();
  info.caption_lengths = caption_lengths(prompts);
  info.notes = model.notes;
  info.warnings = model.warnings;
  return info;
}

}  // namespace

// Control tokens stay empty, their spelling is no text; so do rows of the lm_head without a token.
std::shared_ptr<const grammar::Vocabulary> LazyVocabulary::get(const model::ModelConfig& config,
                                                               const text::Tokenizer& tokenizer) {
  std::call_once(once_, [&] {
    const model::Prompts& p = config.prompts;
    const int control[] = {p.bos, p.eos, p.answer, p.thinking, p.coord, p.size, p.start_ground, p.end_ground};
    const int count = std::min(tokenizer.token_count(), config.text.vocab_size);
    std::vector<std::string> tokens(static_cast<std::size_t>(count));
    for (int id = 0; id < count; ++id) {
      if (tokenizer.is_special(id) ||
          std::find(std::begin(control), std::end(control), id) != std::end(control))
        continue;
      tokens[static_cast<std::size_t>(id)] = tokenizer.token_bytes(id);
    }
    made_ = std::make_shared<const grammar::Vocabulary>(std::move(tokens));
  });
  return made_;
}

std::shared_ptr<const Engine> make_engine(std::shared_ptr<const model::Model> model,
                                          const LoadOptions& options) {
  const kernels::KernelTable& table = kernels::kernels(options.isa);
  auto pool = std::make_unique<base::ThreadPool>(base::choose_threads(options.threads));
  const text::TextConfig& text = model->config.text;
  ModelInfo info = describe(*model, table, pool->threads());
  text::Tokenizer tokenizer(model->tokenizer);
  text::RopeTable rope(text.rope_dims, text.rope_theta, text.max_context);
  const auto precision = model->mode == Mode::kF32 ? ops::Precision::kF32 : ops::Precision::kBF16;
  return std::make_shared<Engine>(Engine{.model = std::move(model),
                                         .kernels = &table,
                                         .pool = std::move(pool),
                                         .tokenizer = std::move(tokenizer),
                                         .rope = std::move(rope),
                                         .info = std::move(info),
                                         .precision = precision});
}

std::shared_ptr<const Engine> open_engine(const std::string& model, const LoadOptions& options) {
  // A wrong name of an instruction set or a wrong count of threads is told before gigabytes are read.
  kernels::kernels(options.isa);
  base::choose_threads(options.threads);
  model::LoadRequest request{.path = model,
                             .variant = options.variant,
                             .mode = options.mode,
                             .mmap = options.mmap,
                             .adapter = options.adapter,
                             .check_memory = options.check_memory,
                             .threads = options.threads,
                             .progress = {}};
  if (options.progress) {
    request.progress = [&](int done, int total) {
      return options.progress({Progress::Stage::kLoad, done, total});
    };
  }
  return make_engine(model::load(request), options);
}

}  // namespace moonbeam::tasks
