// Chat completions over a recording exchange, with the starter model.
#include "server/api/openai/chat_completions.h"

#include <gtest/gtest.h>

#include "server/api/chat/testing.h"

namespace moonbeam::server {
namespace {

using testing::call;
using testing::encoded;
using testing::json;
using testing::json_request;
using testing::keys;
using testing::picture_part;
using testing::Recording;
using testing::starter;
using testing::text_part;

class ChatCompletions : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }
  void open(ServiceOptions options, const Model& model = starter(), SchedulerOptions scheduler = {}) {
    service_ = std::make_unique<Service>(std::move(options));
    service_->open(model, scheduler);
    router_ = {};
    add_openai_routes(router_, *service_);
  }
  Recording post(const json& body) { return call(router_, json_request("/v1/chat/completions", body)); }
  json answer(const json& body) {
    const Recording exchange = post(body);
    EXPECT_EQ(exchange->ended().status(), 200) << exchange->response_.body;
    return exchange->body();
  }
  std::string content(const json& body) { return answer(body)["choices"][0]["message"]["content"]; }
  /// "status code param"
  std::string refused(const json& body) {
    const Recording exchange = post(body);
    const json error = exchange->ended().body()["error"];
    EXPECT_EQ(exchange->account_.code, error["code"].get<std::string>());
    return std::to_string(exchange->status()) + " " + error["code"].get<std::string>() + " " +
           (error["param"].is_null() ? "-" : error["param"].get<std::string>());
  }
  /// A greedy request of one message with these parts.
  static json body_of(json parts, json more = json::object()) {
    json out = {{"model", "starter"}, {"temperature", 0}};
    out["messages"] = json::array({{{"role", "user"}, {"content", std::move(parts)}}});
    out.update(more);
    return out;
  }
  static json asking(const std::string& text, json more = json::object()) {
    return body_of({picture_part(), text_part(text)}, std::move(more));
  }

  std::unique_ptr<Service> service_;
  Router router_;
};

// ------------------------------------------------------------------------------------------ answers

