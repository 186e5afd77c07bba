#include "server/api/chat/members.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

using Json = nlohmann::ordered_json;  // numbers stay what they are: JsonOut has floats

Json json_of(const JsonIn& value) {
  switch (value.kind) {
    case Kind::kNull:
      break;
    case Kind::kBool:
      return value.boolean;
    case Kind::kNumber:
      if (const auto integer = parsed<std::int64_t>(value.text)) return *integer;
      return value.number;
    case Kind::kString:
      return value.text;
    case Kind::kArray: {
      Json out = Json::array();
      for (const JsonIn& item : value.items) out.push_back(json_of(item));
      return out;
    }
    case Kind::kObject: {
      Json out = Json::object();
      for (const auto& [name, member] : value.members) out[std::string(name)] = json_of(member);
      return out;
    }
  }
  return nullptr;
}

}  // namespace

std::string text_of_json(const JsonIn& value) {
  return json_of(value).dump(-1, ' ', true, Json::error_handler_t::replace);
}

void Members::fail(std::string_view name, const std::string& expected) const {
  const JsonIn* value = find(name);
  fail_value(full_name(name), expected, value == nullptr ? "null" : shown(*value));
}

const JsonIn* Members::find(std::string_view name) const noexcept {
  const JsonIn* value = object_->find(name);
  return value == nullptr || value->is(Kind::kNull) ? nullptr : value;
}

std::optional<std::string_view> Members::string(std::string_view name) const {
  const JsonIn* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is(Kind::kString)) fail(name, "a string");
  return value->text;
}

std::optional<bool> Members::boolean(std::string_view name) const {
  const JsonIn* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is(Kind::kBool)) fail(name, "true or false");
  return value->boolean;
}

std::optional<double> Members::number(std::string_view name) const {
  const JsonIn* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is(Kind::kNumber)) fail(name, "a number");
  return value->number;
}

std::optional<int> Members::count(std::string_view name, int min, int max) const {
  const auto value = number(name);
  if (!value) return std::nullopt;
  if (*value != std::trunc(*value)) fail(name, "an integer");
  if (*value < min) fail(name, "at least " + std::to_string(min));
  return *value >= max ? max : static_cast<int>(*value);
}

std::optional<std::uint64_t> Members::integer(std::string_view name) const {
  const JsonIn* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is(Kind::kNumber)) {
    if (const auto read = parsed<std::uint64_t>(value->text)) return read;
    if (const auto read = parsed<std::int64_t>(value->text)) return static_cast<std::uint64_t>(*read);
  }
  fail(name, "an integer of 64 bits");
}

const JsonIn* Members::array(std::string_view name) const {
  const JsonIn* value = find(name);
  if (value != nullptr && !value->is(Kind::kArray)) fail(name, "an array");
  return value;
}

std::optional<Members> Members::object(std::string_view name) const {
  const JsonIn* value = find(name);
  if (value == nullptr) return std::nullopt;
  return members_of(*value, full_name(name));
}

Members members_of(const JsonIn& value, const std::string& field) {
  if (!value.is(Kind::kObject)) fail_value(field, "an object", shown(value));
  return Members(value, field + ".");
}

JsonBody::JsonBody(const Request& request) {
  empty_.kind = Kind::kObject;
  if (request.body.empty()) return;
  const std::string type = media_type(header(request, "Content-Type"));
  // Scripts often name no type, or what curl -d names by itself.
  const std::string_view start = trim(std::string_view(request.body).substr(0, 64));
  const bool like_json =
      (type.empty() || type == "application/x-www-form-urlencoded" || type == "text/plain") &&
      !start.empty() && start.front() == '{';
  if (type != "application/json" && !type.ends_with("+json") && !like_json)
    throw Refusal(
        415, "unsupported_media_type",
        "Content-Type: expected application/json, got " + (type.empty() ? "none" : printable(type)));
  document_.emplace(request.body);
  if (!document_->root().is(Kind::kObject))
    throw Refusal(400, "invalid_json", "the body: expected a JSON object, got an array");
}

}  // namespace moonbeam::server
