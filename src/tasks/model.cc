// The public Model and EncodedImage: a prompt and a decode loop for each task.
#include <moonbeam/model.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/machine.h"
#include "tasks/answer.h"
#include "tasks/batch.h"
#include "tasks/engine.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/objects.h"
#include "tasks/out_of_memory.h"
#include "tasks/prompts.h"

namespace moonbeam {

namespace {

using tasks::Engine;
using tasks::Runner;
using tasks::Sequence;
using tasks::Token;

/// Prefill of what follows the image prefix. False if the caller stopped it.
bool prefill(Runner& runner, Sequence& sequence, std::span<const Token> prompt, bool logits,
             const ProgressFn& progress, Usage* usage) {
  const double start = base::now_ms();
  tasks::LayerFn on_layer;
  if (progress) {
    on_layer = [&](int done, int total) { return progress({Progress::Stage::kPrefill, done, total}); };
  }
  const bool finished = runner.advance(sequence, prompt, logits, on_layer);
  if (usage != nullptr) {
    usage->prompt_tokens += sequence.cache.size();
    usage->prefill_ms += base::now_ms() - start;
  }
  return finished;
}

QueryResult answer(const Engine& engine, Sequence sequence, std::span<const Token> prompt,
                   const QueryOptions& options) {
  Runner runner(engine);
  tasks::AnswerGeneration generation(engine, options);
  QueryResult& result = generation.result();
  if (prefill(runner, sequence, prompt, true, options.progress, &result.usage)) {
    tasks::run(generation, runner, sequence);
  } else {
    result.finish = Finish::kStopped;
  }
  return std::move(result);
}

std::vector<tasks::DecodedObject> objects(const Engine& engine, const EncodedImage& image,
                                          std::span<const Token> prompt, bool with_size,
                                          const ObjectOptions& options) {
  tasks::check(options);
  Runner runner(engine);
  Sequence sequence = tasks::continue_image(engine, image.impl());
  Usage usage;
  tasks::ObjectGeneration generation(engine, with_size, options.max_objects, options.progress, {},
                                     tasks::object_start(options));
  std::vector<tasks::DecodedObject>& found = generation.result();
  if (prefill(runner, sequence, prompt, generation.reads_prompt_logits(), options.progress, &usage)) {
    const double start = base::now_ms();
    tasks::run(generation, runner, sequence);
    usage.decode_ms = base::now_ms() - start;
    usage.output_tokens = tasks::object_tokens(found.size(), with_size);
  }
  if (options.usage != nullptr) *options.usage = usage;
  return std::move(found);
}

}  // namespace

Model Model::load(const std::string& model, const LoadOptions& options) {
  return tasks::or_exhausted(
      [&]() -> Model { return Model(std::make_shared<Impl>(Impl{tasks::open_engine(model, options)})); });
}

const ModelInfo& Model::info() const noexcept {
  return impl_->engine->info;
}

EncodedImage Model::encode_image(const Image& image, const ProgressFn& progress) const {
  return tasks::or_exhausted(
      [&]() -> EncodedImage { return EncodedImage(tasks::encode_image(impl_->engine, image, progress)); });
}

CaptionResult Model::caption(const EncodedImage& image, const CaptionOptions& options) const {
  return tasks::or_exhausted([&]() -> CaptionResult {
    const Engine& engine = *impl_->engine;
    const std::vector<Token> prompt = tasks::caption_prompt(engine, options.length);
    Runner runner(engine);
    Sequence sequence = tasks::continue_image(engine, image.impl());
    CaptionResult result;
    tasks::TextGeneration generation(engine, options);
    if (!prefill(runner, sequence, prompt, true, options.progress, &result.usage)) {
      result.finish = Finish::kStopped;
      return result;
    }
    tasks::run(generation, runner, sequence);
    tasks::GeneratedText& text = generation.result();
    result.caption = std::move(text.text);
    result.finish = text.finish;
    result.usage.output_tokens = static_cast<int>(text.ids.size());
    result.usage.decode_ms = text.decode_ms;
    return result;
  });
}

QueryResult Model::query(const EncodedImage& image, std::string_view question,
                         const QueryOptions& options) const {
  return tasks::or_exhausted([&]() -> QueryResult {
    const Engine& engine = *impl_->engine;
    const std::vector<Token> prompt = tasks::query_prompt(engine, question, options);
    return answer(engine, tasks::continue_image(engine, image.impl()), prompt, options);
  });
}

QueryResult Model::query(std::string_view question, const QueryOptions& options) const {
  return tasks::or_exhausted([&]() -> QueryResult {
    const Engine& engine = *impl_->engine;
    const std::vector<Token> prompt = tasks::text_query_prompt(engine, question, options);
    return answer(engine, tasks::new_sequence(engine), prompt, options);
  });
}

std::vector<QueryResult> Model::query_all(const std::vector<Question>& questions) const {
  return tasks::or_exhausted([&]() -> std::vector<QueryResult> {
    const std::shared_ptr<const Engine>& engine = impl_->engine;
    tasks::Batch batch(engine);
    std::vector<QueryResult> results(questions.size());
    std::exception_ptr error;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto& [image, question, options] = questions[i];
      auto generation = std::make_unique<tasks::AnswerGeneration>(*engine, options);
      auto done = [&error, &result = results[i], &answer = generation->result()](const tasks::Ended& ended) {
        if (ended.error && !error) error = ended.error;
        result = std::move(answer);
        result.usage.prompt_tokens += ended.prompt_tokens;
        result.usage.prefill_ms += ended.prefill_ms;
        if (ended.stopped) result.finish = Finish::kStopped;
      };
      batch.add(tasks::continue_image(*engine, image.impl()),
                {.prompt = tasks::query_prompt(*engine, question, options),
                 .generation = std::move(generation),
                 .progress = options.progress,
                 .done = std::move(done)});
    }
    while (batch.step() && !error) {
    }
    if (error) std::rethrow_exception(error);
    return results;
  });
}

