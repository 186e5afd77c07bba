#include "grammar/automaton.h"

#include <gtest/gtest.h>

#include "grammar/testing.h"
#include "moonbeam/error.h"

namespace moonbeam::grammar {
namespace {

Automaton automaton(std::string_view schema) {
  return Automaton(std::make_shared<const Grammar>(compile(parse_schema(schema))));
}

bool accepts(std::string_view schema, std::string_view text) {
  Automaton a = automaton(schema);
  const Automaton::State end = a.run(a.start(), text);
  return end != Automaton::kDead && a.complete(end);
}

std::string completed(std::string_view schema, std::string_view text) {
  Automaton a = automaton(schema);
  const Automaton::State end = a.run(a.start(), text);
  return end != Automaton::kDead ? std::string(text) + a.completion(end) : "dead";
}

constexpr std::string_view kPerson = R"({"type": "object",
  "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array",
  "items": {"enum": ["red", "green", "re\"d"]}, "minItems": 1, "maxItems": 2}}, "required": ["name", "tags"]})";

TEST(Automaton, TakesPropertiesInTheirOrderAndLeavesOutWhatIsOptional) {
  EXPECT_TRUE(accepts(kPerson, R"({"name": "Jo", "age": 5, "tags": ["red"]})"));
  EXPECT_TRUE(accepts(kPerson, R"({"name": "", "tags": ["green", "re\"d"]})"));
  EXPECT_FALSE(accepts(kPerson, R"({"age": 5, "name": "Jo", "tags": ["red"]})"));
  EXPECT_FALSE(accepts(kPerson, R"({"name": "Jo", "age": 5})"));
  EXPECT_FALSE(accepts(kPerson, R"({"name": "Jo", "tags": []})"));
  EXPECT_FALSE(accepts(kPerson, R"({"name": "Jo", "tags": ["red", "red", "red"]})"));
  EXPECT_FALSE(accepts(kPerson, R"({"name": "Jo", "name": "Jo", "tags": ["red"]})"));
  EXPECT_FALSE(accepts(kPerson, R"({"name": "Jo", "other": 1, "tags": ["red"]})"));
  EXPECT_FALSE(accepts(kPerson, R"({"name": "Jo", "tags": ["red"]} )"));
}

TEST(Automaton, HasOneFormOfWhiteSpace) {
  EXPECT_FALSE(accepts(kPerson, R"({"name":"Jo","tags":["red"]})"));
  EXPECT_FALSE(accepts(kPerson, R"({ "name": "Jo", "tags": ["red"]})"));
  EXPECT_FALSE(accepts(kPerson, "{\"name\": \"Jo\",\n\"tags\": [\"red\"]}"));
}

TEST(Automaton, KeepsStringsToUtf8AndEscapes) {
  const auto string = [](std::string_view text) { return accepts(R"({"type": "string"})", text); };
  EXPECT_TRUE(string("\"caf\xC3\xA9 \xE7\x8C\xAB \xF0\x9F\x98\x80\""));
  EXPECT_TRUE(string(R"("\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00\ud83d\ude00\uFFFF")"));
  for (const char* bad :
       {"\"\x80\"", "\"\xC0\x80\"", "\"\xE0\x80\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
        "\"\xF5\x80\x80\x80\"", "\"\xC3\"", "\"\n\"", "\"\x1F\"", R"("\x41")", R"("\u12G4")", R"("\uDC00")",
        R"("\uD800")", R"("\uD800A")", R"("\uD800\n")", R"("\uD800\u0041")"}) {
    EXPECT_FALSE(string(bad)) << bad;
  }
}

TEST(Automaton, CountsCharactersNotBytes) {
  constexpr std::string_view kTwo = R"({"type": "string", "maxLength": 2})";
  EXPECT_TRUE(accepts(kTwo, "\"\xE7\x8C\xAB\xF0\x9F\x98\x80\""));
  EXPECT_TRUE(accepts(kTwo, R"("\n\uD83D\uDE00")"));
  EXPECT_FALSE(accepts(kTwo, "\"abc\""));
  EXPECT_TRUE(accepts(R"({"type": "string", "maxLength": 0})", "\"\""));
}

