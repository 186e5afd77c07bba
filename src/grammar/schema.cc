// One pass over the JSON tree. What a reference points to is read once, when the places found so far have
// been: chains of references make a queue, not a stack.
#include "grammar/schema.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <span>

#include "base/error.h"
#include "formats/json_value.h"

namespace moonbeam::grammar {

namespace {

using base::fail;
using formats::JsonObject;
using formats::JsonValue;
using Kind = Schema::Kind;
constexpr ErrorCode kInvalid = ErrorCode::kInvalidArgument;

// Without effect on the answer: notes for people, and bounds on numbers, which an automaton over bytes cannot
// keep (makers' tools strip them as well).
constexpr std::string_view kIgnored[] = {"$comment",
                                         "$defs",
                                         "$id",
                                         "$schema",
                                         "additionalProperties",
                                         "default",
                                         "definitions",
                                         "deprecated",
                                         "description",
                                         "examples",
                                         "exclusiveMaximum",
                                         "exclusiveMinimum",
                                         "format",
                                         "maximum",
                                         "minimum",
                                         "readOnly",
                                         "strict",
                                         "title",
                                         "writeOnly"};
constexpr std::string_view kKnown[] = {"$ref",     "allOf",     "anyOf",    "const",      "enum",     "items",
                                       "maxItems", "maxLength", "minItems", "properties", "required", "type"};
constexpr std::string_view kTypes[] = {"array", "boolean", "integer", "null", "number", "object", "string"};

bool is_one_of(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// A name as a step of a JSON pointer.
std::string step(std::string_view name) {
  std::string out = "/";
  for (const char c : name) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out += c;
    }
  }
  return out;
}

bool has_type(const JsonValue& value, std::string_view type) {
  const std::optional<double> number = value.number();
  if (type == "string") return value.string() != nullptr;
  if (type == "boolean") return value.boolean() != nullptr;
  if (type == "null") return value.is_null();
  if (type == "number") return number.has_value();
  return type == "integer" && number && std::floor(*number) == *number;
}

class Parser {
 public:
  explicit Parser(const JsonValue& root) : root_(root) {}

  Document run() {
    at(root_, "#");
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      const Pending next = pending_[i];  // reading adds to both lists
      if (next.value == nullptr) continue;
      Schema schema = read(*next.value, next.place);
      document_.schemas[i] = std::move(schema);
    }
    return std::move(document_);
  }

 private:
  struct Pending {
    const JsonValue* value;  // null: read already
    std::string place;
  };

  // Index of the schema at `place`, which is read later.
  int at(const JsonValue& value, const std::string& place) {
    const auto [known, added] = indices_.emplace(&value, static_cast<int>(pending_.size()));
    if (added) {
      pending_.push_back({&value, place});
      document_.schemas.emplace_back();
    }
    return known->second;
  }

  Schema read(const JsonValue& value, const std::string& place) {
    if (const bool* all = value.boolean())
      return {.kind = *all ? Kind::kAny : Kind::kNothing, .place = place};
    const JsonObject* object = value.object();
    if (object == nullptr) wrong(place, "a schema: an object, true or false", value);
    check_keywords(*object, place);
    if (const JsonValue* reference = object->find("$ref")) return read_reference(*object, *reference, place);
    for (const char* keyword : {"anyOf", "allOf"}) {
      if (const JsonValue* parts = object->find(keyword)) return read_parts(*object, keyword, *parts, place);
    }
    const std::vector<std::string> types = read_types(*object, place);
    if (object->find("enum") != nullptr || object->find("const") != nullptr) {
      return read_literals(*object, types, place);
    }
    if (types.empty()) return {.kind = Kind::kAny, .place = place};
    if (types.size() == 1) return read_type(*object, types[0], place);
    Schema out{.kind = Kind::kAnyOf, .place = place};
    for (const std::string& type : types) {
      Schema one = read_type(*object, type, place);
      pending_.push_back({nullptr, place});
      out.parts.push_back(static_cast<int>(document_.schemas.size()));
      document_.schemas.push_back(std::move(one));
    }
    return out;
  }

  static void check_keywords(const JsonObject& object, const std::string& place) {
    for (const std::uint32_t i : object.written) {
      const std::string& keyword = object.members[i].first;
      if (is_one_of(kIgnored, keyword) || is_one_of(kKnown, keyword)) continue;
      fail(ErrorCode::kUnsupported, "schema: ", shown(place), ": '", shown(keyword), "' is not supported");
    }
  }

  // A conjunction of both would be needed.
  static void check_alone(const JsonObject& object, std::string_view keyword, const std::string& place) {
    for (const auto& [other, value] : object.members) {
      if (other == keyword || is_one_of(kIgnored, other)) continue;
      fail(ErrorCode::kUnsupported, "schema: ", shown(place), ": '", other, "' beside '", keyword,
           "' is not supported");
    }
  }

  [[noreturn]] static void wrong(const std::string& place, std::string_view expected, const JsonValue& got) {
    fail(kInvalid, "schema: ", shown(place), ": expected ", expected, ", got ", got.described());
  }

