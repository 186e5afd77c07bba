#include "cli/local_answerer.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <span>

namespace moonbeam::cli {

namespace {

void fill(TextOptions& options, const Ask& ask) {
  options.sampling = ask.sampling;
  options.max_tokens = ask.max_tokens;
  options.on_text = ask.on_text;
  options.progress = ask.progress;
}

CaptionLength length_of(const std::string& name) {
  return name == "short"  ? CaptionLength::kShort
         : name == "long" ? CaptionLength::kLong
                          : CaptionLength::kNormal;
}

void count(Metrics& metrics, const Usage& usage) {
  metrics.input_tokens = usage.prompt_tokens;
  metrics.output_tokens = usage.output_tokens;
  metrics.prefill_ms += usage.prefill_ms;
  metrics.decode_ms = usage.decode_ms;
  metrics.ttft_ms = metrics.encode_ms + metrics.prefill_ms;
}

}  // namespace

Abilities LocalAnswerer::abilities() {
  const ModelInfo& info = model_.info();
  return {info.name, info.can_detect, info.can_reason, info.caption_lengths};
}

const EncodedImage& LocalAnswerer::encode(const std::string& picture, const Ask& ask) {
  if (encoded_ && last_ == picture && last_turned_ == ask.orientation) return *encoded_;
  encoded_.reset();
  const Image image = decode_image(std::as_bytes(std::span(picture.data(), picture.size())),
                                   {.apply_orientation = ask.orientation}, "the picture");
  encoded_ = model_.encode_image(image, ask.progress);
  last_ = picture;
  last_turned_ = ask.orientation;
  return *encoded_;
}

Answer LocalAnswerer::ask(const std::string& picture, const Ask& ask) {
  Answer answer;
  answer.prompt = ask.prompt;
  if (picture.empty()) {
    QueryOptions options;
    fill(options, ask);
    options.reasoning = ask.reasoning;
    QueryResult result = model_.query(ask.prompt, options);
    answer.text = std::move(result.answer);
    answer.reasoning = std::move(result.reasoning);
    answer.finish = result.finish;
    count(answer.metrics, result.usage);
    return answer;
  }
  const bool known = encoded_ && last_ == picture && last_turned_ == ask.orientation;
  const EncodedImage& image = encode(picture, ask);
  if (!known) answer.metrics.encode_ms = image.encode_ms(), answer.metrics.prefill_ms = image.prefill_ms();
  Usage usage;
  if (ask.task == Task::kCaption) {
    CaptionOptions options;
    fill(options, ask);
    options.length = length_of(ask.length);
    CaptionResult result = model_.caption(image, options);
    answer.text = std::move(result.caption);
    answer.finish = result.finish;
    usage = result.usage;
  } else if (ask.task == Task::kQuery) {
    QueryOptions options;
    fill(options, ask);
    options.reasoning = ask.reasoning;
    options.spatial_refs = ask.refs;
    QueryResult result = model_.query(image, ask.prompt, options);
    answer.text = std::move(result.answer);
    answer.reasoning = std::move(result.reasoning);
    answer.finish = result.finish;
    usage = result.usage;
  } else {
    const ObjectOptions options{
        .max_objects = ask.max_objects, .clamp = ask.clamp, .progress = ask.progress, .usage = &usage};
    if (ask.task == Task::kDetect) {
      answer.boxes = model_.detect(image, ask.prompt, options);
    } else {
      answer.points = model_.point(image, ask.prompt, options);
    }
    const std::size_t found = answer.boxes.size() + answer.points.size();
    if (found >= static_cast<std::size_t>(ask.max_objects)) answer.finish = Finish::kLength;
  }
  count(answer.metrics, usage);
  return answer;
}

}  // namespace moonbeam::cli
