// The mock without sockets: it is a fixed function of what it is asked, errs as told, and says what it is.
#include "data/mockllm/mock.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"

namespace moonbeam::mockllm {
namespace {

using llm::OrderedJson;

MockReply ask(Mock& mock, const Json& input, const Json& extra = Json::object()) {
  Json body = {
      {"model", "mock"},
      {"messages", {{{"role", "user"}, {"content", "Do it.\n<input>" + input.dump() + "</input>"}}}}};
  body.update(extra);
  return mock.handle({"POST", "/v1/chat/completions", "", body.dump()});
}

Json content(Mock& mock, const Json& input, const Json& extra = Json::object()) {
  const Json reply = Json::parse(ask(mock, input, extra).body);
  return Json::parse(reply["choices"][0]["message"]["content"].get<std::string>());
}

Json claim(const char* id, const char* type, const char* subject, const char* predicate, const char* object) {
  return {{"id", id}, {"type", type}, {"subject", subject}, {"predicate", predicate}, {"object", object}};
}

const Json kClasses = {"dog", "cup", {{"name", "cactus"}, {"plural", "cacti"}}, "bear"};

TEST(Mock, SaysThatItIsOneInEveryAnswer) {
  MockOptions options;
  options.key = "k";
  options.faults = {parse_fault("500=0,first=1")};
  Mock mock(options);
  for (const MockRequest& request :
       std::vector<MockRequest>{{"GET", "/health", "", ""},
                                {"GET", "/v1/models", "", ""},
                                {"GET", "/v1/models", "Bearer k", ""},
                                {"GET", "/nowhere", "Bearer k", ""},
                                {"GET", "/v1/embeddings", "Bearer k", ""},
                                {"POST", "/v1/embeddings", "Bearer k", R"({"input":"a"})"},
                                {"POST", "/v1/chat/completions", "Bearer k", "{"},
                                {"POST", "/v1/chat/completions", "Bearer k", "{}"}}) {
    EXPECT_EQ(Json::parse(mock.handle(request).body)["mock"], true) << request.path;
  }
}

TEST(Mock, TheSameRequestGivesTheSameBytes) {
  Mock one({}), two({});
  const Json input = {{"stage", "S8"}, {"nouns", {"ladder", "kite", "drum"}}};
  EXPECT_EQ(ask(one, input).body, ask(two, input).body);
  EXPECT_EQ(ask(one, input).body, ask(one, input).body);
  MockOptions other;
  other.seed = 9;
  Mock three(other);
  EXPECT_NE(ask(one, input).body, ask(three, input).body);
}

TEST(Mock, RepairsWhatWasHeardWrongly) {
  Mock mock({});
  const Json out = content(mock, {{"stage", "S2"},
                                  {"text", "Here we can sea um a bare and and 2 cups on the right."},
                                  {"hints", {"bear", "cup"}}});
  EXPECT_EQ(out["text"], "Here we can see a bear and 2 cups on the right.");
  EXPECT_EQ(out["changed"], Json::parse(R"([{"from":"sea","to":"see"},{"from":"bare","to":"bear"}])"));
}

TEST(Mock, FindsClaimsWithQuotesThatStandInTheText) {
  Mock mock({});
  const std::string text = "A red dog on the left, two cacti and no cups.";
  const Json out =
      content(mock, {{"stage", "S3"}, {"sources", {{{"id", "t1"}, {"text", text}}}}, {"classes", kClasses}});
  std::vector<std::string> seen;
  for (const Json& one : out["claims"]) {
    EXPECT_NE(text.find(one["quote"].get<std::string>()), std::string::npos);
    EXPECT_EQ(one["source"], "t1");
    seen.push_back(one["subject"].get<std::string>() + " " + one["predicate"].get<std::string>() + " " +
                   one["object"].get<std::string>());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"dog exists ", "dog colour red", "dog position left",
                                            "cactus exists ", "cactus count 2"}));
}

TEST(Mock, JudgesClaimsByTheText) {
  Mock mock({});
  const Json out = content(
      mock, {{"stage", "S4a"},
             {"text", "A red dog on the left and two cups."},
             {"claims",
              {claim("1", "existence", "dog", "exists", ""), claim("2", "attribute", "dog", "colour", "blue"),
               claim("3", "existence", "ladder", "exists", ""), claim("4", "count", "cup", "count", "2")}}});
  const char* expected[] = {"supported", "contradicted", "unknown", "supported"};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(out["verdicts"][i]["verdict"], expected[i]) << i;
}