TEST(Automaton, KnowsNumbersByTheirGrammar) {
  for (const char* good : {"0", "-0", "7", "-120", "123456789012345678"}) {
    EXPECT_TRUE(accepts(R"({"type": "integer"})", good)) << good;
    EXPECT_TRUE(accepts(R"({"type": "number"})", good)) << good;
  }
  for (const char* bad : {"01", "-", "+1", "1.0", "1e2", "1234567890123456789", "--1", ""}) {
    EXPECT_FALSE(accepts(R"({"type": "integer"})", bad)) << bad;
  }
  for (const char* good : {"0.5", "-1.25e-7", "1E+30", "0e0"}) {
    EXPECT_TRUE(accepts(R"({"type": "number"})", good)) << good;
  }
  for (const char* bad :
       {"1.", ".5", "1e", "1e+", "1e400", "1.5.5", "00.5", "1e5.0", "1.123456789012345678"}) {
    EXPECT_FALSE(accepts(R"({"type": "number"})", bad)) << bad;
  }
}

TEST(Automaton, EndsANumberWhereItsHolderGoesOn) {
  constexpr std::string_view kNumbers = R"({"type": "array", "items": {"anyOf": [{"type": "integer"},
    {"enum": [1, 1.5, 12]}, {"type": "number"}]}, "maxItems": 3})";
  EXPECT_TRUE(accepts(kNumbers, "[1, 1.5, 12]"));
  EXPECT_TRUE(accepts(kNumbers, "[]"));
  EXPECT_FALSE(accepts(kNumbers, "[1,]"));
  EXPECT_FALSE(accepts(kNumbers, "[1, 2, 3, 4]"));
}

TEST(Automaton, FollowsEveryAlternativeThatBeginsAlike) {
  constexpr std::string_view kShapes = R"({"anyOf": [
    {"type": "object", "properties": {"kind": {"const": "box"}, "side": {"type": "number"}}, "required": ["kind", "side"]},
    {"type": "object", "properties": {"kind": {"const": "ball"}, "radius": {"type": "number"}}, "required": ["kind", "radius"]},
    {"type": "string"}, {"enum": ["box", null]}]})";
  EXPECT_TRUE(accepts(kShapes, R"({"kind": "box", "side": 1})"));
  EXPECT_TRUE(accepts(kShapes, R"({"kind": "ball", "radius": 2.5})"));
  EXPECT_FALSE(accepts(kShapes, R"({"kind": "ball", "side": 1})"));
  EXPECT_TRUE(accepts(kShapes, R"("box")"));
  EXPECT_TRUE(accepts(kShapes, "null"));
  EXPECT_EQ(completed(kShapes, R"({"kind": "ba)"), R"({"kind": "ball", "radius": 0})");
}

TEST(Automaton, EndsRecursionAtTheDeepestLevel) {
  constexpr std::string_view kTree = R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
    "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}, "required": ["v"]}}})";
  std::string deep = R"({"v": 0})";
  for (int level = 1; level < kMaxNesting; ++level) deep = R"({"v": 0, "next": )" + deep + "}";
  EXPECT_TRUE(accepts(kTree, deep));
  EXPECT_FALSE(accepts(kTree, R"({"v": 0, "next": )" + deep + "}"));
}

TEST(Automaton, TakesAnyObjectAndAnyValue) {
  Automaton any(std::make_shared<const Grammar>(compile_json_object()));
  const auto takes = [&](std::string_view text) {
    const Automaton::State end = any.run(any.start(), text);
    return end != Automaton::kDead && any.complete(end);
  };
  EXPECT_TRUE(takes(R"({})"));
  EXPECT_TRUE(takes(R"({"a": [1, "b", null, true, {"": -1.5e3}], "a": {}})"));
  EXPECT_FALSE(takes("[]"));
  EXPECT_FALSE(takes(R"({"a"})"));
  EXPECT_TRUE(takes(R"({"a": [[[[[[[]]]]]]]})"));
  EXPECT_FALSE(takes(R"({"a": [[[[[[[[]]]]]]]]})"));
}

