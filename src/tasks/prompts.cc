#include "tasks/prompts.h"

#include <cmath>
#include <string>

#include "base/error.h"
#include "grammar/response_schema.h"

namespace moonbeam::tasks {

namespace {

constexpr CaptionLength kLengths[] = {CaptionLength::kShort, CaptionLength::kNormal, CaptionLength::kLong};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

[[noreturn]] void fail_unsupported(const Engine& engine, std::string_view what) {
  base::fail(ErrorCode::kUnsupported, engine.info.name, " (", engine.config().variant, ") ", what);
}

void append_text(const Engine& engine, std::string_view text, std::vector<Token>& out) {
  append(out, engine.tokenizer.encode(text, false));
}

bool in_unit(double value) {
  return std::isfinite(value) && value >= 0 && value <= 1;
}

// A point takes two positions, a box three: centre x, centre y, size.
void append_ref(const SpatialRef& ref, std::vector<Token>& out) {
  if (ref.point.has_value() == ref.box.has_value()) {
    base::fail(ErrorCode::kInvalidArgument, "spatial reference: expected a point or a box");
  }
  if (ref.point) {
    if (!in_unit(ref.point->x) || !in_unit(ref.point->y)) {
      base::fail(ErrorCode::kInvalidArgument, "spatial reference: expected a point in [0,1], got ",
                 ref.point->x, ",", ref.point->y);
    }
    out.emplace_back(CoordToken{static_cast<float>(ref.point->x)});
    out.emplace_back(CoordToken{static_cast<float>(ref.point->y)});
    return;
  }
  const Box& box = *ref.box;
  if (!in_unit(box.x_min) || !in_unit(box.y_min) || !in_unit(box.x_max) || !in_unit(box.y_max) ||
      box.x_min > box.x_max || box.y_min > box.y_max) {
    base::fail(ErrorCode::kInvalidArgument,
               "spatial reference: expected a box x_min,y_min,x_max,y_max in [0,1], got ", box.x_min, ",",
               box.y_min, ",", box.x_max, ",", box.y_max);
  }
  out.emplace_back(CoordToken{static_cast<float>((box.x_min + box.x_max) / 2)});
  out.emplace_back(CoordToken{static_cast<float>((box.y_min + box.y_max) / 2)});
  out.emplace_back(
      SizeToken{static_cast<float>(box.x_max - box.x_min), static_cast<float>(box.y_max - box.y_min)});
}

// A question that is to be answered after a schema.
std::string ask_for_json(const model::Prompts& prompts, std::string_view question,
                         const ResponseSchema& schema) {
  constexpr std::string_view kPlace = "{keys}";
  std::string told = schema.keys().empty() ? prompts.json_plain : prompts.json_with_keys;
  if (const std::size_t at = told.find(kPlace); at != std::string::npos) {
    told.replace(at, kPlace.size(), schema.keys());
  }
  return told.empty() ? std::string(question) : base::cat(question, " ", told);
}

std::vector<Token> object_prompt(const Engine& engine, std::string_view object, std::string_view task,
                                 const std::optional<model::Template>& prompt) {
  if (!prompt || !engine.model->region) {
    fail_unsupported(engine, base::cat("has no ", task, ": it was published without region heads"));
  }
  if (is_blank(object)) base::fail(ErrorCode::kInvalidArgument, task, ": the object is empty");
  std::vector<Token> out;
  append(out, prompt->prefix);
  append_text(engine, engine.prompts().object_space + std::string(object), out);
  append(out, prompt->suffix);
  return out;
}

}  // namespace

std::string_view caption_length_name(CaptionLength length) noexcept {
  switch (length) {
    case CaptionLength::kShort:
      return "short";
    case CaptionLength::kNormal:
      return "normal";
    case CaptionLength::kLong:
      return "long";
  }
  return "";
}

std::vector<std::string> caption_lengths(const model::Prompts& prompts) {
  std::vector<std::string> names;
  for (const CaptionLength length : kLengths) {
    const auto i = static_cast<std::size_t>(length);
    if (prompts.caption[i] || !prompts.text_caption[i].empty())
      names.emplace_back(caption_length_name(length));
  }
  return names;
}

std::vector<Token> caption_prompt(const Engine& engine, CaptionLength length) {
  const model::Prompts& prompts = engine.prompts();
  const auto i = static_cast<std::size_t>(length);
  std::vector<Token> out;
  if (prompts.caption[i]) {
    append(out, *prompts.caption[i]);
  } else if (!prompts.text_caption[i].empty()) {
    append_text(engine, prompts.text_caption[i], out);
  } else {
    std::string known;
    for (const std::string& name : caption_lengths(prompts)) known += (known.empty() ? "" : ", ") + name;
    fail_unsupported(engine, base::cat("has no caption of length ", caption_length_name(length),
                                       "; it has: ", known.empty() ? "none" : known));
  }
  return out;
}

std::vector<Token> query_prompt(const Engine& engine, std::string_view question,
                                std::span<const SpatialRef> refs, bool reasoning) {
  const model::Prompts& prompts = engine.prompts();
  if (is_blank(question)) base::fail(ErrorCode::kInvalidArgument, "query: the question is empty");
  if (reasoning && !engine.info.can_reason)
    fail_unsupported(engine, prompts.reasoning ? "cannot reason: it has no thinking token"
                                               : "cannot reason: it was not trained to think first");
  if (!refs.empty() && (!prompts.spatial_refs || !engine.model->region)) {
    fail_unsupported(engine, "takes no spatial references");
  }
  std::vector<Token> out;
  if (!prompts.text_query.empty()) {
    std::string text = prompts.text_query;
    text.replace(text.find("{q}"), 3, question);
    append_text(engine, text, out);
    return out;
  }
  if (!prompts.query) fail_unsupported(engine, "has no query prompt");
  append(out, prompts.query->prefix);
  for (const SpatialRef& ref : refs) append_ref(ref, out);
  append_text(engine, prompts.question_space + std::string(question), out);
  append(out, prompts.query->suffix);
  if (reasoning) {
    out.emplace_back(TextToken{prompts.thinking});
  } else {
    for (int i = 1; i < prompts.query_suffix_count; ++i) append(out, prompts.query->suffix);
  }
  return out;
}

std::vector<Token> query_prompt(const Engine& engine, std::string_view question,
                                const QueryOptions& options) {
  if (!options.schema || is_blank(question)) {
    return query_prompt(engine, question, options.spatial_refs, options.reasoning);
  }
  const std::string told = ask_for_json(engine.prompts(), question, *options.schema);
  return query_prompt(engine, told, options.spatial_refs, options.reasoning);
}

std::vector<Token> text_query_prompt(const Engine& engine, std::string_view question,
                                     const QueryOptions& options) {
  if (!options.spatial_refs.empty()) {
    base::fail(ErrorCode::kInvalidArgument, "query: spatial references need a picture");
  }
  std::vector<Token> out{TextToken{engine.prompts().bos}};
  const std::vector<Token> rest = query_prompt(engine, question, options);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

std::vector<Token> answer_prompt(const Engine& engine) {
  std::vector<Token> out;
  append(out, engine.prompts().query->suffix);
  return out;
}

std::vector<Token> detect_prompt(const Engine& engine, std::string_view object) {
  return object_prompt(engine, object, "detect", engine.prompts().detect);
}

std::vector<Token> point_prompt(const Engine& engine, std::string_view object) {
  return object_prompt(engine, object, "point", engine.prompts().point);
}

std::vector<Token> gaze_prompt(const Engine& engine, Point eye) {
  if (!engine.prompts().gaze || !engine.model->region) fail_unsupported(engine, "cannot detect gaze");
  if (!in_unit(eye.x) || !in_unit(eye.y)) {
    base::fail(ErrorCode::kInvalidArgument, "gaze: expected an eye point in [0,1], got ", eye.x, ",", eye.y);
  }
  std::vector<Token> out;
  append_text(engine, "\n\nPoint:", out);
  out.emplace_back(CoordToken{static_cast<float>(eye.x)});
  out.emplace_back(CoordToken{static_cast<float>(eye.y)});
  append_text(engine, " gaze\n\n", out);
  return out;
}

}  // namespace moonbeam::tasks