  Schema read_reference(const JsonObject& object, const JsonValue& reference, const std::string& place) {
    check_alone(object, "$ref", place);
    const std::string* target = reference.string();
    if (target == nullptr) wrong(place + "/$ref", "a string", reference);
    if (!target->starts_with('#')) {
      fail(ErrorCode::kUnsupported, "schema: ", shown(place),
           "/$ref: expected a place in this schema ('#/...'), "
           "got '",
           shown(*target), "'");
    }
    const JsonValue* found = find(std::string_view(*target).substr(1));
    if (found == nullptr) {
      fail(kInvalid, "schema: ", shown(place), "/$ref: there is no '", shown(*target), "'");
    }
    return {.kind = Kind::kAnyOf, .place = place, .parts = {at(*found, *target)}};
  }

  // What a JSON pointer leads to.
  const JsonValue* find(std::string_view pointer) const {
    const JsonValue* value = &root_;
    while (!pointer.empty()) {
      if (pointer[0] != '/') return nullptr;
      const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
      std::string name;
      for (std::size_t i = 1; i < end; ++i) {
        const bool escaped = pointer[i] == '~' && i + 1 < end;
        name += escaped ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
      }
      pointer.remove_prefix(end);
      if (const JsonObject* object = value->object()) {
        value = object->find(name);
      } else if (const formats::JsonArray* array = value->array()) {
        std::size_t index = array->size();
        const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
        const bool whole = read.ec == std::errc() && read.ptr == name.data() + name.size();
        value = whole && index < array->size() ? &(*array)[index] : nullptr;
      } else {
        value = nullptr;
      }
      if (value == nullptr) return nullptr;
    }
    return value;
  }

  Schema read_parts(const JsonObject& object, const char* keyword, const JsonValue& parts,
                    const std::string& place) {
    check_alone(object, keyword, place);
    const std::string here = place + "/" + keyword;
    const formats::JsonArray* array = parts.array();
    if (array == nullptr || array->empty()) wrong(here, "an array of schemas", parts);
    if (std::string_view(keyword) == "allOf" && array->size() > 1) {
      fail(ErrorCode::kUnsupported, "schema: ", shown(here), ": 'allOf' of more than one is not supported");
    }
    Schema out{.kind = Kind::kAnyOf, .place = place};
    for (std::size_t i = 0; i < array->size(); ++i)
      out.parts.push_back(at((*array)[i], base::cat(here, "/", i)));
    return out;
  }

  // Empty: none is said and none follows from the keywords.
  static std::vector<std::string> read_types(const JsonObject& object, const std::string& place) {
    const JsonValue* type = object.find("type");
    if (type == nullptr) {
      if (object.find("properties") != nullptr || object.find("required") != nullptr) return {"object"};
      if (object.find("items") || object.find("minItems") || object.find("maxItems")) return {"array"};
      if (object.find("maxLength") != nullptr) return {"string"};
      return {};
    }
    std::vector<std::string> out;
    const auto add = [&](const JsonValue& name) {
      const std::string* text = name.string();
      if (text == nullptr || !is_one_of(kTypes, *text)) {
        wrong(place + "/type", "array, boolean, integer, null, number, object or string", name);
      }
      if (std::find(out.begin(), out.end(), *text) == out.end()) out.push_back(*text);
    };
    if (const formats::JsonArray* list = type->array()) {
      if (list->empty()) wrong(place + "/type", "at least one type", *type);
      for (const JsonValue& name : *list) add(name);
    } else {
      add(*type);
    }
    return out;
  }

  Schema read_type(const JsonObject& object, const std::string& type, const std::string& place) {
    if (type == "object") return read_object(object, place);
    if (type == "array") return read_array(object, place);
    if (type == "integer") return {.kind = Kind::kInteger, .place = place};
    if (type == "number") return {.kind = Kind::kNumber, .place = place};
    if (type == "null") return {.kind = Kind::kLiterals, .place = place, .literals = {"null"}};
    if (type == "boolean") return {.kind = Kind::kLiterals, .place = place, .literals = {"true", "false"}};
    return {.kind = Kind::kString, .place = place, .most = count(object, "maxLength", kNoLimit, place)};
  }

  static std::uint32_t count(const JsonObject& object, const char* keyword, std::uint32_t missing,
                             const std::string& place) {
    const JsonValue* value = object.find(keyword);
    if (value == nullptr) return missing;
    const std::optional<double> number = value->number();
    if (!number || *number < 0 || std::floor(*number) != *number) {
      wrong(place + "/" + keyword, "a whole number, at least 0", *value);
    }
    return *number < kNoLimit ? static_cast<std::uint32_t>(*number) : kNoLimit;
  }

