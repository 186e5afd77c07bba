// Ollama's routes over a recording exchange, with the starter model.
#include <gtest/gtest.h>

#include <regex>

#include "server/api/chat/testing.h"
#include "server/api/ollama/names.h"
#include "server/api/ollama/routes.h"

namespace moonbeam::server {
namespace {

using testing::base64;
using testing::call;
using testing::encoded;
using testing::json;
using testing::json_request;
using testing::keys;
using testing::Recording;
using testing::request_of;
using testing::sample_bytes;
using testing::starter;

const std::set<std::string> kEnding = {"done_reason",       "total_duration",       "load_duration",
                                       "prompt_eval_count", "prompt_eval_duration", "eval_count",
                                       "eval_duration"};

std::set<std::string> with_ending(std::set<std::string> names) {
  names.insert(kEnding.begin(), kEnding.end());
  return names;
}

class Ollama : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }
  void open(ServiceOptions options, const Model& model = starter()) {
    service_ = std::make_unique<Service>(std::move(options));
    service_->open(model);
    router_ = {};
    add_ollama_routes(router_, *service_);
  }
  Recording post(const std::string& path, const json& body) {
    return call(router_, json_request(path, body));
  }
  json answer(const std::string& path, json body) {
    if (!body.contains("stream")) body["stream"] = false;
    const Recording exchange = post(path, body);
    EXPECT_EQ(exchange->ended().status(), 200) << exchange->response_.body;
    EXPECT_EQ(exchange->response_.content_type, "application/json");
    return exchange->body();
  }
  json get(const std::string& path) { return call(router_, request_of("GET", path))->ended().body(); }
  /// "status text"
  std::string refused(const std::string& path, const json& body) {
    const Recording exchange = post(path, body);
    const json got = exchange->ended().body();
    EXPECT_EQ(keys(got), (std::set<std::string>{"error"}));
    return std::to_string(exchange->status()) + " " + got["error"].get<std::string>();
  }
  /// Lines of a stream.
  static std::vector<json> lines_of(const Recording& exchange) {
    exchange->ended();
    EXPECT_EQ(exchange->status(), 200);
    EXPECT_EQ(exchange->response_.content_type, "application/x-ndjson");
    EXPECT_EQ(exchange->ping_, "") << "clients read every line as JSON";
    std::vector<json> out;
    for (const std::string& piece : exchange->pieces_) {
      EXPECT_EQ(piece.find('\n'), piece.size() - 1);
      EXPECT_TRUE(std::all_of(piece.begin(), piece.end(),
                              [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
      out.push_back(json::parse(piece));
    }
    return out;
  }
  static json prompt(const std::string& text, json more = json::object()) {
    json out = {{"model", "moondream"}, {"prompt", text}, {"images", {base64(sample_bytes())}}};
    out.update(more);
    return out;
  }
  static json said(const std::string& text, json more = json::object()) {
    json out = {{"model", "moondream"}};
    out["messages"] = json::array(
        {{{"role", "user"}, {"content", text}, {"images", json::array({base64(sample_bytes())})}}});
    out.update(more);
    return out;
  }

  std::unique_ptr<Service> service_;
  Router router_;
};

// ------------------------------------------------------------------------------------------ answers

TEST_F(Ollama, GenerateAnswersGreedilyAsOllamasModelDoes) {
  const QueryResult expected = starter().query(encoded(), "How many apples are there?");
  const json got = answer("/api/generate", prompt("How many apples are there?"));
  EXPECT_EQ(keys(got), with_ending({"model", "created_at", "response", "done"}));
  EXPECT_EQ(got["model"], "moondream");
  EXPECT_EQ(got["response"], expected.answer);
  EXPECT_EQ(got["done"], true);
  EXPECT_EQ(got["done_reason"], "stop");
  EXPECT_EQ(got["prompt_eval_count"], expected.usage.prompt_tokens);
  EXPECT_EQ(got["eval_count"], expected.usage.output_tokens);
  EXPECT_TRUE(std::regex_match(got["created_at"].get<std::string>(),
                               std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")));
  for (const char* name : {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"})
    EXPECT_TRUE(got[name].is_number_integer()) << name;
  EXPECT_GT(got["prompt_eval_duration"], 1'000) << "nanoseconds";
  EXPECT_GE(got["total_duration"], got["eval_duration"]);
}

TEST_F(Ollama, ChatAnswersInAMessage) {
  const json got = answer("/api/chat", said("How many apples are there?", {{"tools", json::array()}}));
  EXPECT_EQ(keys(got), with_ending({"model", "created_at", "message", "done"}));
  EXPECT_EQ(got["message"],
            (json{{"role", "assistant"},
                  {"content", starter().query(encoded(), "How many apples are there?").answer}}));
}

TEST_F(Ollama, APictureAloneIsACaption) {
  const std::string expected = starter().caption(encoded()).caption;
  EXPECT_EQ(answer("/api/generate", prompt(""))["response"], expected);
  EXPECT_EQ(answer("/api/chat", said(""))["message"]["content"], expected);
}

TEST_F(Ollama, TheSystemSpeaksBeforeThePrompt) {
  EXPECT_EQ(answer("/api/generate", prompt("What is red?", {{"system", "Be brief."}}))["response"],
            starter().query(encoded(), "Be brief.\nWhat is red?").answer);
}

TEST_F(Ollama, AnEmptyRequestLoadsOrUnloadsInWords) {
  for (const json& body : {json{{"model", "moondream"}}, json{{"model", "moondream"}, {"prompt", ""}}}) {
    const json got = answer("/api/generate", body);
    EXPECT_EQ(keys(got), (std::set<std::string>{"model", "created_at", "response", "done", "done_reason"}));
    EXPECT_EQ(got["done_reason"], "load");
  }
  for (const json& zero : {json(0), json("0"), json("0s")})
    EXPECT_EQ(answer("/api/generate", {{"keep_alive", zero}})["done_reason"], "unload") << zero;
  for (const json& more : {json(-1), json("5m"), json("-1"), json("300s")})
    EXPECT_EQ(answer("/api/generate", {{"keep_alive", more}})["done_reason"], "load") << more;
  const json chat = answer("/api/chat", {{"messages", json::array()}, {"keep_alive", 0}});
  EXPECT_EQ(chat["message"], (json{{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(chat["done_reason"], "unload");
  EXPECT_EQ(answer("/api/generate", prompt("What?"))["done"], true) << "and it stays";
}

TEST_F(Ollama, DetectAndPointAreReachedByOptions) {
  const auto boxes = starter().detect(encoded(), "apple", {.clamp = true});
  const json options = {{"options", {{"moondream", {{"skill", "detect"}, {"object", "apple"}}}}}};
  for (const std::string& text :
       {answer("/api/generate", prompt("", options))["response"].get<std::string>(),
        answer("/api/chat", said("", options))["message"]["content"].get<std::string>()})
    EXPECT_EQ(json::parse(text)["objects"].size(), boxes.size());
  const json point = {{"options", {{"moondream", {{"skill", "point"}}}}}};
  EXPECT_EQ(
      json::parse(answer("/api/generate", prompt("apple", point))["response"].get<std::string>())["count"],
      starter().point(encoded(), "apple").size());
  EXPECT_EQ(refused("/api/generate", prompt("", point)), "400 options.moondream.object: it is missing");
}

// ------------------------------------------------------------------------------------------ options

TEST_F(Ollama, OptionsAreHonoured) {
  const auto with = [&](json options) {
    return answer("/api/generate", prompt("Describe.", {{"options", std::move(options)}}));
  };
  EXPECT_EQ(with({{"num_predict", 2}})["eval_count"], 2);
  EXPECT_EQ(with({{"num_predict", 2}})["done_reason"], "length");
  EXPECT_EQ(with({{"num_predict", -1}})["done_reason"], "stop");
  EXPECT_EQ(with({{"num_predict", -2}})["done_reason"], "stop");
  const json wild = {{"temperature", 5}, {"top_p", 1}, {"seed", 7}, {"num_predict", 12}};
  EXPECT_EQ(with(wild)["response"], with(wild)["response"]);
  EXPECT_NE(with(wild)["response"], with({{"num_predict", 12}})["response"]);
  // Of 60 positions the picture takes 49.
  const json small = with({{"num_ctx", 60}});
  EXPECT_EQ(small["done_reason"], "length");
  EXPECT_LE(small["prompt_eval_count"].get<int>() + small["eval_count"].get<int>(), 60);
  EXPECT_EQ(with({{"num_ctx", 1 << 20}, {"mirostat", 1}, {"num_gpu", 99}})["done_reason"], "stop");
}

TEST_F(Ollama, StopStringsReplaceThoseOfTheModel) {
  const std::string whole = answer("/api/generate", prompt("Describe the picture."))["response"];
  const std::size_t at = whole.find(' ') - 1;
  const json got = answer("/api/generate",
                          prompt("Describe the picture.", {{"options", {{"stop", {whole.substr(at, 3)}}}}}));
  EXPECT_EQ(got["response"], whole.substr(0, at));
  EXPECT_EQ(got["done_reason"], "stop");
}

TEST_F(Ollama, ThinkingIsIgnoredByAModelThatCannot) {
  EXPECT_EQ(keys(answer("/api/chat", said("What?", {{"think", true}}))["message"]),
            (std::set<std::string>{"role", "content"}));
  open({.max_tokens = 16}, testing::thinking_starter());
  EXPECT_EQ(keys(answer("/api/chat", said("What?", {{"think", true}}))["message"]),
            (std::set<std::string>{"role", "content", "thinking"}));
}

TEST_F(Ollama, AnswersFollowASchema) {
  const json schema = {
      {"type", "object"},
      {"properties", {{"colour", {{"type", "string"}, {"maxLength", 8}}}, {"count", {{"type", "integer"}}}}},
      {"required", {"colour", "count"}}};
  const json got = answer("/api/chat", said("What colour?", {{"format", schema}}));
  const json read = json::parse(got["message"]["content"].get<std::string>());
  EXPECT_EQ(keys(read), (std::set<std::string>{"colour", "count"}));
  EXPECT_TRUE(
      json::parse(answer("/api/generate", prompt("What?", {{"format", "json"},
                                                           {"options", {{"num_predict", 16}}}}))["response"]
                      .get<std::string>())
          .is_object());
  EXPECT_EQ(refused("/api/generate", prompt("What?", {{"format", "yaml"}})).substr(0, 11), "400 format:");
  EXPECT_EQ(refused("/api/generate", prompt("What?", {{"format", {{"type", "string"}, {"pattern", "a"}}}}))
                .substr(0, 11),
            "400 format:");
}

// ------------------------------------------------------------------------------------------ streams

TEST_F(Ollama, LinesComeUnlessTheyAreNotWanted) {
  const std::string whole = answer("/api/generate", prompt("Describe the picture."))["response"];
  const auto lines = lines_of(post("/api/generate", prompt("Describe the picture.")));
  ASSERT_GE(lines.size(), 3u);
  std::string text;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    EXPECT_EQ(keys(lines[i]), (std::set<std::string>{"model", "created_at", "response", "done"}));
    EXPECT_EQ(lines[i]["done"], false);
    text += lines[i]["response"].get<std::string>();
  }
  EXPECT_EQ(text, whole);
  EXPECT_EQ(keys(lines.back()), with_ending({"model", "created_at", "response", "done"}));
  EXPECT_EQ(lines.back()["response"], "");
}

TEST_F(Ollama, EveryLineOfAChatHasAMessage) {
  const auto lines = lines_of(post("/api/chat", said("Describe the picture.")));
  std::string text;
  for (const json& line : lines) {
    EXPECT_EQ(line["message"]["role"], "assistant");
    text += line["message"]["content"].get<std::string>();
  }
  EXPECT_EQ(text, starter().query(encoded(), "Describe the picture.").answer);
  const auto objects =
      lines_of(post("/api/chat", said("apple", {{"options", {{"moondream", {{"skill", "detect"}}}}}})));
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_TRUE(json::parse(objects[0]["message"]["content"].get<std::string>()).contains("objects"));
}

TEST_F(Ollama, StreamsThatAreRefusedAreNeverBegun) {
  EXPECT_EQ(refused("/api/chat", said("What?", {{"tools", {{{"type", "function"}}}}})),
            "400 moondream does not support tools");
  EXPECT_EQ(refused("/api/generate", {{"prompt", "x"}, {"images", {"!"}}}),
            "400 images[0]: this is no base64");
  EXPECT_EQ(refused("/api/chat", {{"messages", {{{"role", "system"}, {"content", "x"}}}}}),
            "400 messages: expected text or a picture, got neither");
}

TEST_F(Ollama, FailuresInsideAStreamAreALine) {
  Request request = json_request("/api/chat", said("Describe the picture."));
  request.deadline = std::chrono::steady_clock::now();
  const Recording exchange = call(router_, request);
  exchange->ended();
  const json got = exchange->started_ ? json::parse(exchange->pieces_.back()) : exchange->body();
  EXPECT_EQ(got, (json{{"error", "the request's time is over"}}));
}

TEST_F(Ollama, AReaderWhoLeavesStopsTheWork) {
  const Recording exchange = post("/api/chat", said("Describe the picture."));
  exchange->leave();
  EXPECT_TRUE(exchange->wait_for(
      [](const testing::RecordingExchange& it) { return it.account_.code == "client_closed" || it.ended_; }));
}

// ------------------------------------------------------------------------------------------ the model

TEST_F(Ollama, TheModelIsFoundUnderBothNames) {
  const json models = get("/api/tags")["models"];
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0]["name"], "moondream:latest");
  EXPECT_EQ(models[1]["name"], "starter:latest");
  for (const json& model : models) {
    EXPECT_EQ(keys(model),
              (std::set<std::string>{"name", "model", "modified_at", "size", "digest", "details"}));
    EXPECT_EQ(model["model"], model["name"]);
    EXPECT_EQ(model["digest"].get<std::string>().size(), 64u);
    EXPECT_EQ(keys(model["details"]), (std::set<std::string>{"parent_model", "format", "family", "families",
                                                             "parameter_size", "quantization_level"}));
  }
  const json running = get("/api/ps")["models"][0];
  EXPECT_EQ(running["name"], "moondream:latest");
  EXPECT_EQ(running["expires_at"].get<std::string>().substr(26), "+00:00");
  EXPECT_EQ(get("/api/version"), (json{{"version", "0.5.0-moonbeam"}}));
}

TEST_F(Ollama, ShowTellsWhatProgramsDecideBy) {
  const json got = answer("/api/show", {{"model", "moondream"}});
  EXPECT_FALSE(got.contains("error"));
  EXPECT_EQ(got["capabilities"], (json{"completion", "vision"}));
  EXPECT_EQ(got["model_info"]["general.architecture"], "phi2");
  EXPECT_EQ(got["model_info"]["phi2.context_length"], 2048);
  EXPECT_NE(got["parameters"].get<std::string>().find("Question:"), std::string::npos);
  EXPECT_EQ(answer("/api/show", {{"name", "starter:latest"}})["details"], got["details"]);
  EXPECT_EQ(refused("/api/show", json::object()), "400 model: it is missing");
}

TEST_F(Ollama, NamesMayBearTagsAndOthersAreForWhoWantsThem) {
  EXPECT_EQ(answer("/api/generate", prompt("What?", {{"model", "llava:13b"}}))["model"], "llava:13b");
  open({.any_model = false});
  for (const char* name : {"moondream", "moondream:latest", "moondream:1.8b", "starter", "starter:x", ""})
    EXPECT_EQ(answer("/api/generate", prompt("What?", {{"model", name}}))["done"], true) << name;
  for (const char* path : {"/api/generate", "/api/chat", "/api/show"})
    EXPECT_EQ(refused(path, {{"model", "llava:13b"}, {"prompt", "x"}}), "404 model 'llava:13b' not found")
        << path;
}

TEST_F(Ollama, NothingIsDownloadedForARequest) {
  EXPECT_EQ(answer("/api/pull", {{"model", "moondream"}}), (json{{"status", "success"}}));
  const Recording exchange = post("/api/pull", {{"model", "moondream"}});
  EXPECT_EQ(exchange->ended().response_.content_type, "application/x-ndjson");
  EXPECT_EQ(exchange->response_.body, "{\"status\":\"success\"}\n");
  EXPECT_EQ(refused("/api/pull", {{"model", "llava"}}).substr(0, 4), "404 ");
}

TEST_F(Ollama, WhatIsNotOfThisServerSaysSo) {
  for (const char* path : {"/api/create", "/api/copy", "/api/push", "/api/embed", "/api/embeddings"})
    EXPECT_EQ(refused(path, {{"model", "x"}}), "501 not supported by moonbeam") << path;
  EXPECT_EQ(call(router_, request_of("DELETE", "/api/delete"))->ended().status(), 501);
}

TEST(OllamaNames, TimesAreOfUtcInMicroseconds) {
  using std::chrono::microseconds;
  EXPECT_EQ(utc_text(std::chrono::system_clock::time_point(microseconds(1'700'000'000'000'042))),
            "2023-11-14T22:13:20.000042Z");
}

}  // namespace
}  // namespace moonbeam::server
