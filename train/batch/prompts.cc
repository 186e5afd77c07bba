#include "train/batch/prompts.h"

#include <optional>
#include <string>

#include "base/error.h"

namespace moonbeam::train {

using base::fail;

namespace {

void append(std::vector<int>& to, const std::vector<int>& ids) {
  to.insert(to.end(), ids.begin(), ids.end());
}

void check_text(std::string_view what, std::string_view text) {
  if (text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos) {
    fail(ErrorCode::kInvalidArgument, what, ": expected text, got an empty one");
  }
}

std::vector<int> object_prompt(const PromptWriter& writer, std::string_view task, std::string_view object,
                               const std::optional<model::Template>& prompt) {
  check_text(task, object);
  if (!prompt) fail(ErrorCode::kUnsupported, "the model has no prompt for ", task);
  std::vector<int> out = prompt->prefix;
  append(out, writer.tokenizer.encode(writer.prompts.object_space + std::string(object), false));
  append(out, prompt->suffix);
  return out;
}

}  // namespace

std::vector<int> PromptWriter::caption(CaptionLength length) const {
  const auto i = static_cast<std::size_t>(length);
  if (prompts.caption[i]) return *prompts.caption[i];
  if (!prompts.text_caption[i].empty()) return tokenizer.encode(prompts.text_caption[i], false);
  fail(ErrorCode::kUnsupported, "the model has no prompt for captions of length ", i, " (0 short .. 2 long)");
}

std::vector<int> PromptWriter::query(std::string_view question) const {
  check_text("query", question);
  if (!prompts.text_query.empty()) {
    std::string text = prompts.text_query;
    text.replace(text.find("{q}"), 3, question);
    return tokenizer.encode(text, false);
  }
  if (!prompts.query) fail(ErrorCode::kUnsupported, "the model has no prompt for questions");
  std::vector<int> out = prompts.query->prefix;
  append(out, tokenizer.encode(prompts.question_space + std::string(question), false));
  for (int i = 0; i < prompts.query_suffix_count; ++i) append(out, prompts.query->suffix);
  return out;
}

std::vector<int> PromptWriter::detect(std::string_view object) const {
  return object_prompt(*this, "detect", object, prompts.detect);
}

std::vector<int> PromptWriter::point(std::string_view object) const {
  return object_prompt(*this, "point", object, prompts.point);
}

model::Prompts own_prompts(const text::Tokenizer& tokenizer) {
  const auto task = [&](std::string_view word) {
    std::vector<int> ids{1};
    append(ids, tokenizer.encode(word, false));
    ids.push_back(2);
    return ids;
  };
  model::Prompts out;
  out.bos = out.eos = 0;
  out.answer = 3, out.thinking = 4, out.coord = 5, out.size = 6, out.start_ground = 7, out.end_ground = 9;
  constexpr std::string_view kLengths[] = {"short", "normal", "long"};
  for (std::size_t i = 0; i < std::size(kLengths); ++i) {
    std::vector<int> ids = task("caption");
    append(ids, tokenizer.encode(kLengths[i], false));
    ids.push_back(3);
    out.caption[i] = std::move(ids);
  }
  out.query = model::Template{task("query"), {3}};
  out.detect = model::Template{task("detect"), {3}};
  out.point = model::Template{task("point"), {3}};
  out.query_suffix_count = 1;
  out.json_with_keys.clear();  // questions of ours never ask for JSON
  out.json_plain.clear();
  out.reasoning = false;
  out.suppress_answer = true;
  return out;
}

}  // namespace moonbeam::train