  Schema read_array(const JsonObject& object, const std::string& place) {
    Schema out{.kind = Kind::kArray, .place = place};
    out.least = count(object, "minItems", 0, place);
    out.most = count(object, "maxItems", kNoLimit, place);
    if (out.least > kMaxLeast) {
      fail(ErrorCode::kUnsupported, "schema: ", shown(place), "/minItems: expected at most ", kMaxLeast,
           ", got ", object.find("minItems")->described());
    }
    static const JsonValue kAnything(true);
    const JsonValue* items = object.find("items");
    out.parts.push_back(items != nullptr ? at(*items, place + "/items") : at(kAnything, place + "/items"));
    return out;
  }

  Schema read_object(const JsonObject& object, const std::string& place) {
    const JsonValue* properties = object.find("properties");
    if (properties == nullptr) return read_map(object, place);
    const JsonObject* members = properties->object();
    if (members == nullptr) wrong(place + "/properties", "an object", *properties);
    Schema out{.kind = Kind::kObject, .place = place};
    for (const std::uint32_t i : members->written) {
      const auto& [name, value] = members->members[i];
      out.properties.push_back({name, at(value, place + "/properties" + step(name)), false});
    }
    std::map<std::string_view, Schema::Property*> by_name;
    for (Schema::Property& property : out.properties) by_name[property.name] = &property;
    for (const std::string* name : required(object, place)) {
      const auto found = by_name.find(*name);
      if (found == by_name.end()) {
        fail(kInvalid, "schema: ", shown(place), "/required: '", shown(*name),
             "' is not among the properties");
      }
      found->second->required = true;
    }
    return out;
  }

  static std::vector<const std::string*> required(const JsonObject& object, const std::string& place) {
    std::vector<const std::string*> out;
    const JsonValue* value = object.find("required");
    if (value == nullptr) return out;
    const formats::JsonArray* names = value->array();
    if (names == nullptr) wrong(place + "/required", "an array of names", *value);
    for (const JsonValue& name : *names) {
      if (name.string() == nullptr) wrong(place + "/required", "an array of names", name);
      out.push_back(name.string());
    }
    return out;
  }

  // No properties are listed: any names, with values as additionalProperties says.
  Schema read_map(const JsonObject& object, const std::string& place) {
    if (!required(object, place).empty()) {
      fail(ErrorCode::kUnsupported, "schema: ", shown(place),
           ": 'required' without 'properties' is not supported");
    }
    static const JsonValue kAnything(true);
    const JsonValue* values = object.find("additionalProperties");
    const std::string here = place + "/additionalProperties";
    return {.kind = Kind::kMap, .place = place, .parts = {at(values != nullptr ? *values : kAnything, here)}};
  }

  Schema read_literals(const JsonObject& object, const std::vector<std::string>& types,
                       const std::string& place) {
    Schema out{.kind = Kind::kLiterals, .place = place};
    const JsonValue* only = object.find("const");
    const JsonValue* list = object.find("enum");
    if (only != nullptr && list != nullptr) check_alone(object, "const", place);
    const std::string here = place + (only != nullptr ? "/const" : "/enum");
    const std::uint32_t most = count(object, "maxLength", kNoLimit, place);
    const auto add = [&](const JsonValue& value) {
      const bool typed = std::any_of(types.begin(), types.end(),
                                     [&](const std::string& type) { return has_type(value, type); });
      if (!types.empty() && !typed) return;
      if (const std::string* text = value.string(); text && base::count_code_points(*text) > most) return;
      out.literals.push_back(literal(value, here));
    };
    if (only != nullptr) {
      add(*only);
    } else {
      const formats::JsonArray* values = list->array();
      if (values == nullptr || values->empty()) wrong(here, "an array of values", *list);
      for (const JsonValue& value : *values) add(value);
    }
    if (out.literals.empty()) fail(kInvalid, "schema: ", shown(here), ": no value fits the other keywords");
    return out;
  }

  static std::string literal(const JsonValue& value, const std::string& place) {
    if (value.is_null()) return "null";
    if (const bool* held = value.boolean()) return *held ? "true" : "false";
    if (const std::uint64_t* held = value.whole()) return base::cat(*held);
    if (const std::int64_t* held = value.negative()) return base::cat(*held);
    if (const std::string* held = value.string()) return formats::json_quote(*held);
    if (value.number()) return base::cat(*value.number());
    fail(ErrorCode::kUnsupported, "schema: ", shown(place), ": ", value.kind(),
         " is not supported; strings, numbers, true, false and null are");
  }

  const JsonValue& root_;
  std::map<const JsonValue*, int> indices_;
  std::vector<Pending> pending_;
  Document document_;
};

}  // namespace

std::string shown(const std::string& place) {
  constexpr std::size_t kShown = 200;
  std::string out = base::printable(std::string_view(place).substr(0, kShown));
  return place.size() > kShown ? out + "..." : out;
}

Document parse_schema(std::string_view text) {
  if (text.size() > kMaxSchemaBytes) {
    fail(ErrorCode::kUnsupported, "schema: expected at most ", kMaxSchemaBytes, " bytes, got ", text.size());
  }
  try {
    const JsonValue root = formats::parse_json(text, "schema");
    return Parser(root).run();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    throw Error(kInvalid, error.what());  // here it is what the caller asked for, not a file
  }
}

}  // namespace moonbeam::grammar