TEST(Mock, WritesOnlyOfTheClaimsItWasGiven) {
  Mock mock({});
  const Json claims = {claim("1", "existence", "dog", "exists", ""),
                       claim("2", "attribute", "dog", "colour", "red"),
                       claim("3", "count", "cup", "count", "2")};
  const std::string caption =
      content(mock, {{"stage", "S6"}, {"length", "short"}, {"claims", claims}})["caption"];
  EXPECT_NE(caption.find("red dog"), std::string::npos) << caption;
  EXPECT_NE(caption.find("2 cups"), std::string::npos) << caption;
  const Json pairs = content(mock, {{"stage", "S7"}, {"qtype", "colour"}, {"claims", claims}})["pairs"];
  EXPECT_NE(pairs[0]["q"].get<std::string>().find("the dog"), std::string::npos);
  EXPECT_EQ(pairs[0]["a_short"], "red");
  EXPECT_EQ(pairs[0]["claims"], Json({"2"}));
  const Json answers = content(mock, {{"stage", "S10"},
                                      {"claims", claims},
                                      {"complete", {"ladder", "dog"}},
                                      {"questions",
                                       {{{"id", "q1"}, {"q", "How many cups are there?"}},
                                        {{"id", "q2"}, {"q", "Is there a ladder?"}}}}})["answers"];
  EXPECT_EQ(answers[0]["answer"], "2");
  EXPECT_EQ(answers[1]["answer"], "no");
}

TEST(Mock, EachFaultOfTheModelShows) {
  const Json text = {{"stage", "S3"}, {"text", "A dog, a cup, a bear and a cactus."}, {"classes", kClasses}};
  const auto with = [](const char* fault) {
    MockOptions options;
    options.faults = {parse_fault(fault)};
    return options;
  };
  Mock clean({}), liar(with("hallucinate=1")), forgetful(with("drop=1")), agreeable(with("yes=1")),
      dinosaurs(with("dinosaur=1")), stale(with("openings=1")), painter(with("colour=1"));
  EXPECT_EQ(content(clean, text)["claims"].size(), 4U);
  EXPECT_EQ(content(liar, text)["claims"].size(), 5U);
  std::size_t kept = 0;
  for (int i = 0; i < 20; ++i) {
    Json one = text;
    one["n"] = i;
    kept += content(forgetful, one)["claims"].size();
  }
  EXPECT_LT(kept, 80U);
  const Json judged = {
      {"stage", "S4a"}, {"text", "A dog."}, {"claims", {claim("1", "existence", "cup", "exists", "")}}};
  EXPECT_EQ(content(clean, judged)["verdicts"][0]["verdict"], "unknown");
  EXPECT_EQ(content(agreeable, judged)["verdicts"][0]["verdict"], "supported");
  const std::string absurd =
      content(dinosaurs, {{"stage", "S8"}, {"nouns", {"ladder", "kite", "drum"}}})["pairs"][0]["q"];
  EXPECT_TRUE(absurd.find("dinosaur") != std::string::npos || absurd.find("alien") != std::string::npos);
  const Json captioned = {
      {"stage", "S6"}, {"length", "short"}, {"claims", {claim("1", "existence", "dog", "exists", "")}}};
  EXPECT_EQ(content(stale, captioned)["caption"], "The picture shows a dog.");
  EXPECT_NE(content(painter, captioned)["caption"].get<std::string>().find("purple"), std::string::npos);
}

TEST(Mock, KeepsToASchemaWithoutKnowingTheStage) {
  Mock mock({});
  const OrderedJson schema = OrderedJson::parse(
      R"({"type":"object","properties":{"a":{"type":"string","maxLength":5},"b":{"type":"array","minItems":2,
          "items":{"type":"string","enum":["x","y"]}},"c":{"type":"boolean"}},"required":["a","b","c"]})");
  const Json extra = {
      {"response_format",
       {{"type", "json_schema"}, {"json_schema", {{"name", "x"}, {"schema", Json(schema)}}}}}};
  const Json out = content(mock, {{"stage", "of another kind"}}, extra);
  EXPECT_EQ(out["b"].size(), 2U);
  EXPECT_LE(out["a"].get<std::string>().size(), 5U);
}

TEST(Mock, RefusesASchemaThatItCannotFill) {
  Mock mock({});
  for (const char* schema : {R"({"type":"object"})", R"({"type":"array"})", R"({"enum":[]})", R"({"type":7})",
                             "7", R"({"type":"array","items":{"type":"null"},"minItems":-1})"}) {
    const Json format = {{"type", "json_schema"}, {"json_schema", {{"schema", Json::parse(schema)}}}};
    const MockReply reply = ask(mock, {{"stage", "S7"}}, {{"response_format", format}});
    EXPECT_EQ(reply.status, 400) << schema;
    EXPECT_EQ(Json::parse(reply.body)["mock"], true) << schema;
  }
}

