#include "data/llm/schema.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace moonbeam::llm {

namespace {

constexpr std::array<std::string_view, 16> kKeys = {
    "type",      "properties", "required", "additionalProperties",
    "items",     "minItems",   "maxItems", "enum",
    "minLength", "maxLength",  "title",    "description",
    "minimum",   "maximum",    "const",    "default"};

std::string type_of(const OrderedJson& schema) {
  if (const auto type = schema.find("type"); type != schema.end() && type->is_string()) return *type;
  if (schema.contains("enum")) return "enum";
  return "";
}

bool is_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  return type == "enum";
}

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t kShown = 60;
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return text;
}

void check_at(const OrderedJson& schema, const std::string& at, int depth) {
  const auto bad = [&](const auto&... parts) {
    base::fail(ErrorCode::kInvalidArgument, "schema", at.empty() ? "" : " at ", at, ": ", parts...);
  };
  if (!schema.is_object()) bad("expected an object");
  if (depth > 8) bad("expected a flat schema, this is nested deeper than 8");
  for (const auto& [key, value] : schema.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      bad("'", key, "' is not portable between servers");
    }
  }
  const std::string type = type_of(schema);
  constexpr std::array<std::string_view, 8> kTypes = {"object", "array",   "string", "integer",
                                                      "number", "boolean", "null",   "enum"};
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) bad("expected a type, got '", type, "'");
  if (schema.contains("enum") && (!schema["enum"].is_array() || schema["enum"].empty())) {
    bad("expected values in 'enum'");
  }
  for (const char* key : {"minItems", "maxItems", "minLength", "maxLength"}) {
    const auto bound = schema.find(key);
    if (bound == schema.end()) continue;
    if (!bound->is_number_integer() || bound->get<std::int64_t>() < 0) bad(key, ": expected a whole number");
  }
  for (const char* key : {"minimum", "maximum"}) {
    if (schema.contains(key) && !schema[key].is_number()) bad(key, ": expected a number");
  }
  if (type == "object") {
    if (!schema.contains("properties") || !schema["properties"].is_object()) bad("expected 'properties'");
    for (const auto& [name, part] : schema["properties"].items()) check_at(part, at + "." + name, depth + 1);
    for (const OrderedJson& name : schema.value("required", OrderedJson::array())) {
      if (!name.is_string() || !schema["properties"].contains(name.get<std::string>())) {
        bad("'required' names what is no property");
      }
    }
  } else if (type == "array") {
    if (!schema.contains("items")) bad("expected 'items'");
    check_at(schema["items"], at + "[]", depth + 1);
  }
}

class Checker {
 public:
  /// Where and what, for the first fault.
  std::string fault;

  bool check(const Json& value, const OrderedJson& schema, const std::string& at) {
    const std::string type = type_of(schema);
    if (!is_type(value, type)) return wrong(at, base::cat("expected ", type, ", got ", shown(value)));
    if (schema.contains("enum") || schema.contains("const")) return check_choice(value, schema, at);
    if (type == "object") return check_object(value, schema, at);
    if (type == "array") return check_array(value, schema, at);
    if (type == "string") {
      return check_size(base::count_code_points(value.get_ref<const std::string&>()), schema, "Length", at);
    }
    if (value.is_number()) {
      const double number = value.get<double>();
      if (number < schema.value("minimum", number) || number > schema.value("maximum", number)) {
        return wrong(at, "out of range: " + shown(value));
      }
    }
    return true;
  }

