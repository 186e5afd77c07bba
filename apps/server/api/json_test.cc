// JSON in and out.
#include <gtest/gtest.h>

#include <limits>

#include "server/api/json_in.h"
#include "server/api/json_out.h"
#include "server/http/refusal.h"

namespace moonbeam::server {
namespace {

using Kind = JsonIn::Kind;

/// Its message, after "param: "; empty if it was read.
std::string refusal_of_json(const std::string& text) {
  try {
    const JsonDocument document(text);
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status, 400);
    EXPECT_EQ(refusal.code, "invalid_json");
    return refusal.param + "|" + refusal.what();
  }
  return "";
}

TEST(JsonIn, ReadsEveryKindOfValue) {
  const std::string text =
      R"( {"a": null, "b": true, "c": [1, -2.5e3, "x", {}], "d": {"e": "caf\u00e9 \"q\" 日"}, "": 0} )";
  const JsonDocument document(text);
  const JsonIn& root = document.root();
  ASSERT_TRUE(root.is(Kind::kObject));
  EXPECT_TRUE(root.find("a")->is(Kind::kNull));
  EXPECT_TRUE(root.find("b")->boolean);
  const auto& items = root.find("c")->items;
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0].number, 1);
  EXPECT_EQ(items[1].number, -2500);
  EXPECT_EQ(items[1].text, "-2.5e3");
  EXPECT_EQ(items[2].text, "x");
  EXPECT_TRUE(items[3].is(Kind::kObject));
  EXPECT_EQ(root.find("d")->find("e")->text, "café \"q\" 日");
  EXPECT_EQ(root.find("")->number, 0);
  EXPECT_EQ(root.find("missing"), nullptr);
  EXPECT_EQ(items[0].find("x"), nullptr);
}

TEST(JsonIn, LeavesLongStringsWhereTheyLie) {
  std::string text = R"({"image_url": ")" + std::string(1 << 20, 'A') + R"("   , "x": 1})";
  text.reserve(text.size() + 64);
  const JsonDocument document(text);
  const std::string_view image = document.root().find("image_url")->text;
  EXPECT_EQ(image.size(), 1u << 20);
  EXPECT_EQ(image.data(), text.data() + 15);
}

TEST(JsonIn, ReadsABodyWithNoRoomBehindIt) {
  for (std::size_t size = 1; size < 200; ++size) {
    std::string text = R"({"a": ")" + std::string(size, 'x') + R"("})";
    text.shrink_to_fit();
    EXPECT_EQ(JsonDocument(text).root().find("a")->text.size(), size);
  }
}

TEST(JsonIn, TakesTheLastOfTwoMembersOfOneName) {
  EXPECT_EQ(JsonDocument(R"({"a": 1, "a": 2})").root().find("a")->number, 2);
}

TEST(JsonIn, NamesTheMemberThatIsNoJson) {
  EXPECT_EQ(refusal_of_json(R"({"top_p": NaN})"), "top_p|top_p: expected JSON");
  EXPECT_EQ(
      refusal_of_json(R"({"settings": {"temperature": 1e309}})"),
      "settings.temperature|settings.temperature: expected a number that fits in 64 bits of floating point");
  EXPECT_EQ(refusal_of_json(R"({"a": [1, tru]})"), "a[1]|a[1]: expected JSON");
  EXPECT_EQ(refusal_of_json(R"({"question": "\ud83d"})"),
            "question|question: expected a string whose escapes are whole characters");
  EXPECT_EQ(refusal_of_json(R"({"a": "\x"})"), "a|a: expected a string whose escapes are whole characters");
}