TEST(Automaton, FindsTheShortestEndFromAnyPlace) {
  EXPECT_EQ(completed(kPerson, ""), R"({"name": "", "tags": ["red"]})");
  EXPECT_EQ(completed(kPerson, "{\"n"), R"({"name": "", "tags": ["red"]})");
  EXPECT_EQ(completed(kPerson, R"({"name": "Jo", "a)"), R"({"name": "Jo", "age": 0, "tags": ["red"]})");
  EXPECT_EQ(completed(kPerson, R"({"name": "Jo", "age": -)"),
            R"({"name": "Jo", "age": -0, "tags": ["red"]})");
  EXPECT_EQ(completed(kPerson, R"({"name": "Jo", "tags": ["gr)"), R"({"name": "Jo", "tags": ["green"]})");
  EXPECT_EQ(completed(kPerson, R"({"name": "Jo", "tags": ["red", )"),
            R"({"name": "Jo", "tags": ["red", "red"]})");
  EXPECT_EQ(completed(R"({"type": "array", "items": {"type": "number"}, "minItems": 3})", "[1."),
            "[1.0, 0, 0]");
  EXPECT_EQ(completed(R"({"type": "object"})", R"({"a)"), R"({"a": 0})");
  EXPECT_EQ(completed(R"({"type": "object"})", R"({"a": [{"b": 1, )"), R"({"a": [{"b": 1, "": 0}]})");
}

// Random values in the engine's own spelling are taken, and every beginning of them can be completed to a
// text that an independent parser and check accept.
TEST(Automaton, TakesWhatFitsAndCompletesEveryBeginning) {
  int values = 0;
  for (unsigned seed = 0; seed < 1500; ++seed) {
    testing::Maker make(seed);
    const testing::Json schema = make.schema();
    std::shared_ptr<const Grammar> grammar;
    try {
      grammar = std::make_shared<const Grammar>(compile(parse_schema(schema.dump())));
    } catch (const Error& error) {
      FAIL() << error.what() << "\n" << schema.dump();
    }
    Automaton a(grammar);
    const testing::Json value = make.value(schema, schema);
    if (!testing::fits(schema, schema, value) || testing::nesting(value) > kMaxNesting) continue;
    ++values;
    const std::string text = testing::written(value);
    Automaton::State state = a.start();
    for (std::size_t i = 0; i <= text.size(); ++i) {
      ASSERT_NE(state, Automaton::kDead) << schema.dump() << "\n" << text.substr(0, i);
      if (!a.inside_unit(state)) {
        const std::string whole = text.substr(0, i) + a.completion(state);
        const Automaton::State end = a.run(state, a.completion(state));
        ASSERT_TRUE(end != Automaton::kDead && a.complete(end)) << schema.dump() << "\n" << whole;
        const auto parsed = testing::Json::parse(whole, nullptr, false);
        ASSERT_TRUE(!parsed.is_discarded() && testing::fits(schema, schema, parsed)) << schema.dump() << "\n"
                                                                                     << whole;
      }
      if (i < text.size()) state = a.step(state, static_cast<std::uint8_t>(text[i]));
    }
    ASSERT_TRUE(a.complete(state)) << schema.dump() << "\n" << text;
  }
  EXPECT_GT(values, 1000);
}

TEST(Automaton, ForgetsStatesAndGoesOn) {
  Automaton a = automaton(kPerson);
  Automaton::State state = a.run(a.start(), R"({"name": "Some longer text)");
  const std::size_t before = a.bytes();
  Automaton::State* kept[] = {&state};
  a.keep_only(kept);
  EXPECT_LT(a.bytes(), before);
  state = a.run(state, R"(", "tags": ["red"]})");
  ASSERT_NE(state, Automaton::kDead);
  EXPECT_TRUE(a.complete(state) && a.ended(state));
}

}  // namespace
}  // namespace moonbeam::grammar