std::vector<QueryResult> Model::query_all(const EncodedImage& image,
                                          const std::vector<std::string>& questions,
                                          const QueryOptions& options) const {
  std::vector<Question> all;
  for (const std::string& question : questions) all.push_back({image, question, options});
  return query_all(all);
}

std::vector<Box> Model::detect(const EncodedImage& image, std::string_view object,
                               const ObjectOptions& options) const {
  return tasks::or_exhausted([&]() -> std::vector<Box> {
    const Engine& engine = *impl_->engine;
    std::vector<Box> boxes;
    for (const auto& decoded : objects(engine, image, tasks::detect_prompt(engine, object), true, options)) {
      const Box box = tasks::to_box(decoded);
      boxes.push_back(options.clamp ? clamp(box) : box);
    }
    return boxes;
  });
}

std::vector<Point> Model::point(const EncodedImage& image, std::string_view object,
                                const ObjectOptions& options) const {
  return tasks::or_exhausted([&]() -> std::vector<Point> {
    const Engine& engine = *impl_->engine;
    std::vector<Point> points;
    for (const auto& decoded : objects(engine, image, tasks::point_prompt(engine, object), false, options)) {
      const Point point = tasks::to_point(decoded);
      points.push_back(options.clamp ? clamp(point) : point);
    }
    return points;
  });
}

std::optional<Point> Model::detect_gaze(const EncodedImage& image, Point eye,
                                        const GazeOptions& options) const {
  return tasks::or_exhausted([&]() -> std::optional<Point> {
    const Engine& engine = *impl_->engine;
    const std::vector<Token> prompt = tasks::gaze_prompt(engine, eye);
    Runner runner(engine);
    Sequence sequence = tasks::continue_image(engine, image.impl());
    const bool logits = !options.force_detect;  // else only hidden is read
    if (!prefill(runner, sequence, prompt, logits, options.progress, nullptr)) return std::nullopt;
    if (options.force_detect) return tasks::to_point(tasks::decode_point(runner, sequence));
    const auto found = tasks::decode_objects(runner, sequence, false, 1, options.progress);
    if (found.empty()) return std::nullopt;
    return tasks::to_point(found.front());
  });
}

std::string Model::decode(const std::vector<int>& ids) const {
  return impl_->engine->tokenizer.decode(ids, true);
}

std::vector<int> Model::encode(std::string_view text, bool parse_special) const {
  return impl_->engine->tokenizer.encode(text, parse_special);
}

int EncodedImage::height() const noexcept {
  return impl_->height;
}
int EncodedImage::width() const noexcept {
  return impl_->width;
}
int EncodedImage::crops() const noexcept {
  return impl_->crops;
}
int EncodedImage::prefix_tokens() const noexcept {
  return impl_->prefix.size();
}
std::size_t EncodedImage::bytes() const noexcept {
  return impl_->prefix.bytes();
}
double EncodedImage::encode_ms() const noexcept {
  return impl_->encode_ms;
}
double EncodedImage::prefill_ms() const noexcept {
  return impl_->prefill_ms;
}

Box clamp(Box box) noexcept {
  const auto unit = [](double value) { return std::clamp(value, 0.0, 1.0); };
  return {unit(box.x_min), unit(box.y_min), unit(box.x_max), unit(box.y_max)};
}

Point clamp(Point point) noexcept {
  return {std::clamp(point.x, 0.0, 1.0), std::clamp(point.y, 0.0, 1.0)};
}

}  // namespace moonbeam
