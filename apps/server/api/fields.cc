#include "server/api/fields.h"

#include <cmath>
#include <utility>

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

struct Name {
  std::string_view name, other;
  bool setting = false;  // may lie in `settings`
};
constexpr Name kNames[] = {
    {"image_url", "imageUrl"},           {"object", "obj"},       {"spatial_refs", "spatialRefs"},
    {"temperature", "", true},           {"top_p", "topP", true}, {"max_tokens", "maxTokens", true},
    {"max_objects", "maxObjects", true}, {"seed", "", true},
};

Name names_of(std::string_view name) {
  for (const Name& known : kNames)
    if (known.name == name) return known;
  return {name, ""};
}

// In forms these come as JSON text.
bool is_nested(std::string_view name) {
  return name == "settings" || name == "spatial_refs" || name == "spatialRefs";
}

const JsonIn* present(const JsonIn* value) {
  return value == nullptr || value->is(Kind::kNull) ? nullptr : value;
}

}  // namespace

Fields::Fields(const Request& request) {
  query_.kind = Kind::kObject;
  body_.kind = Kind::kObject;
  take_form(read_form(request.query), query_);
  if (request.body.empty()) return;
  const std::string type = media_type(header(request, "Content-Type"));
  // curl -d says that whatever it sends is a form.
  const std::string_view start = trim(std::string_view(request.body).substr(0, 64));
  const bool like_json = !start.empty() && start.front() == '{';
  if (type == "application/json" || type.ends_with("+json") ||
      (like_json && (type.empty() || type == "application/x-www-form-urlencoded"))) {
    read_json(request.body);
  } else if (type == "application/x-www-form-urlencoded") {
    body_loose_ = true;
    take_form(read_form(request.body), body_);
  } else if (type == "multipart/form-data") {
    read_parts(request);
  } else if (type.starts_with("image/") || type == "application/octet-stream") {
    upload_ = request.body;
  } else {
    throw Refusal(415, "unsupported_media_type",
                  "Content-Type: expected application/json, a form, multipart/form-data or a picture, got " +
                      (type.empty() ? "none" : printable(type)));
  }
}

void Fields::read_json(const std::string& text) {
  documents_.push_back(std::make_unique<JsonDocument>(text));
  if (!documents_.back()->root().is(Kind::kObject))
    throw Refusal(400, "invalid_json", "the body: expected a JSON object, got an array");
  body_ = documents_.back()->root();
}

void Fields::read_parts(const Request& request) {
  body_loose_ = true;
  FormFields fields;
  for (const FormPart& part :
       read_multipart(request.body, header_parameter(header(request, "Content-Type"), "boundary"))) {
    if (part.name == "image") {
      upload_ = part.content;
    } else if (!is_utf8(part.content)) {
      throw Refusal(400, "invalid_value", printable(part.name) + ": expected UTF-8", part.name);
    } else {
      fields.emplace_back(part.name, std::string(part.content));
    }
  }
  take_form(std::move(fields), body_);
}

void Fields::take_form(FormFields fields, JsonIn& into) {
  forms_.push_back(std::make_unique<FormFields>(std::move(fields)));
  for (const auto& [name, text] : *forms_.back()) {
    JsonIn value;
    value.kind = Kind::kString;
    value.text = text;
    if (is_nested(name)) {
      try {
        documents_.push_back(std::make_unique<JsonDocument>(text));
      } catch (const Refusal&) {
        fail_value(name, "JSON", "\"" + printable(text) + "\"");
      }
      value = documents_.back()->root();
    }
    into.members.emplace_back(name, std::move(value));
  }
}

std::optional<Fields::Found> Fields::find(std::string_view name) const {
  const Name names = names_of(name);
  for (const JsonIn* source : {&query_, &body_}) {
    const bool loose = source == &query_ || body_loose_;
    const JsonIn* settings = names.setting ? present(source->find("settings")) : nullptr;
    if (settings != nullptr && !settings->is(Kind::kObject))
      fail_kind({"settings", settings, loose}, "an object");
    for (const std::string_view spelling : {names.name, names.other}) {
      if (spelling.empty()) continue;
      if (const JsonIn* value = settings == nullptr ? nullptr : present(settings->find(spelling)))
        return Found{"settings." + std::string(spelling), value, false};
    }
    for (const std::string_view spelling : {names.name, names.other}) {
      if (spelling.empty()) continue;
      if (const JsonIn* value = present(source->find(spelling)))
        return Found{std::string(spelling), value, loose};
    }
  }
  return std::nullopt;
}

void Fields::fail_kind(const Found& found, const char* expected) {
  fail_value(found.name, expected, shown(*found.value));
}

std::optional<std::string_view> Fields::string(std::string_view name) const {
  const auto found = find(name);
  if (!found) return std::nullopt;
  if (!found->value->is(Kind::kString)) fail_kind(*found, "a string");
  return found->value->text;
}

std::string Fields::required_string(std::string_view name, std::size_t max_bytes) const {
  const auto found = find(name);
  if (!found) fail_missing(std::string(name));
  if (!found->value->is(Kind::kString)) fail_kind(*found, "a string");
  const std::string_view text = found->value->text;
  if (is_blank(text)) fail_value(found->name, "text", "\"" + printable(text) + "\"");
  if (text.size() > max_bytes)
    fail_value(found->name, "at most " + std::to_string(max_bytes) + " bytes", std::to_string(text.size()));
  return std::string(text);
}

std::optional<bool> Fields::boolean(std::string_view name) const {
  const auto found = find(name);
  if (!found) return std::nullopt;
  if (found->value->is(Kind::kBool)) return found->value->boolean;
  if (found->loose) {
    const std::string_view text = found->value->text;
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
  }
  fail_kind(*found, "true or false");
}

std::optional<double> Fields::number(std::string_view name) const {
  const auto found = find(name);
  if (!found) return std::nullopt;
  if (found->value->is(Kind::kNumber)) return found->value->number;
  const auto value = found->loose ? parsed<double>(found->value->text) : std::nullopt;
  if (!value || !std::isfinite(*value)) fail_kind(*found, "a number");
  return value;
}

std::optional<int> Fields::count(std::string_view name, int min, int max) const {
  const auto value = number(name);
  if (!value) return std::nullopt;
  const auto found = find(name);
  if (*value != std::trunc(*value)) fail_kind(*found, "an integer");
  if (*value < min) fail_kind(*found, ("at least " + std::to_string(min)).c_str());
  return *value >= max ? max : static_cast<int>(*value);
}

std::optional<std::uint64_t> Fields::seed() const {
  const auto found = find("seed");
  if (!found) return std::nullopt;
  if (found->value->is(Kind::kNumber) || found->loose) {
    const std::string_view text = found->value->text;
    if (const auto value = parsed<std::uint64_t>(text)) return value;
    if (const auto value = parsed<std::int64_t>(text)) return static_cast<std::uint64_t>(*value);
  }
  fail_kind(*found, "an integer of 64 bits");
}

const JsonIn* Fields::array(std::string_view name) const {
  const auto found = find(name);
  if (!found) return nullptr;
  if (!found->value->is(Kind::kArray)) fail_kind(*found, "an array");
  return found->value;
}

}  // namespace moonbeam::server