TEST(JsonIn, RefusesWhatIsNotOneWholeDocument) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":1}}",
                           "{\"a\":1} x",
                           "{\"a\":1}{\"b\":1}",
                           "[1] [2]",
                           "[1,]",
                           "[1 2]",
                           "{\"a\": 01}",
                           "{\"a\": +1}",
                           "{\"a\": .5}",
                           "{\"a\": 1.}",
                           "{\"a\": 0x1}",
                           "{\"a\": \"x}",
                           "{a: 1}",
                           "{\"a\": 'x'}",
                           "{\"a\": \"x\ny\"}",
                           "{\"a\": nul}",
                           "{\"a\": truex}",
                           "{\"a\": -}",
                           "{\"a\": 1e}",
                           "{\"a\": [}",
                           "{\"a\": [1}",
                           "{\"a\": {]}",
                           "{,}",
                           "[,]",
                           "1",
                           "\"x\"",
                           "null",
                           "{1: 2}"})
    EXPECT_NE(refusal_of_json(text), "") << text;
  EXPECT_EQ(refusal_of_json("{\"a\": \"\xff\"}"), "|the body: expected UTF-8");
  EXPECT_EQ(refusal_of_json(std::string("{\"a\": 1\0}", 9)).substr(0, 2), "a|");
}

TEST(JsonIn, StopsAtItsDepthHoweverDeepTheText) {
  const auto nested = [](std::size_t depth, const std::string& open, const std::string& close) {
    std::string out = "{\"unknown\": ";
    for (std::size_t i = 0; i < depth; ++i) out += open;
    out += "1";
    for (std::size_t i = 0; i < depth; ++i) out += close;
    return out + "}";
  };
  EXPECT_EQ(refusal_of_json(nested(31, "[", "]")), "");
  EXPECT_EQ(refusal_of_json(nested(32, "[", "]")), "|the body: expected at most 32 levels of nesting");
  EXPECT_EQ(refusal_of_json(nested(100'000, "[", "]")), "|the body: expected at most 32 levels of nesting");
  EXPECT_EQ(refusal_of_json(nested(100'000, "{\"a\":", "}")),
            "|the body: expected at most 32 levels of nesting");
  EXPECT_NE(refusal_of_json(std::string(100'000, '[')), "");
}

TEST(JsonIn, StopsAtItsNumberOfValues) {
  std::string text = "{\"a\": [";
  for (int i = 0; i < JsonDocument::kMaxValues; ++i) text += "0,";
  EXPECT_EQ(refusal_of_json(text + "0]}"), "|the body: expected at most 100000 values");
}

TEST(JsonOut, IsAsciiWhateverTheText) {
  EXPECT_EQ(json_text({{"text", "café 月 😀"}}), R"({"text":"caf\u00e9 \u6708 \ud83d\ude00"})");
  EXPECT_EQ(json_text({{"text",
                        "a\xff"
                        "b"}}),
            R"({"text":"a\ufffdb"})");
  EXPECT_EQ(json_text({{"b", 1}, {"a", 2}}), R"({"b":1,"a":2})");
}

TEST(JsonOut, HasAtMostSixDecimalsAndNeverNaN) {
  EXPECT_EQ(json_text(rounded(1.0 / 3)), "0.333333");
  EXPECT_EQ(json_text(rounded(0.5)), "0.5");
  EXPECT_EQ(json_text(rounded(8.123457)), "8.123457");
  EXPECT_EQ(json_text(rounded(12345.6789012)), "12345.679");  // 24 bits
  EXPECT_EQ(json_text(rounded(-1e-9)), "0.0");
  EXPECT_EQ(json_text(rounded(std::numeric_limits<double>::quiet_NaN())), "0.0");
  EXPECT_EQ(json_text(rounded(std::numeric_limits<double>::infinity())), "0.0");
}

TEST(JsonOut, CoordinatesAreWrittenWithTheirDecimalsAndNoMore) {
  for (int millionths = 0; millionths <= 1'000'000; ++millionths) {
    const std::string text = json_text(rounded(millionths / 1e6));
    ASSERT_EQ(std::stod(text), millionths / 1e6) << text;
    if (text.find('e') == std::string::npos) {
      ASSERT_LE(text.size(), std::string_view("0.123456").size()) << text;
    }
  }
}

}  // namespace
}  // namespace moonbeam::server
