// The tree of a JSON text: kinds of numbers, what messages call a value, and the limits.
#include "formats/json_value.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <limits>

namespace moonbeam::formats {
namespace {

JsonValue parse(const std::string& text) {
  return parse_json(text, "f.json");
}

std::string refused(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(JsonValue, WholeNumbersAreExactAndOthersAreDoubles) {
  EXPECT_EQ(*parse("18446744073709551615").whole(), 18446744073709551615u);
  EXPECT_EQ(*parse("-9223372036854775808").negative(), std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"1.0", "1e3", "-0.5", "18446744073709551616", "-9223372036854775809"}) {
    const JsonValue value = parse(text);
    EXPECT_TRUE(!value.whole() && !value.negative()) << text;
    EXPECT_EQ(value.number(), std::stod(text)) << text;
  }
  EXPECT_EQ(parse("-3").number(), -3.0);
  EXPECT_EQ(parse("3").number(), 3.0);
  EXPECT_FALSE(parse("\"3\"").number());
}

TEST(JsonValue, MessagesSayTheKindAndAShortValue) {
  EXPECT_EQ(parse("null").described(), "null");
  EXPECT_EQ(parse("true").described(), "true");
  EXPECT_EQ(parse("7").described(), "a number 7");
  EXPECT_EQ(parse("-7").described(), "a negative number -7");
  EXPECT_EQ(parse("0.5").described(), "a fractional number 0.5");
  EXPECT_EQ(parse("\"a\\nb\"").described(), "a string \"a\\x0ab\"");
  EXPECT_EQ(parse("\"" + std::string(41, 'x') + "\"").described(), "a string");
  EXPECT_EQ(parse("[1]").described(), "an array");
  EXPECT_EQ(parse("{}").described(), "an object");
}

TEST(JsonValue, MembersAreFoundByKeyAndStandThereOnce) {
  const JsonValue value = parse(R"({"b": 1, "a": [true, "x"], "c": null})");
  ASSERT_TRUE(value.object());
  EXPECT_EQ(value.object()->members[0].first, "a");
  EXPECT_EQ(*value.object()->find("a")->array()->at(0).boolean(), true);
  EXPECT_TRUE(value.object()->find("c")->is_null());
  EXPECT_EQ(value.object()->find("d"), nullptr);
  EXPECT_EQ(refused(R"({"a": 1, "a": 2})"), "f.json: 'a' stands there twice");
}

TEST(JsonValue, DepthIsLimited) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(refused(nested(kMaxJsonDepth)), "");
  EXPECT_EQ(refused(nested(kMaxJsonDepth + 1)), "f.json: JSON nested deeper than 32");
  EXPECT_EQ(refused(nested(100'000)), "f.json: JSON nested deeper than 32");
}

TEST(JsonValue, BrokenTextIsRefusedWithItsPlace) {
  EXPECT_EQ(refused("{\"a\": }"), "f.json: not valid JSON at byte 7");
  for (const std::string text : {"", "{", "[1,]", "nul", "1e999", "\"\xff\"", "{} {}", "\"\\ud800\""}) {
    EXPECT_TRUE(refused(text).starts_with("f.json: not valid JSON")) << text;
  }
  EXPECT_EQ(refused(std::string("{}\0x", 4)), "f.json: not valid JSON at byte 3");
}

TEST(JsonValue, QuotingGivesJsonBack) {
  EXPECT_EQ(json_quote("a\"\n\u00e9"), "\"a\\\"\\n\u00e9\"");
  EXPECT_EQ(*parse(json_quote("a\"\n\u00e9")).string(), "a\"\n\u00e9");
  EXPECT_THROW(json_quote("\xff"), Error);
}

}  // namespace
}  // namespace moonbeam::formats
