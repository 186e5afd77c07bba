// Tests only: random schemas of the subset, random values that fit them, and a check of values against
// schemas that shares nothing with the code it is for.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"

namespace moonbeam::grammar::testing {

using Json = nlohmann::ordered_json;

/// As this engine writes JSON: one space behind ':' and ','.
inline std::string written(const Json& value) {
  std::string out;
  if (value.is_object() || value.is_array()) {
    out += value.is_object() ? '{' : '[';
    bool first = true;
    for (const auto& [name, member] : value.items()) {
      if (!first) out += ", ";
      first = false;
      if (value.is_object()) out += Json(name).dump() + ": ";
      out += written(member);
    }
    return out + (value.is_object() ? '}' : ']');
  }
  return value.dump();
}

// --- The check ---------------------------------------------------------------------------------------------

inline bool fits(const Json& root, const Json& schema, const Json& value);

inline bool fits_type(const std::string& type, const Json& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  return type == "null" && value.is_null();
}

inline bool fits_object(const Json& root, const Json& schema, const Json& value) {
  if (!schema.contains("properties")) {
    return std::all_of(value.begin(), value.end(), [&](const Json& member) {
      return fits(root, schema.value("additionalProperties", Json(true)), member);
    });
  }
  // In the order of the schema, each at most once.
  std::size_t met = 0;
  auto at = value.begin();
  for (const auto& [name, property] : schema["properties"].items()) {
    if (at == value.end() || at.key() != name) continue;
    if (!fits(root, property, *at)) return false;
    ++at, ++met;
  }
  if (met != value.size()) return false;
  const Json required = schema.value("required", Json::array());
  return std::all_of(required.begin(), required.end(),
                     [&](const Json& name) { return value.contains(name.get<std::string>()); });
}

inline bool fits(const Json& root, const Json& schema, const Json& value) {
  if (schema.is_boolean()) return schema.get<bool>();
  const auto fits_one = [&](const Json& one) { return fits(root, one, value); };
  if (schema.contains("$ref")) {
    return fits(root, root.at(nlohmann::json::json_pointer(schema["$ref"].get<std::string>().substr(1))),
                value);
  }
  if (schema.contains("anyOf")) {
    return std::any_of(schema["anyOf"].begin(), schema["anyOf"].end(), fits_one);
  }
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
    return false;
  }
  if (schema.contains("const") && schema["const"] != value) return false;
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    const auto typed = [&](const Json& type) { return fits_type(type.get<std::string>(), value); };
    if (!std::any_of(types.begin(), types.end(), typed)) return false;
  }
  if (value.is_object() && !fits_object(root, schema, value)) return false;
  if (value.is_array()) {
    if (value.size() < schema.value("minItems", 0u) || value.size() > schema.value("maxItems", 1'000'000u)) {
      return false;
    }
    if (schema.contains("items") && !std::all_of(value.begin(), value.end(), [&](const Json& item) {
          return fits(root, schema["items"], item);
        })) {
      return false;
    }
  }
  return !value.is_string() ||
         base::count_code_points(value.get<std::string>()) <= schema.value("maxLength", 1'000'000u);
}

inline int nesting(const Json& value) {
  if (!value.is_structured()) return 0;
  int deepest = 0;
  for (const Json& member : value) deepest = std::max(deepest, nesting(member));
  return deepest + 1;
}

