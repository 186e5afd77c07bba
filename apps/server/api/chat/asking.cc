#include "server/api/chat/asking.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <moonbeam/error.h>

#include "server/api/chat/contact_sheet.h"
#include "server/api/error.h"
#include "server/api/options.h"
#include "server/api/result_json.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

constexpr std::size_t kMaxObject = 512, kMaxStop = 1024;
constexpr std::size_t kMaxTiles = 16;
constexpr std::size_t kMaxSchemaValues = 4096;  // a name is looked for among all of its object

std::size_t count_of(const JsonIn& value) {
  std::size_t count = 1;
  for (const JsonIn& item : value.items) count += count_of(item);
  for (const auto& [name, member] : value.members) count += count_of(member);
  return count;
}

Skill::Kind skill_kind(const Members& skill) {
  const auto name = skill.string("skill");
  if (!name) fail_missing(skill.full_name("skill"));
  if (*name == "query") return Skill::Kind::kQuery;
  if (*name == "caption") return Skill::Kind::kCaption;
  if (*name == "detect") return Skill::Kind::kDetect;
  if (*name == "point") return Skill::Kind::kPoint;
  skill.fail("skill", "\"query\", \"caption\", \"detect\" or \"point\"");
}

std::string checked_object(std::string_view object, const std::string& field) {
  if (is_blank(object)) fail_value(field, "text", "\"" + printable(object) + "\"");
  if (object.size() > kMaxObject)
    fail_value(field, "at most " + std::to_string(kMaxObject) + " bytes", std::to_string(object.size()));
  return std::string(object);
}

Picture tiled(const std::vector<PictureAt>& pictures, const PictureLimits& limits) {
  if (pictures.size() > kMaxTiles)
    throw Refusal(400, "invalid_value",
                  pictures.front().field + ": expected at most " + std::to_string(kMaxTiles) +
                      " pictures in a turn, got " + std::to_string(pictures.size()),
                  pictures.front().field);
  // Together they may be as large as one.
  PictureLimits left = limits;
  std::vector<Image> images;
  double decode_ms = 0;
  for (const PictureAt& at : pictures) {
    Picture picture = picture_from_uri(at.uri, at.field, left);
    left.max_pixels -= picture.pixels();
    decode_ms += picture.decode_ms;
    images.push_back(std::move(picture.image));
  }
  return {contact_sheet(images), decode_ms};
}

std::optional<Picture> read_pictures(const std::vector<PictureAt>& pictures, const Service& service,
                                     std::vector<std::string>& warnings) {
  if (pictures.empty()) return std::nullopt;
  const PictureLimits& limits = service.options().pictures;
  const PictureAt& last = pictures.back();
  if (pictures.size() == 1) return picture_from_uri(last.uri, last.field, limits);
  const std::string count = std::to_string(pictures.size());
  switch (service.options().multi_image) {
    case MultiImage::kReject:
      throw Refusal(400, "unsupported_option", last.field + ": expected one picture in a turn, got " + count,
                    last.field);
    case MultiImage::kTile:
      return tiled(pictures, limits);
    case MultiImage::kLast:
      break;
  }
  warnings.push_back("of " + count + " pictures the last was asked about: this model takes one");
  return picture_from_uri(last.uri, last.field, limits);
}

/// What is asked where an answer after a schema is wanted of a picture, and nothing else is said.
constexpr const char* kDescribe = "Describe this picture.";

void refuse_schema(const Skill& skill) {
  throw Refusal(
      400, "unsupported_option",
      skill.field + ": only answers to questions follow a schema; boxes and points have a form of their own",
      skill.field);
}

template <typename ObjectTask>
Task object_task(const Skill& skill, const Prompt& prompt, const std::string& field) {
  const bool named = !skill.object.empty();
  if (!named && prompt.last.empty()) fail_missing(skill.field + ".object");
  ObjectTask out{named ? skill.object : checked_object(prompt.last, field), {}};
  out.options.max_objects = skill.max_objects;
  out.options.clamp = true;
  return out;
}

/// Where a caller wants less than the model's context, the answer gets what the question leaves of it.
void limit_tokens(const Prompt& prompt, const Service& service, Wish& wish) {
  constexpr int kTemplate = 8;  // BOS and what stands round a question
  const ModelInfo& info = service.model().info();
  if (wish.context >= info.max_context) return;
  const int taken = (prompt.pictures.empty() ? 0 : info.image_tokens) + kTemplate +
                    static_cast<int>(service.model().encode(prompt.question).size());
  wish.options.max_tokens = std::clamp(wish.context - taken, 1, wish.options.max_tokens);
}

