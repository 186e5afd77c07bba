#include "grammar/schema.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <moonbeam/schema.h>

#include <chrono>
#include <string>

#include "base/text.h"
#include "grammar/grammar.h"

namespace moonbeam::grammar {
namespace {

/// "CODE: message" of what parse() throws, "" if it does not.
std::string refused(std::string_view schema) {
  try {
    ResponseSchema::parse(schema);
    return {};
  } catch (const Error& error) {
    return base::cat(error_code_name(error.code()), ": ", error.what());
  }
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Schema, NamesTheKeywordThatIsNotSupportedAndItsPlace) {
  EXPECT_EQ(refused(R"({"type": "object", "properties": {"a/b": {"type": "string", "pattern": "x"}}})"),
            "unsupported: schema: #/properties/a~1b: 'pattern' is not supported");
  EXPECT_EQ(refused(R"({"anyOf": [{"type": "null"}, {"type": "array", "items": {"not": {}}}]})"),
            "unsupported: schema: #/anyOf/1/items: 'not' is not supported");
  EXPECT_EQ(refused(R"({"$ref": "#/$defs/x", "$defs": {"x": {"oneOf": []}}})"),
            "unsupported: schema: #/$defs/x: 'oneOf' is not supported");
  for (const char* keyword :
       {"minLength", "pattern", "oneOf", "not", "if", "patternProperties", "prefixItems", "uniqueItems",
        "contains", "dependentRequired", "multipleOf", "propertyNames"}) {
    const std::string schema = base::cat("{\"type\": \"string\", \"", keyword, "\": 1}");
    EXPECT_EQ(refused(schema), base::cat("unsupported: schema: #: '", keyword, "' is not supported"));
  }
}

TEST(Schema, IgnoresNotesAndBoundsOnNumbers) {
  EXPECT_EQ(
      refused(
          R"({"$schema": "x", "$id": "y", "$comment": "z", "title": "t", "description": "d", "strict": true,
    "type": "object", "additionalProperties": false, "properties": {"n": {"type": "integer", "minimum": 1,
    "maximum": 5, "exclusiveMinimum": 0, "exclusiveMaximum": 6, "default": 2, "examples": [3], "format": "int32",
    "deprecated": true, "readOnly": true, "writeOnly": false}}})"),
      "");
}

TEST(Schema, RefusesWhatIsNoSchema) {
  EXPECT_EQ(refused("{"), "invalid argument: schema: not valid JSON at byte 2");
  EXPECT_EQ(refused(""), "invalid argument: schema: not valid JSON at byte 1");
  EXPECT_EQ(refused("[]"),
            "invalid argument: schema: #: expected a schema: an object, true or false, got an array");
  EXPECT_EQ(refused(R"({"a": 1, "a": 2})"), "invalid argument: schema: 'a' stands there twice");
  EXPECT_EQ(
      refused(R"({"type": "text"})"),
      "invalid argument: schema: #/type: expected array, boolean, integer, null, number, object or string, "
      "got a string \"text\"");
  EXPECT_EQ(
      refused(R"({"type": "array", "maxItems": -1})"),
      "invalid argument: schema: #/maxItems: expected a whole number, at least 0, got a negative number -1");
  EXPECT_EQ(refused(R"({"type": "object", "properties": {}, "required": ["x"]})"),
            "invalid argument: schema: #/required: 'x' is not among the properties");
  EXPECT_EQ(refused(R"({"enum": []})"),
            "invalid argument: schema: #/enum: expected an array of values, got an array");
  EXPECT_EQ(refused(R"({"enum": ["a"], "type": "integer"})"),
            "invalid argument: schema: #/enum: no value fits the other keywords");
  EXPECT_EQ(
      refused(R"({"enum": [{}]})"),
      "unsupported: schema: #/enum: an object is not supported; strings, numbers, true, false and null are");
}

TEST(Schema, RefusesReferencesToNowhereAndElsewhere) {
  EXPECT_EQ(refused(R"({"$ref": "#/$defs/x"})"), "invalid argument: schema: #/$ref: there is no '#/$defs/x'");
  EXPECT_EQ(refused(R"({"$ref": "other.json"})"),
            "unsupported: schema: #/$ref: expected a place in this schema ('#/...'), got 'other.json'");
  EXPECT_EQ(refused(R"({"$ref": "#/$defs/x", "type": "object", "$defs": {"x": {}}})"),
            "unsupported: schema: #: 'type' beside '$ref' is not supported");
}

TEST(Schema, FollowsReferencesToAnyPlace) {
  EXPECT_EQ(
      refused(R"({"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a", "title": "B"}}})"),
      "");
  EXPECT_EQ(refused(R"({"anyOf": [{"$ref": "#/definitions/a~1b"}, {"$ref": "#/anyOf/2"}, {"type": "null"}],
    "definitions": {"a/b": {"allOf": [{"type": "string"}], "description": "one"}}})"),
            "");
}

TEST(Schema, SaysWhereNoAnswerIsPossible) {
  const std::string never = "invalid argument: schema: no answer of at most 8 levels fits it";
  EXPECT_EQ(refused("false"), never);
  EXPECT_EQ(refused(R"({"$ref": "#"})"), never);
  EXPECT_EQ(refused(R"({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}})"),
            never);
  EXPECT_EQ(refused(R"({"properties": {"next": {"$ref": "#"}}, "required": ["next"]})"), never);
  EXPECT_EQ(refused(R"({"items": {"$ref": "#"}, "minItems": 1})"), never);
  EXPECT_EQ(refused(R"({"items": false, "minItems": 1})"), never);
  EXPECT_EQ(refused(R"({"type": "array", "minItems": 3, "maxItems": 2})"), never);
  EXPECT_EQ(refused(R"({"items": {"$ref": "#"}})"), "");
}

TEST(Schema, RefusesMoreThanEightLevels) {
  std::string schema = R"({"type": "string"})";
  for (int i = 0; i < 8; ++i) schema = R"({"items": )" + schema + "}";
  EXPECT_EQ(refused(schema), "");
  EXPECT_NE(refused(R"({"items": )" + schema + "}").find("expected at most 8 levels"), std::string::npos);
}

TEST(Schema, HostileOnesAreRefusedQuickly) {
  const auto start = std::chrono::steady_clock::now();
  const std::string deep = repeated(R"({"items": )", 100'000) + "{}" + repeated("}", 100'000);
  std::string chain = "{\"$ref\": \"#/$defs/0\", \"$defs\": {";
  for (int i = 0; i < 5000; ++i) chain += base::cat('"', i, "\": {\"$ref\": \"#/$defs/", i + 1, "\"}, ");
  chain += "\"5000\": {}}}";
  std::string wide = "{\"anyOf\": [{\"type\": \"null\"}";
  for (int i = 0; i < 9000; ++i) wide += ", {\"type\": \"integer\"}";
  std::string levels = R"({"type": "string"})";
  for (int i = 0; i < 6; ++i) levels = R"({"type": "array", "minItems": 1000, "items": )" + levels + "}";
  const std::string huge = repeated("[", 1 << 20);
  std::string values = "{\"enum\": [\"x\"";
  for (int i = 0; i < 2500; ++i) values += base::cat(", \"", i, std::string(90, 'y'), '"');
  const std::pair<std::string, std::string> cases[] = {
      {deep, "expected at most 262144 bytes"},
      {deep.substr(0, 200'000), "nested deeper than 32"},
      {huge, "expected at most 262144 bytes"},
      {chain, "more than 64 references in a row"},
      {wide + "]}", "more than 256 alternatives"},
      {levels, "the shortest value has 4002000 bytes"},
      {R"({"type": "array", "minItems": 1e300})", "/minItems: expected at most 1000"},
      {values + "]}", "it is too large"},
      {"{\"type\": \"object\", \"properties\": {\"" + std::string(250'000, 'k') + "\": {}}}",
       "it is too large"},
      {"{\"" + std::string(250'000, '\x7f') + "\": {}}", "...' is not supported"},
  };
  for (const auto& [schema, message] : cases) {
    const std::string got = refused(schema);
    EXPECT_NE(got.find(message), std::string::npos) << schema.substr(0, 100) << "\n" << got.substr(0, 300);
    EXPECT_LT(got.size(), 1500u);
  }
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 20) << "on a busy machine with sanitizers";
}

TEST(Schema, TakesHugeLimits) {
  EXPECT_EQ(refused(R"({"type": "array", "maxItems": 1e18})"), "");
  EXPECT_EQ(refused(R"({"type": "array", "maxItems": 18446744073709551615})"), "");
  EXPECT_EQ(refused(R"({"type": "string", "maxLength": 1e300})"), "");
}

TEST(Schema, NamesTheOutermostKeysInTheirOrder) {
  EXPECT_EQ(ResponseSchema::parse(R"({"properties": {"z": {}, "a": {}, "quo\"te": {}}})").keys(),
            R"("z", "a", "quo\"te")");
  EXPECT_EQ(ResponseSchema::parse(R"({"items": {"properties": {"name": {}}}})").keys(), R"("name")");
  EXPECT_EQ(ResponseSchema::parse(R"({"type": "integer"})").keys(), "");
  EXPECT_EQ(ResponseSchema::json_object().keys(), "");
}

}  // namespace
}  // namespace moonbeam::grammar
