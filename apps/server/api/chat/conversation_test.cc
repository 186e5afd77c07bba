// What of a conversation counts.
#include "server/api/chat/conversation.h"

#include <gtest/gtest.h>

#include "server/api/chat/testing.h"
#include "server/http/refusal.h"

namespace moonbeam::server {
namespace {

using testing::json;

class Conversation : public ::testing::Test {
 protected:
  void open(Model model) {
    service_ = std::make_unique<Service>();
    service_->open(std::move(model));
  }
  Prompt flat(json messages, int context = 2048, int answer = 64) {
    // A list of one in braces is what stands in it.
    if (!messages.is_array()) messages = json::array({messages});
    if (!service_) open(testing::starter());
    text_ = json{{"messages", messages}}.dump();
    document_ = std::make_unique<JsonDocument>(text_);
    warnings_.clear();
    return flatten(read_openai_messages(*document_->root().find("messages"), warnings_), *service_, context,
                   answer, warnings_);
  }
  static json said(const char* role, json content) {
    if (content.is_object()) content = json::array({content});
    return {{"role", role}, {"content", std::move(content)}};
  }
  static json picture(const char* uri) { return {{"type", "image_url"}, {"image_url", uri}}; }

  std::unique_ptr<Service> service_;
  std::string text_;
  std::unique_ptr<JsonDocument> document_;
  std::vector<std::string> warnings_;
};

TEST_F(Conversation, TextsAndPartsSayTheSame) {
  EXPECT_EQ(flat({said("user", "What?")}).question, "What?");
  EXPECT_EQ(flat({said("user", {testing::text_part("What?")})}).question, "What?");
  EXPECT_EQ(flat({said("user", {testing::text_part("Image 1:"), picture("a"), testing::text_part("What?")})})
                .question,
            "Image 1:\nWhat?");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Conversation, PicturesAreFoundInBothForms) {
  const Prompt prompt =
      flat({said("user", {picture("plain"), {{"type", "image_url"}, {"image_url", {{"url", "inner"}}}}})});
  ASSERT_EQ(prompt.pictures.size(), 2u);
  EXPECT_EQ(prompt.pictures[0].uri, "plain");
  EXPECT_EQ(prompt.pictures[0].field, "messages[0].content[0].image_url");
  EXPECT_EQ(prompt.pictures[1].uri, "inner");
  EXPECT_EQ(prompt.pictures[1].field, "messages[0].content[1].image_url.url");
  EXPECT_EQ(prompt.question, "");
}

TEST_F(Conversation, ThePictureIsTheLastOneHoweverLongAgo) {
  const Prompt prompt = flat({said("user", {picture("first")}), said("assistant", "A dog."),
                              said("user", {picture("second"), testing::text_part("And here?")}),
                              said("assistant", "A cat."), said("user", "Which colour?")});
  ASSERT_EQ(prompt.pictures.size(), 1u);
  EXPECT_EQ(prompt.pictures[0].uri, "second");
  EXPECT_EQ(prompt.question, "Which colour?");
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_EQ(warnings_[0], "messages: pictures of earlier turns are left out: 1");
}

TEST_F(Conversation, APictureAndItsQuestionMayComeInMessagesOfTheirOwn) {
  const Prompt prompt = flat({said("user", {picture("a")}), said("user", "What?"), said("assistant", "")});
  EXPECT_EQ(prompt.question, "What?");
  EXPECT_EQ(prompt.pictures.size(), 1u);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Conversation, TheSystemSpeaksBeforeTheQuestion) {
  const Prompt prompt =
      flat({said("system", "Be brief."), said("user", "What?"), said("developer", "Be kind.")});
  EXPECT_EQ(prompt.question, "Be brief.\nBe kind.\nWhat?");
  EXPECT_EQ(prompt.last, "What?");
}

TEST_F(Conversation, OnlyTheLastQuestionCountsWhereThePromptIsMadeOfTokens) {
  const json talk = {said("user", "Who?"), said("assistant", "A dog."), said("user", "Where?")};
  EXPECT_EQ(flat(talk).question, "Where?");
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(Conversation, EarlierTurnsStandInAPlainPromptAsTheModelWouldHaveSeenThem) {
  open(testing::plain_starter());
  const json talk = {said("user", "Who?"), said("assistant", "A dog."), said("user", "Where?")};
  // Between "Question: " and "Answer:" of the prompt itself.
  EXPECT_EQ(flat(talk).question, "Who?\n\nAnswer: A dog.\n\nQuestion: Where?");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Conversation, OfLongHistoriesTheLatestTurnsAreKept) {
  open(testing::plain_starter());
  json talk = json::array();
  for (int i = 0; i < 500; ++i) {
    talk.push_back(said("user", "Question number " + std::to_string(i) + "?"));
    talk.push_back(said("assistant", "Yes."));
  }
  talk.push_back(said("user", "Where?"));
  const Prompt prompt = flat(talk, 512, 64);
  EXPECT_NE(prompt.question.find("number 499?"), std::string::npos);
  EXPECT_EQ(prompt.question.find("number 300?"), std::string::npos);
  EXPECT_LE(service_->model().encode(prompt.question).size(), 448u);
  EXPECT_GE(service_->model().encode(prompt.question).size(), 300u);
}

TEST_F(Conversation, ToolsAndRefusalsAreLeftOut) {
  const Prompt prompt = flat({said("user", "What?"), said("assistant", nullptr), said("tool", "42"),
                              said("assistant", json::array({{{"type", "refusal"}, {"refusal", "No."}}}))});
  EXPECT_EQ(prompt.question, "What?");
  EXPECT_EQ(warnings_, (std::vector<std::string>{"messages: what tools have said is left out"}));
}

TEST_F(Conversation, WhatCannotBeReadIsNamed) {
  const auto field = [&](const json& messages) -> std::string {
    try {
      flat(messages);
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.status, 400);
      return refusal.code + " " + refusal.param;
    }
    return "read";
  };
  EXPECT_EQ(field(json::array({"x"})), "invalid_value messages[0]");
  EXPECT_EQ(field({{{"content", "x"}}}), "missing_field messages[0].role");
  EXPECT_EQ(field({said("user", "a"), said("robot", "x")}), "invalid_value messages[1].role");
  EXPECT_EQ(field({said("user", 5)}), "invalid_value messages[0].content");
  EXPECT_EQ(field({said("user", json::array({"x"}))}), "invalid_value messages[0].content[0]");
  EXPECT_EQ(field({said("user", json::array({{{"text", "x"}}}))}),
            "missing_field messages[0].content[0].type");
  EXPECT_EQ(field({said("user", json::array({{{"type", "text"}}}))}),
            "missing_field messages[0].content[0].text");
  EXPECT_EQ(field({said("user", json::array({{{"type", "input_audio"}}}))}),
            "unsupported_option messages[0].content[0].type");
  EXPECT_EQ(field({said("user", json::array({{{"type", "image_url"}, {"image_url", 5}}}))}),
            "invalid_value messages[0].content[0].image_url");
  EXPECT_EQ(field({said("user", json::array({{{"type", "image_url"}, {"image_url", json::object()}}}))}),
            "missing_field messages[0].content[0].image_url.url");
  EXPECT_EQ(field({said("user", std::string(70'000, 'a'))}), "invalid_value messages");
}

}  // namespace
}  // namespace moonbeam::server