Task task_of(Prompt& prompt, Wish& wish) {
  const Skill& skill = wish.skill;
  const bool schema = wish.options.schema.has_value();
  if (schema && skill.kind != Skill::Kind::kChat && skill.kind != Skill::Kind::kQuery) refuse_schema(skill);
  switch (skill.kind) {
    case Skill::Kind::kDetect:
      return object_task<DetectTask>(skill, prompt, wish.field);
    case Skill::Kind::kPoint:
      return object_task<PointTask>(skill, prompt, wish.field);
    case Skill::Kind::kQuery:
      if (prompt.question.empty())
        throw Refusal(400, "missing_field", wish.field + ": expected a question, got no text", wish.field);
      break;
    case Skill::Kind::kChat:
      if (!prompt.question.empty()) break;
      if (prompt.pictures.empty())
        throw Refusal(400, "missing_field", wish.field + ": expected text or a picture, got neither",
                      wish.field);
      if (schema) {
        prompt.question = kDescribe;
        break;
      }
      [[fallthrough]];
    case Skill::Kind::kCaption:
      return CaptionTask{{static_cast<const TextOptions&>(wish.options), skill.length}};
  }
  return QueryTask{std::move(prompt.question), std::move(wish.options)};
}

}  // namespace

Skill read_skill(const Members& members, const Service& service, std::vector<std::string>& warnings) {
  Skill out{.max_objects = service.options().max_objects, .field = members.full_name("moondream")};
  const auto skill = members.object("moondream");
  if (!skill) return out;
  out.kind = skill_kind(*skill);
  if (const auto object = skill->string("object"))
    out.object = checked_object(*object, skill->full_name("object"));
  if (const auto length = skill->string("length"))
    out.length = caption_length(*length, skill->full_name("length"), service, warnings);
  out.max_objects = skill->count("max_objects", 1, kMaxObjects).value_or(out.max_objects);
  return out;
}

void read_sampling(const Members& members, const Service& service, double temperature, SamplingOptions& out) {
  out.temperature = members.number("temperature").value_or(temperature);
  if (out.temperature < 0) members.fail("temperature", "at least 0");
  out.top_p = members.number("top_p").value_or(service.options().top_p);
  if (!(out.top_p > 0 && out.top_p <= 1)) members.fail("top_p", "more than 0 and at most 1");
  const auto seed = members.integer("seed");
  out.seed = seed ? *seed : fresh_seed();
}

std::vector<std::string> read_stop(const Members& members, std::size_t most) {
  std::vector<std::string> out;
  const JsonIn* stop = members.find("stop");
  if (stop == nullptr) return out;
  const auto add = [&](const JsonIn& value) {
    if (!value.is(Kind::kString)) members.fail("stop", "a string or an array of strings");
    if (value.text.empty()) fail_value(members.full_name("stop"), "strings that are not empty", "\"\"");
    if (value.text.size() > kMaxStop) members.fail("stop", "at most " + std::to_string(kMaxStop) + " bytes");
    out.emplace_back(value.text);
  };
  if (!stop->is(Kind::kArray)) {
    add(*stop);
    return out;
  }
  if (stop->items.size() > most)
    fail_value(members.full_name("stop"), "at most " + std::to_string(most) + " strings",
               std::to_string(stop->items.size()));
  for (const JsonIn& item : stop->items) add(item);
  return out;
}

ResponseSchema schema_of(const JsonIn& schema, const std::string& field) {
  if (count_of(schema) > kMaxSchemaValues)
    throw Refusal(400, "invalid_value",
                  field + ": expected a schema of at most " + std::to_string(kMaxSchemaValues) + " values",
                  field);
  try {
    return ResponseSchema::parse(text_of_json(schema));
  } catch (const Error& error) {
    const char* code = error.code() == ErrorCode::kUnsupported ? "unsupported_option" : "invalid_value";
    throw Refusal(400, code, field + ": " + error.what(), field);
  }
}

Asked asked_of(std::vector<Turn> turns, Wish wish, const Service& service,
               std::vector<std::string>& warnings) {
  Prompt prompt = flatten(std::move(turns), service, wish.context,
                          std::min(wish.options.max_tokens, wish.context / 4), warnings);
  limit_tokens(prompt, service, wish);
  const std::vector<PictureAt> pictures = prompt.pictures;
  Asked out{.task = task_of(prompt, wish), .timeout_seconds = wish.timeout_seconds};
  if (pictures.empty() && !std::holds_alternative<QueryTask>(out.task))
    throw Refusal(400, "missing_field", wish.field + ": this needs a picture", wish.field);
  out.picture = read_pictures(pictures, service, warnings);
  return out;
}

void set_callbacks(Task& task, TextFn on_text, TextFn on_reasoning) {
  if (auto* caption = std::get_if<CaptionTask>(&task)) caption->options.on_text = std::move(on_text);
  if (auto* query = std::get_if<QueryTask>(&task)) {
    query->options.on_text = std::move(on_text);
    query->options.on_reasoning = std::move(on_reasoning);
  }
}

std::string content_of(const decltype(Outcome::result)& result) {
  if (const auto* caption = std::get_if<CaptionResult>(&result)) return caption->caption;
  if (const auto* query = std::get_if<QueryResult>(&result)) return query->answer;
  return json_text(result_json(result));
}

const Reasoning* reasoning_of(const decltype(Outcome::result)& result) {
  const auto* query = std::get_if<QueryResult>(&result);
  return query != nullptr && query->reasoning ? &*query->reasoning : nullptr;
}

bool is_text(const decltype(Outcome::result)& result) {
  return std::holds_alternative<CaptionResult>(result) || std::holds_alternative<QueryResult>(result);
}

}  // namespace moonbeam::server
