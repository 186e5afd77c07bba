#include "live/session/messages.h"

#include <limits>

#include "live/session/testing.h"

namespace moonbeam::live {
namespace {

using testing::Json;
using testing::test_model;

Message parsed(const Json& json) {
  return parse_message(json.dump(), test_model());
}

std::string refusal(const std::string& text, const ModelInfo& info = test_model()) {
  try {
    parse_message(text, info);
  } catch (const BadMessage& bad) {
    return bad.code();
  }
  return "taken";
}

TEST(LiveMessages, ATaskHasItsDefaults) {
  const Message message = parsed({{"t", "task"}, {"skill", "query"}, {"question", "Why?"}, {"rev", 7}});
  EXPECT_EQ(message.kind, Message::Kind::kTask);
  EXPECT_EQ(message.rev, 7);
  EXPECT_EQ(message.task.skill, Skill::kQuery);
  EXPECT_EQ(message.task.question, "Why?");
  EXPECT_EQ(message.task.max_tokens, 64);
  EXPECT_TRUE(message.task.skip_unchanged);
}

TEST(LiveMessages, LargeCountsAreClippedAndUnknownFieldsIgnored) {
  const Message message =
      parsed({{"t", "task"}, {"skill", "caption"}, {"rev", 1}, {"max_tokens", 1e9}, {"x", 1}});
  EXPECT_EQ(message.task.max_tokens, 768);
}

TEST(LiveMessages, AVariantWithoutShortCaptionsGivesNormalOnes) {
  ModelInfo info = test_model();
  info.caption_lengths = {"normal"};
  const Message message = parse_message(R"({"t":"task","skill":"caption","length":"long","rev":1})", info);
  EXPECT_EQ(message.task.length, CaptionLength::kNormal);
}

TEST(LiveMessages, UnknownKindsAreLeftToLaterVersions) {
  EXPECT_EQ(parsed({{"t", "dance"}}).kind, Message::Kind::kUnknown);
  EXPECT_EQ(parsed(Json::object()).kind, Message::Kind::kUnknown);
}

TEST(LiveMessages, BadValuesAreRefusedByCode) {
  EXPECT_EQ(refusal("{"), "invalid_json");
  EXPECT_EQ(refusal("[]"), "invalid_json");
  EXPECT_EQ(refusal("\"\xff\""), "invalid_json");
  EXPECT_EQ(refusal(std::string(kMaxTextBytes + 1, ' ')), "body_too_large");
  const Json task = {{"t", "task"}, {"skill", "query"}, {"question", "Why?"}, {"rev", 1}};
  const auto with = [&](const char* field, const Json& value) {
    Json changed = task;
    changed[field] = value;
    return refusal(changed.dump());
  };
  for (const Json& value : {Json(3), Json(true), Json::array(), Json::object(), Json(""), Json("  "),
                            Json(std::string(8193, 'x')), Json(nullptr)}) {
    EXPECT_EQ(with("question", value), "invalid_value") << value;
  }
  for (const Json& value : {Json(-1), Json(1.5), Json(1e300), Json("1"), Json(nullptr)}) {
    EXPECT_EQ(with("rev", value), "invalid_value") << value;
  }
  EXPECT_EQ(with("skill", "dance"), "invalid_value");
  EXPECT_EQ(with("skill", nullptr), "invalid_value");
  EXPECT_EQ(with("max_tokens", 0), "invalid_value");
  EXPECT_EQ(with("skip_unchanged", "yes"), "invalid_value");
  EXPECT_EQ(with("t", 5), "invalid_value");
}

TEST(LiveMessages, AModelWithoutRegionHeadsSaysSo) {
  ModelInfo info = test_model();
  info.can_detect = false;
  EXPECT_EQ(refusal(R"({"t":"task","skill":"point","object":"cat","rev":1})", info), "unsupported_task");
  EXPECT_EQ(Json::parse(write_hello(info, {})).at("skills"), (Json{"caption", "query"}));
}

TEST(LiveMessages, TextIsAsciiOnTheWire) {
  const std::string token = write_token(3, "caf\u00e9 \u6708");
  for (const char c : token) EXPECT_LT(static_cast<unsigned char>(c), 128);
  EXPECT_EQ(Json::parse(token).at("s"), "caf\u00e9 \u6708");
}

TEST(LiveMessages, ResultsHaveShortNumbersAndNeverNan) {
  Answer answer{.skill = Skill::kDetect};
  answer.boxes = {{0.1 + 0.2, 1.0 / 3, std::numeric_limits<double>::quiet_NaN(), 1}};
  answer.timing.decode_ms = 0;
  answer.timing.tokens = 5;
  const std::string text = write_result(9, 2, 123.5, answer, {});
  EXPECT_NE(text.find("{\"x_min\":0.3,\"y_min\":0.333333,\"x_max\":0,\"y_max\":1.0}"), std::string::npos)
      << text;
  const Json json = Json::parse(text);
  EXPECT_EQ(json.at("ts"), 123.5);
  EXPECT_EQ(json.at("timing").at("tok_s"), 0);
  EXPECT_FALSE(json.contains("answer"));
}

}  // namespace
}  // namespace moonbeam::live