TEST_F(ChatCompletions, AQuestionAboutAPictureIsAQuery) {
  const json got = answer(asking("How many apples are there?"));
  const QueryResult expected = starter().query(encoded(), "How many apples are there?");
  EXPECT_EQ(keys(got), (std::set<std::string>{"id", "object", "created", "model", "choices", "usage"}));
  EXPECT_EQ(got["id"], "chatcmpl-mb-test");
  EXPECT_EQ(got["object"], "chat.completion");
  EXPECT_EQ(got["model"], "starter");
  EXPECT_GT(got["created"], 1'700'000'000);
  ASSERT_EQ(got["choices"].size(), 1u);
  EXPECT_EQ(got["choices"][0],
            json::parse(R"({"index": 0, "logprobs": null, "finish_reason": "stop"})")
                .patch(json::array({{{"op", "add"},
                                     {"path", "/message"},
                                     {"value", {{"role", "assistant"}, {"content", expected.answer}}}}})));
  EXPECT_EQ(got["usage"],
            (json{{"prompt_tokens", expected.usage.prompt_tokens},
                  {"completion_tokens", expected.usage.output_tokens},
                  {"total_tokens", expected.usage.prompt_tokens + expected.usage.output_tokens}}));
  EXPECT_GT(expected.usage.prompt_tokens, starter().info().image_tokens) << "the picture counts";
}

TEST_F(ChatCompletions, APictureWithoutTextIsACaption) {
  const std::string expected = starter().caption(encoded()).caption;
  EXPECT_EQ(content(body_of({picture_part()})), expected);
  EXPECT_EQ(content(body_of({picture_part(), text_part("  ")})), expected);
  const json got = answer({{"temperature", 0},
                           {"messages",
                            {{{"role", "system"}, {"content", "Be brief."}},
                             {{"role", "user"}, {"content", {picture_part()}}}}}});
  EXPECT_EQ(got["choices"][0]["message"]["content"], expected);
  EXPECT_EQ(got["warnings"].size(), 1u);
}

TEST_F(ChatCompletions, TextAloneIsAQueryWithoutAPicture) {
  EXPECT_EQ(content(body_of("What is the sky?")), starter().query("What is the sky?").answer);
}

TEST_F(ChatCompletions, NothingToAnswerIsRefused) {
  EXPECT_EQ(refused(body_of("")), "400 missing_field messages");
  EXPECT_EQ(refused(body_of(json::array())), "400 missing_field messages");
  EXPECT_EQ(refused({{"messages", json::array()}}), "400 missing_field messages");
  EXPECT_EQ(refused({{"model", "starter"}}), "400 missing_field messages");
  EXPECT_EQ(refused({{"messages", {{{"role", "assistant"}, {"content", "x"}}}}}),
            "400 missing_field messages");
}

TEST_F(ChatCompletions, AnswersWithoutPrefixToo) {
  EXPECT_EQ(call(router_, json_request("/chat/completions", asking("What?")))->ended().status(), 200);
}

TEST_F(ChatCompletions, TheNameOfAModelMayBeMissingOrAnothers) {
  for (const char* name : {"", "gpt-4o-mini", "moondream3-preview"})
    EXPECT_EQ(answer(asking("What?", {{"model", name}}))["model"], "starter");
  json none = asking("What?");
  none.erase("model");
  EXPECT_EQ(answer(none)["model"], "starter");
  open({.any_model = false});
  EXPECT_EQ(refused(asking("What?", {{"model", "gpt-4o-mini"}})), "404 model_not_found model");
  EXPECT_EQ(answer(none)["model"], "starter");
}

// ------------------------------------------------------------------------------------------ pictures

TEST_F(ChatCompletions, OfSeveralPicturesTheLastIsAskedAbout) {
  const json body = body_of({picture_part("s2"), text_part("Is there an apple?"), picture_part("s1")});
  const json got = answer(body);
  EXPECT_EQ(got["choices"][0]["message"]["content"],
            starter().query(encoded("s1"), "Is there an apple?").answer);
  ASSERT_EQ(got["warnings"].size(), 1u);
  // Those before it are not even looked at.
  EXPECT_EQ(
      post(body_of({{{"type", "image_url"}, {"image_url", "!"}}, picture_part("s1")}))->ended().status(),
      200);
}

TEST_F(ChatCompletions, SeveralPicturesCanBeOneSheetOrRefused) {
  const json body = body_of({picture_part("s2"), picture_part("s1"), text_part("Is there an apple?")});
  open({.multi_image = MultiImage::kReject});
  EXPECT_EQ(refused(body), "400 unsupported_option messages[0].content[1].image_url.url");
  open({.multi_image = MultiImage::kTile});
  const Recording exchange = post(body);
  EXPECT_EQ(exchange->ended().status(), 200);
  EXPECT_EQ(exchange->account_.pixels, 196 * (196 + 8 + 196));
  EXPECT_FALSE(exchange->body().contains("warnings"));
  EXPECT_EQ(refused(body_of({{{"type", "image_url"}, {"image_url", "!"}}, picture_part("s1")})),
            "400 image_decode_failed messages[0].content[0].image_url");
  json many = json::array();
  for (int i = 0; i < 17; ++i) many.push_back(picture_part());
  EXPECT_EQ(refused(body_of(many)), "400 invalid_value messages[0].content[0].image_url.url");
  open({.pictures = {.max_pixels = 196 * 196 + 100}, .multi_image = MultiImage::kTile});
  EXPECT_EQ(refused(body), "413 image_too_large messages[0].content[1].image_url.url");
}

TEST_F(ChatCompletions, PicturesThatAreNoneAreRefused) {
  const auto of = [](const char* uri) {
    return body_of({{{"type", "image_url"}, {"image_url", {{"url", uri}}}}});
  };
  EXPECT_EQ(refused(of("https://example.com/cat.jpg")),
            "400 url_images_disabled messages[0].content[0].image_url.url");
  EXPECT_EQ(refused(of("data:image/png;base64,AAAA")),
            "400 image_decode_failed messages[0].content[0].image_url.url");
  EXPECT_EQ(refused(of("")), "400 image_decode_failed messages[0].content[0].image_url.url");
}

// ------------------------------------------------------------------------------------------ skills

TEST_F(ChatCompletions, SkillsAnswerInJson) {
  const auto boxes = starter().detect(encoded(), "apple", {.clamp = true});
  const json objects = json::parse(content(
      body_of({picture_part()}, {{"moondream", {{"skill", "detect"}, {"object", "apple"}}}})))["objects"];
  ASSERT_EQ(objects.size(), boxes.size());
  ASSERT_FALSE(boxes.empty());
  EXPECT_NEAR(objects[0]["x_min"].get<double>(), boxes[0].x_min, 5e-7);
  // What the user says is the object where none is named.
  const json points = json::parse(content(asking("apple", {{"moondream", {{"skill", "point"}}}})));
  EXPECT_EQ(points["count"], starter().point(encoded(), "apple").size());
  EXPECT_EQ(json::parse(
                content(asking("apple", {{"moondream", {{"skill", "point"}, {"max_objects", 1}}}})))["count"],
            1);
}

TEST_F(ChatCompletions, SkillsOfTextAnswerInText) {
  EXPECT_EQ(content(asking("Is it?", {{"moondream", {{"skill", "caption"}, {"length", "short"}}}})),
            starter().caption(encoded(), {{}, CaptionLength::kShort}).caption);
  EXPECT_EQ(content(asking("What is red?", {{"moondream", {{"skill", "query"}}}})),
            starter().query(encoded(), "What is red?").answer);
}

TEST_F(ChatCompletions, SkillsThatLackSomethingAreRefused) {
  const auto skill = [](json of, json parts = {picture_part()}) {
    return body_of(std::move(parts), {{"moondream", std::move(of)}});
  };
  EXPECT_EQ(refused(skill({{"skill", "segment"}})), "400 invalid_value moondream.skill");
  EXPECT_EQ(refused(skill(json::object())), "400 missing_field moondream.skill");
  EXPECT_EQ(refused(skill({{"skill", "detect"}})), "400 missing_field moondream.object");
  EXPECT_EQ(refused(skill({{"skill", "detect"}, {"object", " "}})), "400 invalid_value moondream.object");
  EXPECT_EQ(refused(skill({{"skill", "detect"}}, {text_part("apple")})), "400 missing_field messages");
  EXPECT_EQ(refused(skill({{"skill", "caption"}}, {text_part("apple")})), "400 missing_field messages");
  EXPECT_EQ(refused(skill({{"skill", "query"}})), "400 missing_field messages");
  EXPECT_EQ(refused(skill({{"skill", "caption"}, {"length", "x"}})), "400 invalid_value moondream.length");
}

// ------------------------------------------------------------------------------------------ options

TEST_F(ChatCompletions, TheNewerNameOfALimitWins) {
  EXPECT_EQ(answer(asking("Describe.", {{"max_tokens", 2}}))["usage"]["completion_tokens"], 2);
  const json got = answer(asking("Describe.", {{"max_tokens", 2}, {"max_completion_tokens", 3}}));
  EXPECT_EQ(got["usage"]["completion_tokens"], 3);
  EXPECT_EQ(got["choices"][0]["finish_reason"], "length");
}

TEST_F(ChatCompletions, SameSeedSameText) {
  const auto of = [&](int seed) {
    return content(
        asking("Describe.", {{"temperature", 5}, {"top_p", 1}, {"seed", seed}, {"max_tokens", 12}}));
  };
  EXPECT_EQ(of(7), of(7));
  EXPECT_NE(of(7), of(8));
}

TEST_F(ChatCompletions, WhatCannotBeHadIsRefusedAndWhatDoesNotMatterIgnored) {
  const auto with = [](const char* name, json value) { return asking("What?", {{name, std::move(value)}}); };
  EXPECT_EQ(refused(with("n", 2)), "400 unsupported_option n");
  EXPECT_EQ(refused(with("logprobs", true)), "400 unsupported_option logprobs");
  EXPECT_EQ(refused(with("top_logprobs", 3)), "400 unsupported_option top_logprobs");
  EXPECT_EQ(refused(with("tools", {{{"type", "function"}}})), "400 unsupported_option tools");
  EXPECT_EQ(refused(with("functions", {{{"name", "f"}}})), "400 unsupported_option functions");
  EXPECT_EQ(refused(with("tool_choice", "required")), "400 unsupported_option tool_choice");
  EXPECT_EQ(refused(with("tool_choice", {{"type", "function"}})), "400 unsupported_option tool_choice");
  EXPECT_EQ(refused(with("audio", {{"voice", "x"}})), "400 unsupported_option audio");
  EXPECT_EQ(refused(with("reasoning", true)), "400 unsupported_option reasoning");
  EXPECT_EQ(refused(with("response_format", {{"type", "xml"}})), "400 invalid_value response_format.type");
  EXPECT_EQ(refused(with("stop", {"a", "b", "c", "d", "e"})), "400 invalid_value stop");
  EXPECT_EQ(refused(with("stop", "")), "400 invalid_value stop");
  for (const auto& [name, value] : std::map<std::string, json>{{"n", 1},
                                                               {"logprobs", false},
                                                               {"tools", json::array()},
                                                               {"tool_choice", "auto"},
                                                               {"audio", nullptr},
                                                               {"frequency_penalty", 1},
                                                               {"user", "me"},
                                                               {"metadata", json::object()},
                                                               {"store", true},
                                                               {"reasoning_effort", "low"},
                                                               {"response_format", {{"type", "text"}}},
                                                               {"whatever", json::array()}})
    EXPECT_EQ(post(with(name.c_str(), value))->ended().status(), 200) << name;
}

TEST_F(ChatCompletions, TheTextEndsBeforeAStopString) {
  const std::string whole = content(asking("Describe the picture."));
  ASSERT_GT(whole.size(), 8u) << whole;
  // From the middle of one word to the middle of another, so in the middle of tokens.
  const std::size_t at = whole.find(' ') - 1;
  const std::string stop = whole.substr(at, 4);
  const json got = answer(asking("Describe the picture.", {{"stop", stop}}));
  EXPECT_EQ(got["choices"][0]["message"]["content"], whole.substr(0, at));
  EXPECT_EQ(got["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(content(asking("Describe the picture.", {{"stop", {"not there", stop}}})), whole.substr(0, at));
  // An answer that is cut down to nothing says so.
  const json none = answer(asking("Describe the picture.", {{"stop", whole.substr(0, 2)}}));
  EXPECT_EQ(none["choices"][0]["message"]["content"], "");
  EXPECT_EQ(none["warnings"], (json{"the model's answer is empty"}));
}

TEST_F(ChatCompletions, ReasoningStandsBesideTheAnswer) {
  open({.max_tokens = 16}, testing::thinking_starter());
  const json message = answer(asking("What is red?", {{"reasoning", true}}))["choices"][0]["message"];
  EXPECT_TRUE(message["reasoning"].is_string());
  EXPECT_TRUE(message["reasoning_details"]["grounding"].is_array());
  EXPECT_EQ(keys(answer(asking("What is red?"))["choices"][0]["message"]),
            (std::set<std::string>{"role", "content"}));
}

TEST_F(ChatCompletions, AnswersFollowASchema) {
  const json schema = {
      {"type", "object"},
      {"properties", {{"colour", {{"type", "string"}, {"maxLength", 8}}}, {"count", {{"type", "integer"}}}}},
      {"required", {"colour", "count"}}};
  const json wanted = {
      {"response_format",
       {{"type", "json_schema"}, {"json_schema", {{"name", "Out"}, {"strict", true}, {"schema", schema}}}}}};
  const json read = json::parse(content(asking("What colour?", wanted)));
  EXPECT_EQ(keys(read), (std::set<std::string>{"colour", "count"}));
  EXPECT_TRUE(read["count"].is_number_integer());
  // Without a question too: it is then no caption.
  EXPECT_EQ(keys(json::parse(content(body_of({picture_part()}, wanted)))), keys(read));
  // And where it is cut.
  json cut = asking("What colour?", wanted);
  cut["max_tokens"] = 3;
  const json got = answer(cut);
  EXPECT_EQ(keys(json::parse(got["choices"][0]["message"]["content"].get<std::string>())), keys(read));
  EXPECT_EQ(got["choices"][0]["finish_reason"], "length");
  cut["stop"] = "a";
  EXPECT_EQ(answer(cut)["warnings"].size(), 1u);
  EXPECT_TRUE(json::parse(content(asking(
                              "What?", {{"response_format", {{"type", "json_object"}}}, {"max_tokens", 20}})))
                  .is_object());
}

TEST_F(ChatCompletions, SchemasThatCannotBeFollowedAreRefused) {
  const auto format = [](json schema) {
    return asking("What?",
                  {{"response_format", {{"type", "json_schema"}, {"json_schema", std::move(schema)}}}});
  };
  EXPECT_EQ(refused(asking("What?", {{"response_format", {{"type", "json_schema"}}}})),
            "400 missing_field response_format.json_schema");
  EXPECT_EQ(refused(format({{"name", "x"}})), "400 missing_field response_format.json_schema.schema");
  EXPECT_EQ(refused(format({{"schema", {{"type", "string"}, {"pattern", "a+"}}}})),
            "400 unsupported_option response_format.json_schema.schema");
  json large = {{"type", "object"}};
  for (int i = 0; i < 2048; ++i) large["properties"]["k" + std::to_string(i)] = {{"type", "string"}};
  EXPECT_EQ(refused(format({{"schema", large}})), "400 invalid_value response_format.json_schema.schema");
  EXPECT_EQ(refused(format({{"schema", 5}})), "400 invalid_value response_format.json_schema.schema");
  json boxes =
      asking("apple", {{"response_format", {{"type", "json_object"}}}, {"moondream", {{"skill", "detect"}}}});
  EXPECT_EQ(refused(boxes), "400 unsupported_option moondream");
}

// ------------------------------------------------------------------------------------------ streams

/// The JSON of a stream's events; its last is [DONE].
std::vector<json> chunks_of(const Recording& exchange) {
  exchange->ended();
  EXPECT_EQ(exchange->status(), 200);
  EXPECT_EQ(exchange->response_.content_type, "text/event-stream; charset=utf-8");
  EXPECT_EQ(exchange->pieces_.back(), "data: [DONE]\n\n");
  const auto out = exchange->events();
  EXPECT_EQ(out.size() + 1, exchange->pieces_.size());
  return out;
}

TEST_F(ChatCompletions, StreamsAreAsTheClientsReadThem) {
  const json whole = answer(asking("Describe the picture."));
  json body =
      asking("Describe the picture.", {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  const auto chunks = chunks_of(post(body));
  ASSERT_GE(chunks.size(), 4u);
  std::string text;
  for (const json& chunk : chunks) {
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_EQ(chunk["id"], "chatcmpl-mb-test");
    EXPECT_EQ(chunk["model"], "starter");
    EXPECT_TRUE(chunk["created"].is_number_integer());
    if (!chunk["choices"].empty()) text += chunk["choices"][0]["delta"].value("content", "");
  }
  EXPECT_EQ(text, whole["choices"][0]["message"]["content"].get<std::string>());
  EXPECT_EQ(
      chunks[0]["choices"],
      json::parse(R"([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}])"));
  EXPECT_EQ(keys(chunks[1]["choices"][0]["delta"]), (std::set<std::string>{"content"}));
  EXPECT_EQ(chunks[chunks.size() - 2]["choices"],
            json::parse(R"([{"index": 0, "delta": {}, "finish_reason": "stop"}])"));
  EXPECT_EQ(chunks.back()["choices"], json::array());
  EXPECT_EQ(chunks.back()["usage"], whole["usage"]);
  body.erase("stream_options");
  for (const json& chunk : chunks_of(post(body))) EXPECT_FALSE(chunk.contains("usage"));
}

TEST_F(ChatCompletions, StreamsEndBeforeAStopStringHoweverItsTokensAreCut) {
  const std::string whole = content(asking("Describe the picture."));
  for (std::size_t at = 1; at + 3 < whole.size(); at += 3) {
    const std::string stop = whole.substr(at, 3);
    std::string text;
    for (const json& chunk :
         chunks_of(post(asking("Describe the picture.", {{"stop", stop}, {"stream", true}}))))
      text += chunk["choices"][0]["delta"].value("content", "");
    EXPECT_EQ(text, whole.substr(0, whole.find(stop))) << stop;
  }
}

TEST_F(ChatCompletions, ObjectsComeInOnePiece) {
  const auto chunks =
      chunks_of(post(asking("apple", {{"stream", true}, {"moondream", {{"skill", "detect"}}}})));
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_TRUE(
      json::parse(chunks[1]["choices"][0]["delta"]["content"].get<std::string>()).contains("objects"));
  EXPECT_EQ(chunks[2]["choices"][0]["finish_reason"], "stop");
}

TEST_F(ChatCompletions, ThoughtsAreStreamedBeforeTheAnswer) {
  open({.max_tokens = 16}, testing::thinking_starter());
  const auto chunks = chunks_of(post(asking("What is red?", {{"stream", true}, {"reasoning", true}})));
  bool thought = false;
  for (const json& chunk : chunks) thought = thought || chunk["choices"][0]["delta"].contains("reasoning");
  EXPECT_TRUE(thought);
  EXPECT_TRUE(chunks.back()["choices"][0]["delta"]["reasoning_details"].contains("grounding"));
}

TEST_F(ChatCompletions, StreamsThatAreRefusedAreNeverBegun) {
  EXPECT_EQ(refused(asking("What?", {{"stream", true}, {"n", 2}})), "400 unsupported_option n");
  EXPECT_EQ(refused(body_of("", {{"stream", true}})), "400 missing_field messages");
}

TEST_F(ChatCompletions, AReaderWhoLeavesStopsTheWork) {
  json body = asking("Describe the picture.", {{"stream", true}});
  const Recording exchange = post(body);
  exchange->leave();
  EXPECT_TRUE(exchange->wait_for(
      [](const testing::RecordingExchange& it) { return it.account_.code == "client_closed" || it.ended_; }));
}

TEST_F(ChatCompletions, DeadlinesAreToldInsideTheStream) {
  testing::Recording exchange;
  testing::json body = asking("Describe the picture.", {{"stream", true}});
  Request request = json_request("/v1/chat/completions", body);
  request.deadline = std::chrono::steady_clock::now();
  exchange = call(router_, request);
  exchange->ended();
  if (!exchange->started_) {  // it was over before the head was written
    EXPECT_EQ(exchange->status(), 504);
    return;
  }
  EXPECT_EQ(exchange->events().at(0)["error"]["code"], "deadline_exceeded");
  EXPECT_EQ(exchange->pieces_.back().substr(0, 13), "data: [ERROR]");
}

// ------------------------------------------------------------------------------------------ the others

TEST_F(ChatCompletions, RoutesThatAreNotServedNameTheOneThatIs) {
  for (const char* path :
       {"/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages", "/v1/audio/speech"}) {
    const Recording exchange = call(router_, json_request(path, std::string("not even json")));
    EXPECT_EQ(exchange->ended().status(), 404) << path;
    const json error = exchange->body()["error"];
    EXPECT_EQ(error["code"], "not_found");
    EXPECT_EQ(keys(error), (std::set<std::string>{"message", "type", "param", "code"}));
    EXPECT_NE(error["message"].get<std::string>().find("/v1/chat/completions"), std::string::npos);
  }
}

TEST_F(ChatCompletions, BodiesAreJsonWhateverCurlCallsThem) {
  Request request = json_request("/v1/chat/completions", asking("What?"));
  request.headers = {};
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(call(router_, request)->ended().status(), 200);
  request.headers = {};
  request.headers.add("Content-Type", "image/png");
  EXPECT_EQ(call(router_, request)->ended().status(), 415);
  EXPECT_EQ(call(router_, json_request("/v1/chat/completions", std::string("[]")))->ended().status(), 400);
  EXPECT_EQ(
      call(router_, json_request("/v1/chat/completions", std::string("{")))->ended().body()["error"]["code"],
      "invalid_json");
}

}  // namespace
}  // namespace moonbeam::server
