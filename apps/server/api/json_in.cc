#include "server/api/json_in.h"

#include <simdjson.h>

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

namespace ondemand = simdjson::ondemand;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Refusal(400, "invalid_json", (where.empty() ? "the body" : where) + ": " + what, where);
}

std::string reason(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "expected UTF-8";
    case simdjson::NUMBER_ERROR:
      return "expected a number that fits in 64 bits of floating point";
    case simdjson::STRING_ERROR:
      return "expected a string whose escapes are whole characters";
    case simdjson::UNESCAPED_CHARS:
      return "expected no control characters inside a string";
    case simdjson::UNCLOSED_STRING:
      return "expected the end of a string";
    case simdjson::EMPTY:
      return "expected JSON, got nothing";
    default:
      return "expected JSON";
  }
}

// The token without white space behind it.
std::string_view trimmed(std::string_view token) {
  while (!token.empty() && std::string_view(" \t\r\n").find(token.back()) != std::string_view::npos)
    token.remove_suffix(1);
  return token;
}

/// Reads everything, so that also what nobody asks for is known to be JSON.
class Reader {
 public:
  void read(ondemand::value value, const std::string& where, int depth, JsonIn& out) {
    if (++values_ > JsonDocument::kMaxValues)
      fail("", "expected at most " + std::to_string(JsonDocument::kMaxValues) + " values");
    switch (take(value.type(), where)) {
      case ondemand::json_type::object:
        out.kind = JsonIn::Kind::kObject;
        return read_object(value, where, depth + 1, out);
      case ondemand::json_type::array:
        out.kind = JsonIn::Kind::kArray;
        return read_array(value, where, depth + 1, out);
      case ondemand::json_type::string:
        out.kind = JsonIn::Kind::kString;
        out.text = string(value, where);
        return;
      case ondemand::json_type::number:
        out.kind = JsonIn::Kind::kNumber;
        out.text = trimmed(value.raw_json_token());
        out.number = take(value.get_double(), where);
        return;
      case ondemand::json_type::boolean:
        out.kind = JsonIn::Kind::kBool;
        out.boolean = take(value.get_bool(), where);
        return;
      case ondemand::json_type::null:
        if (!take(value.is_null(), where)) fail(where, "expected JSON");
        return;
    }
    fail(where, "expected JSON");
  }

 private:
  template <typename T>
  T take(simdjson::simdjson_result<T> result, const std::string& where) {
    T out;
    if (const auto error = std::move(result).get(out)) fail(where, reason(error));
    return out;
  }

  void check_depth(int depth) {
    if (depth > JsonDocument::kMaxDepth)
      fail("", "expected at most " + std::to_string(JsonDocument::kMaxDepth) + " levels of nesting");
  }

  void read_object(ondemand::value& value, const std::string& where, int depth, JsonIn& out) {
    check_depth(depth);
    ondemand::object object = take(value.get_object(), where);
    for (auto found : object) {
      ondemand::field field = take(std::move(found), where);
      const std::string_view name = key(field, where);
      const std::string at = (where.empty() ? "" : where + ".") + printable(name, 64);
      out.members.emplace_back(name, JsonIn{});
      JsonIn member;
      read(field.value(), at, depth, member);
      out.members.back().second = std::move(member);
    }
  }

  void read_array(ondemand::value& value, const std::string& where, int depth, JsonIn& out) {
    check_depth(depth);
    ondemand::array array = take(value.get_array(), where);
    for (auto found : array) {
      JsonIn item;
      read(take(std::move(found), where), where + "[" + std::to_string(out.items.size()) + "]", depth, item);
      out.items.push_back(std::move(item));
    }
  }

  std::string_view key(ondemand::field& field, const std::string& where) {
    return take(field.unescaped_key(), where);
  }

  // What stands between the quotes, where it stands; only escapes need a place of their own.
  std::string_view string(ondemand::value& value, const std::string& where) {
    const std::string_view token = trimmed(value.raw_json_token());
    if (token.size() < 2 || token.front() != '"' || token.back() != '"') fail(where, "expected a string");
    const std::string_view inside = token.substr(1, token.size() - 2);
    // Also for its error: a quote behind a backslash is no end.
    const std::string_view read =
        inside.find('\\') == std::string_view::npos ? inside : take(value.get_string(), where);
    if (read.data() == inside.data()) take(value.get_raw_json_string(), where);
    return read;
  }

  int values_ = 0;
};

}  // namespace

const JsonIn* JsonIn::find(std::string_view name) const noexcept {
  for (auto member = members.rbegin(); member != members.rend(); ++member)
    if (member->first == name) return &member->second;
  return nullptr;
}

const char* kind_name(JsonIn::Kind kind) noexcept {
  switch (kind) {
    case JsonIn::Kind::kNull:
      return "null";
    case JsonIn::Kind::kBool:
      return "a boolean";
    case JsonIn::Kind::kNumber:
      return "a number";
    case JsonIn::Kind::kString:
      return "a string";
    case JsonIn::Kind::kArray:
      return "an array";
    case JsonIn::Kind::kObject:
      return "an object";
  }
  return "";
}

std::string shown(const JsonIn& value) {
  if (value.is(JsonIn::Kind::kString)) return "\"" + printable(value.text) + "\"";
  if (value.is(JsonIn::Kind::kNumber)) return printable(value.text);
  if (value.is(JsonIn::Kind::kBool)) return value.boolean ? "true" : "false";
  return kind_name(value.kind);
}

struct JsonDocument::Parsed {
  ondemand::parser parser;  // holds the strings that had escapes
  simdjson::padded_string copy;
};

JsonDocument::JsonDocument(const std::string& text) : parsed_(std::make_unique<Parsed>()) {
  // simdjson reads past the end, and needs to know that it may.
  simdjson::padded_string_view view(text.data(), text.size(), text.capacity());
  if (text.capacity() - text.size() < simdjson::SIMDJSON_PADDING) {
    parsed_->copy = simdjson::padded_string(text);
    view = parsed_->copy;
  }
  ondemand::document document;
  if (const auto error = parsed_->parser.iterate(view).get(document)) fail("", reason(error));
  // A document that is no object or array is a value that simdjson treats apart.
  ondemand::json_type type;
  if (const auto error = document.type().get(type)) fail("", reason(error));
  if (type != ondemand::json_type::object && type != ondemand::json_type::array)
    fail("", "expected a JSON object");
  ondemand::value value;
  if (const auto error = document.get_value().get(value)) fail("", reason(error));
  Reader().read(value, "", 0, root_);
  const char* rest = nullptr;
  if (!document.current_location().get(rest)) fail("", "expected the end of the body after its JSON");
}

JsonDocument::~JsonDocument() = default;

}  // namespace moonbeam::server