// --- Random schemas and values -----------------------------------------------------------------------------

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
  std::mt19937& random() { return random_; }

  Json schema() {
    definitions_ = chance(0.4) ? 1 + below(3) : 0;
    Json root = chance(0.7) ? object(2) : any(3);
    if (definitions_ == 0) return root;
    for (int i = 0; i < definitions_; ++i) {
      definition_ = i;
      root["$defs"]["d" + std::to_string(i)] = any(1);
    }
    if (chance(0.5)) root["$defs"]["d0"] = recursive();
    definition_ = -1;
    return root;
  }

  std::string name() {
    static const std::vector<std::string> kNames = {
        "a",           "ab",    "abc",   "b",   "name",      "colour", "",     "\"quoted\"",
        "back\\slash", "größe", "猫",    "😀",   "new\nline", "a b",    "\x01", "type",
        "x/y~z",       "count", "items", "ABC", "aé",        "aè"};
    return kNames[static_cast<std::size_t>(below(static_cast<int>(kNames.size())))];
  }

  /// A value that fits, as a rule; check.
  Json value(const Json& root, const Json& schema, int depth = 0) {
    if (schema.is_boolean() || schema.empty()) return scalar_value();
    if (schema.contains("$ref")) {
      if (depth > 6) return nullptr;
      return value(root, root.at(nlohmann::json::json_pointer(schema["$ref"].get<std::string>().substr(1))),
                   depth);
    }
    if (schema.contains("anyOf")) {
      const Json& parts = schema["anyOf"];
      return value(root, parts[static_cast<std::size_t>(below(static_cast<int>(parts.size())))], depth);
    }
    if (schema.contains("enum")) {
      return schema["enum"][static_cast<std::size_t>(below(static_cast<int>(schema["enum"].size())))];
    }
    if (schema.contains("const")) return schema["const"];
    if (!schema.contains("type")) return scalar_value();
    Json type = schema["type"];
    if (type.is_array()) type = type[static_cast<std::size_t>(below(static_cast<int>(type.size())))];
    if (type == "object") return object_value(root, schema, depth);
    if (type == "array") {
      const int least = schema.value("minItems", 0);
      Json out = Json::array();
      for (int i = least + below(schema.value("maxItems", least + 3) - least + 1); i > 0; --i) {
        out.push_back(value(root, schema.value("items", Json(true)), depth + 1));
      }
      return out;
    }
    if (type == "string") return text(schema.value("maxLength", 12));
    if (type == "integer") return below(2000) - 1000;
    if (type == "number") return (below(2000) - 1000) / 8.0;
    if (type == "boolean") return chance(0.5);
    return nullptr;
  }

 private:
  Json with_notes(Json schema) {
    if (chance(0.1)) schema["title"] = "A title";
    if (chance(0.1)) schema["description"] = "What it is";
    if (chance(0.05)) schema["default"] = nullptr;
    if (chance(0.05)) schema["minimum"] = 3;
    if (chance(0.05)) schema["format"] = "date";
    return schema;
  }

  Json any(int depth) {
    const int kind = below(depth > 0 ? 16 : 11);
    switch (kind) {
      case 0:
        return with_notes({{"type", "string"}});
      case 1:
        return with_notes({{"type", "string"}, {"maxLength", below(2) ? below(5) : below(200)}});
      case 2:
        return with_notes({{"type", "integer"}});
      case 3:
        return with_notes({{"type", "number"}});
      case 4:
        return with_notes({{"type", "boolean"}});
      case 5:
        return with_notes({{"type", "null"}});
      case 6:
        return {{"type", Json::array({"string", "null", "integer"})}};
      case 7:
        return {{"enum", scalars()}};
      case 8:
        return {{"const", scalar_value()}};
      case 9:
        return with_notes({{"type", "string"}, {"enum", names()}});
      case 10:
        return reference();
      case 11:
      case 12:
        return object(depth - 1);
      case 13:
        return array(depth - 1);
      case 14: {
        Json parts = Json::array();
        for (int i = 2 + below(2); i > 0; --i) parts.push_back(any(depth - 1));
        return with_notes({{"anyOf", std::move(parts)}});
      }
      default:
        if (chance(0.5)) return {{"type", "object"}, {"additionalProperties", any(0)}};
        return chance(0.5) ? Json::object() : Json({{"type", "array"}});
    }
  }

  // To one that comes later, so that only recursive() makes cycles.
  Json reference() {
    if (definition_ + 1 >= definitions_) return {{"type", "boolean"}};
    const int to = definition_ + 1 + below(definitions_ - definition_ - 1);
    return {{"$ref", "#/$defs/d" + std::to_string(to)}};
  }

  Json recursive() {
    Json out = {{"type", "object"}, {"properties", {{"v", any(0)}}}, {"required", Json::array({"v"})}};
    const Json self = {{"$ref", "#/$defs/d0"}};
    switch (below(3)) {
      case 0:
        out["properties"]["next"] = {{"anyOf", Json::array({self, {{"type", "null"}}})}};
        out["required"].push_back("next");
        break;
      case 1:
        out["properties"]["children"] = {{"type", "array"}, {"items", self}, {"maxItems", 2}};
        break;
      default:
        out["properties"]["left"] = out["properties"]["right"] = self;
    }
    return out;
  }

  Json object(int depth) {
    Json out = {{"type", "object"}, {"properties", Json::object()}};
    if (chance(0.3)) out["additionalProperties"] = false;
    Json required = Json::array();
    for (int i = below(6); i > 0; --i) {
      const std::string key = name();
      if (out["properties"].contains(key)) continue;
      out["properties"][key] = any(depth);
      if (chance(0.6)) required.push_back(key);
    }
    if (!required.empty()) out["required"] = std::move(required);
    return with_notes(std::move(out));
  }

  Json array(int depth) {
    Json out = {{"type", "array"}, {"items", any(depth)}};
    const int least = below(4);
    if (chance(0.5)) out["minItems"] = least;
    if (chance(0.5)) out["maxItems"] = least + below(4);
    return with_notes(std::move(out));
  }

  Json names() {
    Json out = Json::array();
    for (int i = 1 + below(5); i > 0; --i) out.push_back(name());
    return out;
  }
  Json scalars() {
    Json out = Json::array();
    for (int i = 1 + below(5); i > 0; --i) out.push_back(scalar_value());
    return out;
  }
  Json scalar_value() {
    switch (below(6)) {
      case 0:
        return below(300) - 100;
      case 1:
        return (2 * below(150) - 99) / 4.0;  // 3.0 would come back as 3
      case 2:
        return chance(0.5);
      case 3:
        return nullptr;
      default:
        return name();
    }
  }

  std::string text(int most) {
    static const std::vector<std::string> kCharacters = {
        "a", "Z", " ", "\"", "\\", "\n", "é", "ß", "猫", "😀", "\x7f", "\x01", "/", "{", "]", ",", ":", "0"};
    std::string out;
    for (int i = below(std::min(most, 20) + 1); i > 0; --i) {
      out += kCharacters[static_cast<std::size_t>(below(static_cast<int>(kCharacters.size())))];
    }
    return out;
  }

  Json object_value(const Json& root, const Json& schema, int depth) {
    Json out = Json::object();
    if (!schema.contains("properties")) {
      for (int i = below(3); i > 0; --i) {
        out[name()] = value(root, schema.value("additionalProperties", Json(true)), depth + 1);
      }
      return out;
    }
    const Json required = schema.value("required", Json::array());
    for (const auto& [key, property] : schema["properties"].items()) {
      if (chance(depth > 3 ? 0.1 : 0.5) ||
          std::find(required.begin(), required.end(), key) != required.end()) {
        out[key] = value(root, property, depth + 1);
      }
    }
    return out;
  }

  std::mt19937 random_;
  int definitions_ = 0;
  int definition_ = -1;
};

}  // namespace moonbeam::grammar::testing