TEST(Mock, StreamsWhereItIsAskedTo) {
  Mock mock({});
  const MockReply reply = ask(mock, {{"stage", "none"}}, {{"stream", true}});
  EXPECT_EQ(reply.content_type, "text/event-stream");
  EXPECT_TRUE(reply.body.starts_with("data: {"));
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
  EXPECT_NE(reply.body.find("\"usage\""), std::string::npos);
}

TEST(Mock, CutsAtMaxTokens) {
  Mock mock({});
  const Json reply = Json::parse(ask(mock, {{"stage", "none"}}, {{"max_tokens", 2}}).body);
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "length");
}

TEST(TrueAnswer, FollowsTheScene) {
  const std::vector<TrueObject> scene = {
      {"dog", "brown", 10, 50}, {"cup", "", 100, 20}, {"cup", "red", 120, 90}};
  const auto is = [&](const char* question) { return true_answer(scene, question); };
  EXPECT_EQ(is("Is there a dog?"), "yes");
  EXPECT_EQ(is("Is there a ladder in the picture?"), "no");
  EXPECT_EQ(is("Do you see a red cup?"), "yes");
  EXPECT_EQ(is("Can you see a blue cup in the image?"), "no");
  EXPECT_EQ(is("Are there any dogs?"), "yes");
  EXPECT_EQ(is("How many cups are there?"), "2");
  EXPECT_EQ(is("What is the number of boats?"), "0");
  EXPECT_EQ(is("What color is the dog?"), "brown");
  EXPECT_EQ(is("What is the colour of the dog?"), "brown");
  EXPECT_EQ(is("What color is the cup?"), "unknown");  // two of them
  EXPECT_EQ(is("Is the dog left or right of the red cup?"), "left");
  EXPECT_EQ(is("Is the dog above or below the red cup?"), "above");
  EXPECT_EQ(is("Is the dog to the right of the red cup?"), "no");
  EXPECT_EQ(is("Is the dog brown?"), "yes");
  EXPECT_EQ(is("Why is the sky blue?"), "unknown");
}

TEST(Mock, AnswersAboutPicturesOfASetWithItsTruth) {
  const base::TestFolder folder;
  folder.put("images/00000/000000000007.jpg", "bytes of a picture");
  folder.put(
      "gqa/val-seed_sceneGraphs.json",
      R"({"7":{"objects":{"0":{"name":"dog","x":1,"y":2,"w":3,"h":4,"attributes":["red"],"relations":[]}}}})");
  MockOptions options;
  options.truth = folder.path();
  Mock mock(options);
  EXPECT_EQ(mock.pictures(), 1U);
  const auto asked = [&](const std::string& question, const std::string& bytes) {
    const Json body = {{"messages",
                        {{{"role", "user"},
                          {"content",
                           {{{"type", "image_url"},
                             {"image_url", {{"url", "data:image/jpeg;base64," + llm::base64(bytes)}}}},
                            {{"type", "text"}, {"text", "Answer briefly. " + question}}}}}}}};
    const Json reply = Json::parse(mock.handle({"POST", "/v1/chat/completions", "", body.dump()}).body);
    return reply["choices"][0]["message"]["content"].get<std::string>();
  };
  EXPECT_EQ(asked("Is there a dog?", "bytes of a picture"), "Yes.");
  EXPECT_EQ(asked("What color is the dog?", "bytes of a picture"), "Red.");
  EXPECT_EQ(asked("Is there a dog?", "of another"), "I cannot tell.");
  options.truth_error = 1;
  Mock wrong(options);
  const Json body = {
      {"messages",
       {{{"role", "user"},
         {"content",
          {{{"type", "image_url"},
            {"image_url", {{"url", "data:image/jpeg;base64," + llm::base64("bytes of a picture")}}}},
           {{"type", "text"}, {"text", "Is there a dog?"}}}}}}}};
  EXPECT_NE(wrong.handle({"POST", "/v1/chat/completions", "", body.dump()}).body.find("No."),
            std::string::npos);
  options.truth = folder / "nowhere";
  EXPECT_THROW(Mock{options}, Error);
  folder.put("gqa/val-seed_sceneGraphs.json", "[1]");
  options.truth = folder.path();
  EXPECT_THROW(Mock{options}, Error);
}

}  // namespace
}  // namespace moonbeam::mockllm