 private:
  bool wrong(const std::string& at, const std::string& what) {
    fault = (at.empty() ? "answer" : at) + ": " + what;
    return false;
  }
  bool check_choice(const Json& value, const OrderedJson& schema, const std::string& at) {
    const auto same = [&](const OrderedJson& one) { return Json(one) == value; };
    const OrderedJson choices =
        schema.contains("enum") ? schema["enum"] : OrderedJson::array({schema["const"]});
    if (std::any_of(choices.begin(), choices.end(), same)) return true;
    return wrong(at, "expected one of " + choices.dump() + ", got " + shown(value));
  }
  bool check_size(std::size_t size, const OrderedJson& schema, const std::string& unit,
                  const std::string& at) {
    if (size < schema.value("min" + unit, std::size_t{0})) return wrong(at, base::cat("too short: ", size));
    if (size > schema.value("max" + unit, size)) return wrong(at, base::cat("too long: ", size));
    return true;
  }
  bool check_object(const Json& value, const OrderedJson& schema, const std::string& at) {
    for (const OrderedJson& name : schema.value("required", OrderedJson::array())) {
      if (!value.contains(name.get<std::string>()))
        return wrong(at, "'" + name.get<std::string>() + "' is missing");
    }
    const OrderedJson& properties = schema["properties"];
    for (const auto& [name, part] : value.items()) {
      if (const auto known = properties.find(name); known != properties.end()) {
        if (!check(part, *known, at.empty() ? name : at + "." + name)) return false;
      } else if (schema.value("additionalProperties", OrderedJson(true)) == OrderedJson(false)) {
        return wrong(at, "'" + base::printable(name) + "' is unknown");
      }
    }
    return true;
  }
  bool check_array(const Json& value, const OrderedJson& schema, const std::string& at) {
    if (!check_size(value.size(), schema, "Items", at)) return false;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!check(value[i], schema["items"], base::cat(at, "[", i, "]"))) return false;
    }
    return true;
  }
};

/// A GBNF literal: text between quotes.
std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

class Grammar {
 public:
  std::string rule(const OrderedJson& schema) {
    const std::string type = type_of(schema);
    if (schema.contains("const")) return literal(schema["const"].dump());
    if (schema.contains("enum")) {
      std::string choices;
      for (const OrderedJson& one : schema["enum"]) {
        choices += (choices.empty() ? "" : " | ") + literal(one.dump());
      }
      return "(" + choices + ")";
    }
    if (type == "object") return object(schema);
    if (type == "array") return array(schema);
    if (type == "null") return literal("null");
    return type;  // string, integer, number, boolean
  }

 private:
  std::string object(const OrderedJson& schema) {
    std::string out;
    for (const auto& [name, part] : schema["properties"].items()) {
      out += out.empty() ? "\"{\" ws " : " \",\" ws ";
      out += literal(OrderedJson(name).dump()) + " ws \":\" ws " + rule(part) + " ws";
    }
    return out.empty() ? "\"{\" ws \"}\"" : "(" + out + " \"}\")";
  }
  std::string array(const OrderedJson& schema) {
    const std::string item = rule(schema["items"]);
    const std::size_t least = schema.value("minItems", std::size_t{0});
    const std::string more = "(\",\" ws " + item + " ws)";
    std::string count = "*";
    if (schema.contains("maxItems")) {
      const std::size_t most = schema["maxItems"].get<std::size_t>();
      if (most == 0) return "(\"[\" ws \"]\")";
      count = base::cat("{", least == 0 ? 0 : least - 1, ",", most - 1, "}");
    } else if (least > 1) {
      count = base::cat("{", least - 1, ",}");
    }
    const std::string items = "(" + item + " ws " + more + count + ")";
    return "(\"[\" ws " + items + (least == 0 ? "?" : "") + " \"]\")";
  }
};

}  // namespace

void check_schema(const OrderedJson& schema) {
  check_at(schema, "", 0);
}

std::string schema_fault(const Json& value, const OrderedJson& schema) {
  Checker checker;
  checker.check(value, schema, "");
  return checker.fault;
}

std::string gbnf_of(const OrderedJson& schema) {
  return "root ::= ws " + Grammar().rule(schema) +
         " ws\n"
         "ws ::= [ \\n]?\n"
         "string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1F] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" [0-9a-fA-F]{4}))* "
         "\"\\\"\"\n"
         "integer ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15})\n"
         "number ::= integer (\".\" [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?\n"
         "boolean ::= \"true\" | \"false\"\n";
}

}  // namespace moonbeam::llm
