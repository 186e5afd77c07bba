// The public Model and EncodedImage: a prompt and a decode loop for each task.
#include <moonbeam/model.h>

#include <algorithm>

#include "base/error.h"
#include "base/machine.h"
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
bool prefill(Runner& runner, Sequence& sequence, std::span<const Token> prompt, const ProgressFn& progress,
             Usage* usage) {
  const double start = base::now_ms();
  tasks::LayerFn on_layer;
  if (progress) {
    on_layer = [&](int done, int total) { return progress({Progress::Stage::kPrefill, done, total}); };
  }
  const bool finished = runner.advance(sequence, prompt, true, on_layer);
  if (usage != nullptr) {
    usage->prompt_tokens = sequence.cache.size();
    usage->prefill_ms += base::now_ms() - start;
  }
  return finished;
}

void count(const tasks::GeneratedText& text, Usage& usage) {
  usage.output_tokens += static_cast<int>(text.ids.size());
  usage.decode_ms += text.decode_ms;
}

QueryResult answer(const Engine& engine, Sequence sequence, std::span<const Token> prompt,
                   const QueryOptions& options) {
  Runner runner(engine);
  QueryResult result;
  if (!prefill(runner, sequence, prompt, options.progress, &result.usage)) {
    result.finish = Finish::kStopped;
    return result;
  }
  if (options.reasoning) {
    const double start = base::now_ms();
    tasks::GeneratedReasoning thought = tasks::generate_reasoning(runner, sequence, options);
    result.usage.output_tokens += static_cast<int>(thought.ids.size() + thought.bins.size());
    result.usage.decode_ms += base::now_ms() - start;
    result.reasoning = std::move(thought.reasoning);
    const std::vector<Token> rest = tasks::answer_prompt(engine);
    if (thought.stopped || tasks::room(engine, sequence) < static_cast<int>(rest.size())) {
      result.finish = thought.stopped ? Finish::kStopped : Finish::kLength;
      return result;
    }
    const int prompt_tokens = result.usage.prompt_tokens;
    const bool finished = prefill(runner, sequence, rest, options.progress, &result.usage);
    result.usage.prompt_tokens = prompt_tokens + static_cast<int>(rest.size());
    if (!finished) {
      result.finish = Finish::kStopped;
      return result;
    }
  }
  const tasks::GeneratedText text = tasks::generate_text(runner, sequence, options);
  result.answer = text.text;
  result.finish = text.finish;
  count(text, result.usage);
  return result;
}

std::vector<tasks::DecodedObject> objects(const Engine& engine, const EncodedImage& image,
                                          std::span<const Token> prompt, bool with_size,
                                          const ObjectOptions& options) {
  if (options.max_objects < 0) {
    base::fail(ErrorCode::kInvalidArgument, "max_objects: expected at least 0, got ", options.max_objects);
  }
  Runner runner(engine);
  Sequence sequence = tasks::continue_image(engine, image.impl());
  Usage usage;
  std::vector<tasks::DecodedObject> found;
  if (prefill(runner, sequence, prompt, options.progress, &usage)) {
    const double start = base::now_ms();
    found = tasks::decode_objects(
        runner, sequence, with_size, options.max_objects, options.progress, {},
        options.only_objects ? tasks::ObjectStart::kCoordOnly : tasks::ObjectStart::kAnyToken);
    usage.decode_ms = base::now_ms() - start;
    // x, y and, as one token, width and height.
    usage.output_tokens = static_cast<int>(found.size()) * (with_size ? 3 : 2);
  }
  if (options.usage != nullptr) *options.usage = usage;
  return found;
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
    if (!prefill(runner, sequence, prompt, options.progress, &result.usage)) {
      result.finish = Finish::kStopped;
      return result;
    }
    const tasks::GeneratedText text = tasks::generate_text(runner, sequence, options);
    result.caption = text.text;
    result.finish = text.finish;
    count(text, result.usage);
    return result;
  });
}

QueryResult Model::query(const EncodedImage& image, std::string_view question,
                         const QueryOptions& options) const {
  return tasks::or_exhausted([&]() -> QueryResult {
    const Engine& engine = *impl_->engine;
    const std::vector<Token> prompt =
        tasks::query_prompt(engine, question, options.spatial_refs, options.reasoning);
    return answer(engine, tasks::continue_image(engine, image.impl()), prompt, options);
  });
}

QueryResult Model::query(std::string_view question, const QueryOptions& options) const {
  return tasks::or_exhausted([&]() -> QueryResult {
    const Engine& engine = *impl_->engine;
    if (!options.spatial_refs.empty()) {
      base::fail(ErrorCode::kInvalidArgument, "query: spatial references need a picture");
    }
    std::vector<Token> prompt{tasks::TextToken{engine.prompts().bos}};
    const std::vector<Token> rest = tasks::query_prompt(engine, question, {}, options.reasoning);
    prompt.insert(prompt.end(), rest.begin(), rest.end());
    return answer(engine, tasks::new_sequence(engine), prompt, options);
  });
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
    if (!prefill(runner, sequence, prompt, options.progress, nullptr)) return std::nullopt;
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
