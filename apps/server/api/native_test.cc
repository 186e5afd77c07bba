// The native routes over a recording exchange, with the starter model.
#include "server/api/native.h"

#include <gtest/gtest.h>
#include <moonbeam/version.h>

#include <functional>
#include <future>
#include <set>
#include <thread>

#include "server/api/testing.h"

namespace moonbeam::server {
namespace {

using testing::call;
using testing::json;
using testing::json_request;
using testing::Recording;
using testing::RecordingExchange;
using testing::request_of;
using testing::sample_uri;
using testing::starter;

class Native : public ::testing::Test {
 protected:
  void SetUp() override { open({}, {}); }
  void open(ServiceOptions options, const SchedulerOptions& scheduler) {
    open_model(starter(), std::move(options), scheduler);
  }
  void open_model(const Model& model, ServiceOptions options = {}, const SchedulerOptions& scheduler = {}) {
    service_ = std::make_unique<Service>(std::move(options));
    service_->open(model, scheduler);
    router_ = {};
    add_native_routes(router_, *service_);
  }

  Recording post(const std::string& path, json body) { return call(router_, json_request(path, body)); }
  /// The body of an answer, which has status 200.
  json answer(const std::string& path, json body) {
    const Recording exchange = post(path, std::move(body));
    EXPECT_EQ(exchange->ended().status(), 200) << exchange->response_.body;
    return exchange->body();
  }
  /// "status code param" of an error answer.
  static std::string error_of(const Recording& exchange) {
    const json error = exchange->ended().body()["error"];
    EXPECT_EQ(exchange->account_.code, error["code"].get<std::string>());
    return std::to_string(exchange->status()) + " " + error["code"].get<std::string>() + " " +
           (error["param"].is_null() ? "-" : error["param"].get<std::string>());
  }
  std::string refused(const std::string& path, json body) { return error_of(post(path, std::move(body))); }

  static json greedy(json body) {
    body["image_url"] = sample_uri();
    body["settings"]["temperature"] = 0;
    return body;
  }
  static EncodedImage encoded() {
    return starter().encode_image(load_image(testing::kTests + "data/starter/samples/s1.png"));
  }

  std::unique_ptr<Service> service_;
  Router router_;
};

std::set<std::string> keys(const json& object) {
  std::set<std::string> out;
  for (const auto& [key, value] : object.items()) out.insert(key);
  return out;
}
const std::set<std::string> kMetrics = {"input_tokens", "output_tokens",  "prefill_time_ms", "decode_time_ms",
                                        "ttft_ms",      "encode_time_ms", "queue_time_ms"};

// ------------------------------------------------------------------------------------------ answers

TEST_F(Native, CaptionIsTheModelsOwn) {
  for (const auto& [name, length] : {std::pair{"short", CaptionLength::kShort},
                                     {"normal", CaptionLength::kNormal},
                                     {"long", CaptionLength::kLong}}) {
    const json got = answer("/v1/caption", greedy({{"length", name}}));
    EXPECT_EQ(got["caption"], starter().caption(encoded(), {{}, length}).caption);
    EXPECT_EQ(keys(got), (std::set<std::string>{"caption", "request_id", "finish_reason", "metrics"}));
  }
}

TEST_F(Native, QueryIsTheModelsOwn) {
  const json got = answer("/v1/query", greedy({{"question", "How many apples are there?"}}));
  const QueryResult expected = starter().query(encoded(), "How many apples are there?");
  EXPECT_EQ(got["answer"], expected.answer);
  EXPECT_EQ(got["finish_reason"], "stop");
  EXPECT_EQ(got["request_id"], "mb-test");
  EXPECT_EQ(got["metrics"]["input_tokens"], expected.usage.prompt_tokens);
  EXPECT_EQ(got["metrics"]["output_tokens"], expected.usage.output_tokens);
  EXPECT_FALSE(got.contains("reasoning"));
}

TEST_F(Native, QueryNeedsNoPicture) {
  const json got = answer("/v1/query", {{"question", "What is the sky?"}, {"temperature", 0}});
  EXPECT_EQ(got["answer"], starter().query("What is the sky?").answer);
}

TEST_F(Native, BoxesAndPointsAreTheModelsOwnClamped) {
  const auto boxes = starter().detect(encoded(), "apple", {.clamp = true});
  const json objects = answer("/v1/detect", greedy({{"object", "apple"}}))["objects"];
  ASSERT_EQ(objects.size(), boxes.size());
  ASSERT_FALSE(boxes.empty());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    EXPECT_EQ(keys(objects[i]), (std::set<std::string>{"x_min", "y_min", "x_max", "y_max"}));
    EXPECT_NEAR(objects[i]["x_min"].get<double>(), boxes[i].x_min, 5e-7);
    EXPECT_NEAR(objects[i]["y_max"].get<double>(), boxes[i].y_max, 5e-7);
  }
  const auto points = starter().point(encoded(), "apple", {.clamp = true});
  const json found = answer("/v1/point", greedy({{"obj", "apple"}}));
  ASSERT_EQ(found["points"].size(), points.size());
  EXPECT_EQ(found["count"], points.size());
  for (std::size_t i = 0; i < points.size(); ++i)
    EXPECT_NEAR(found["points"][i]["y"].get<double>(), points[i].y, 5e-7);
}

TEST_F(Native, MetricsAndAccountTellTheSame) {
  const Recording exchange = post("/v1/query", greedy({{"question", "Is there an apple?"}}));
  const json metrics = exchange->ended().body()["metrics"];
  EXPECT_EQ(keys(metrics), kMetrics);
  const Account& account = exchange->account_;
  EXPECT_EQ(account.task, "query");
  EXPECT_EQ(account.finish, "stop");
  EXPECT_EQ(account.code, "");
  EXPECT_EQ(account.prompt_tokens, metrics["input_tokens"]);
  EXPECT_EQ(account.output_tokens, metrics["output_tokens"]);
  EXPECT_TRUE(account.picture);
  EXPECT_FALSE(account.cached);
  EXPECT_GT(account.pixels, 0);
  EXPECT_GT(account.image_decode_ms, 0);
  EXPECT_GT(account.encode_ms, 0);
  EXPECT_GT(account.first_token_ms, 0);
  EXPECT_GE(account.first_token_ms, account.encode_ms);

  const json again = answer("/v1/query", greedy({{"question", "Is there an apple?"}}))["metrics"];
  EXPECT_EQ(again["cached"], true);
  EXPECT_EQ(again["encode_time_ms"], 0);
}

TEST_F(Native, RoutesAnswerWithoutTheirPrefixToo) {
  std::set<std::string> paths;
  for (const Route& route : router_.routes()) paths.insert(route.method + " " + route.path);
  for (const char* path : {"POST /caption", "POST /query", "POST /detect", "POST /point", "POST /segment",
                           "POST /count_tokens", "GET /models", "GET /models/{...}", "GET /stats"}) {
    const std::string text = path;
    const std::size_t slash = text.find('/');
    EXPECT_TRUE(paths.count(text)) << text;
    EXPECT_TRUE(paths.count(text.substr(0, slash) + "/v1" + text.substr(slash))) << text;
  }
  EXPECT_EQ(answer("/caption", greedy({}))["caption"], answer("/v1/caption", greedy({}))["caption"]);
}

TEST_F(Native, FormsAndRawPicturesAskTheSame) {
  const json expected = answer("/v1/query", greedy({{"question", "What is red?"}}));
  Request raw = request_of("POST", "/v1/query");
  raw.headers.add("Content-Type", "image/png");
  raw.query = "question=What%20is%20red%3F&temperature=0";
  raw.body = testing::sample_bytes();
  EXPECT_EQ(call(router_, raw)->ended().body()["answer"], expected["answer"]);
  Request form = request_of("POST", "/v1/query");
  form.headers.add("Content-Type", "multipart/form-data; boundary=b");
  const std::string part = "--b\r\nContent-Disposition: form-data; name=";
  form.body = part + "\"question\"\r\n\r\nWhat is red?\r\n" + part +
              "\"settings\"\r\n\r\n{\"temperature\":0}\r\n" + part + "\"image\"; filename=\"x.png\"\r\n\r\n" +
              testing::sample_bytes() + "\r\n--b--\r\n";
  EXPECT_EQ(call(router_, form)->ended().body()["answer"], expected["answer"]);
}

// ------------------------------------------------------------------------------------------ settings

TEST_F(Native, CutAnswersSayLength) {
  json body = greedy({});
  body["settings"]["max_tokens"] = 2;
  const json got = answer("/v1/caption", body);
  EXPECT_EQ(got["finish_reason"], "length");
  EXPECT_EQ(got["metrics"]["output_tokens"], 2);
  json objects = greedy({{"object", "apple"}});
  objects["settings"]["max_objects"] = 1;
  EXPECT_EQ(answer("/v1/detect", objects)["objects"].size(), 1u);
}

TEST_F(Native, SameSeedSameText) {
  const json body = {{"image_url", sample_uri()},
                     {"settings", {{"temperature", 5}, {"top_p", 1}, {"seed", 7}, {"max_tokens", 12}}}};
  json other = body;
  other["settings"]["seed"] = 8;
  const std::string first = answer("/v1/caption", body)["caption"];
  EXPECT_EQ(answer("/v1/caption", body)["caption"], first);
  EXPECT_NE(answer("/v1/caption", other)["caption"], first);
  json none = body;
  none["settings"].erase("seed");
  EXPECT_NE(answer("/v1/caption", none)["caption"], answer("/v1/caption", none)["caption"]);
}

TEST_F(Native, LongCaptionsOfAModelWithoutThemAreNormalOnes) {
  open_model(testing::changed_starter(
      "short_only", [](json& config) { config["tokenizer"]["templates"]["caption"]["long"] = nullptr; }));
  const json got = answer("/v1/caption", greedy({{"length", "long"}}));
  EXPECT_EQ(got["caption"], starter().caption(encoded()).caption);
  EXPECT_EQ(got["warnings"].size(), 1u);
  EXPECT_FALSE(answer("/v1/caption", greedy({{"length", "short"}})).contains("warnings"));
}

TEST_F(Native, ModelsAndAdaptersThatAreNotLoaded) {
  for (const char* name : {"", "starter", "moondream3-preview", "gpt-4o-mini"})
    EXPECT_FALSE(answer("/v1/caption", greedy({{"model", name}})).contains("warnings")) << name;
  EXPECT_EQ(answer("/v1/caption", greedy({{"variant", "abc"}}))["warnings"].size(), 1u);
  EXPECT_EQ(answer("/v1/caption", greedy({{"model", "starter/abc@5"}}))["warnings"].size(), 1u);

  open({.any_model = false, .aliases = {"house/model"}}, {});
  const std::string variant = starter().info().variant;
  for (const std::string& name : {std::string("starter"), std::string("house/model"), variant})
    EXPECT_EQ(post("/v1/caption", greedy({{"model", name}}))->ended().status(), 200) << name;
  EXPECT_EQ(refused("/v1/caption", greedy({{"model", "gpt-4o-mini"}})), "404 model_not_found model");
  EXPECT_EQ(refused("/v1/caption", greedy({{"model", "starter/abc@5"}})), "404 model_not_found model");
  EXPECT_EQ(refused("/v1/caption", greedy({{"variant", "abc"}})), "404 model_not_found variant");
}

// ------------------------------------------------------------------------------------------ streams

TEST_F(Native, StreamsAreAsTheClientsReadThem) {
  const std::string expected = answer("/v1/caption", greedy({}))["caption"];
  const Recording exchange = post("/v1/caption", greedy({{"stream", true}}));
  exchange->ended();
  EXPECT_EQ(exchange->status(), 200);
  EXPECT_EQ(exchange->response_.content_type, "text/event-stream; charset=utf-8");
  EXPECT_EQ(*exchange->response_.headers.find("Cache-Control"), "no-cache");
  EXPECT_EQ(*exchange->response_.headers.find("X-Accel-Buffering"), "no");
  EXPECT_EQ(exchange->response_.body, "");
  EXPECT_EQ(exchange->ping_, ": ping\n\n");
  std::string text;
  const auto events = exchange->events();
  ASSERT_EQ(events.size(), exchange->pieces_.size()) << "everything is JSON: no [DONE]";
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool last = i + 1 == events.size();
    EXPECT_EQ(events[i]["completed"], last);
    EXPECT_EQ(events[i]["request_id"], "mb-test");
    ASSERT_TRUE(events[i]["chunk"].is_string());
    text += events[i]["chunk"].get<std::string>();
    const std::string& piece = exchange->pieces_[i];
    EXPECT_EQ(piece.substr(0, 7), "data: {");
    EXPECT_EQ(piece.find('\n'), piece.size() - 2);
    EXPECT_TRUE(
        std::all_of(piece.begin(), piece.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  }
  EXPECT_EQ(text, expected);
  const json last = events.back();
  EXPECT_EQ(last["chunk"], "");
  EXPECT_EQ(last["finish_reason"], "stop");
  EXPECT_EQ(keys(last["metrics"]).size(), kMetrics.size() + 1);  // cached
}

TEST_F(Native, StreamsThatAreRefusedAreNeverBegun) {
  EXPECT_EQ(refused("/v1/caption", greedy({{"stream", true}, {"length", "x"}})), "400 invalid_value length");
  EXPECT_EQ(refused("/v1/query", {{"stream", true}}), "400 missing_field question");
  EXPECT_EQ(refused("/v1/caption", {{"stream", true}, {"image_url", "!"}}),
            "400 image_decode_failed image_url");
  EXPECT_EQ(refused("/v1/query", greedy({{"stream", true}, {"question", "q"}, {"reasoning", true}})),
            "400 unsupported_option reasoning");
}

TEST_F(Native, ReasoningIsOneEventBeforeTheAnswer) {
  open_model(
      testing::changed_starter("thinking", [](json& config) { config["tokenizer"]["reasoning"] = true; }));
  const json body = greedy({{"question", "How many?"}, {"reasoning", true}, {"max_tokens", 12}});
  const json whole = answer("/v1/query", body);
  EXPECT_EQ(keys(whole["reasoning"]), (std::set<std::string>{"text", "grounding"}));
  json in_pieces = body;
  in_pieces["stream"] = true;
  const auto events = post("/v1/query", in_pieces)->ended().events();
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events[0]["reasoning"], whole["reasoning"]);
  EXPECT_EQ(events[0]["completed"], false);
  EXPECT_FALSE(events[0].contains("chunk"));
  std::string text;
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_FALSE(events[i].contains("reasoning"));
    text += events[i]["chunk"].get<std::string>();
  }
  EXPECT_EQ(text, whole["answer"].get<std::string>());
}

TEST_F(Native, ObjectsAreNotStreamed) {
  EXPECT_TRUE(answer("/v1/detect", greedy({{"object", "apple"}, {"stream", true}})).contains("objects"));
}

/// Keeps the scheduler's thread busy until it is opened, so that what comes after waits in the queue.
class Held : public Native {
 protected:
  // The scheduler's thread may still be on its way out of the callback.
  void TearDown() override { service_.reset(); }
  void hold(int max_queue) {
    open({}, {.parallel = 1, .max_queue = max_queue});
    TaskRequest request{.task = QueryTask{.question = "What?"}};
    std::get<QueryTask>(request.task).options.progress = [this, first = true](const Progress&) mutable {
      if (std::exchange(first, false)) {
        arrived_.set_value();
        opened_.get_future().wait();
      }
      return true;
    };
    service_->scheduler().submit(std::move(request));
    arrived_.get_future().wait();
  }
  void release() { opened_.set_value(); }

  std::promise<void> arrived_, opened_;
};

TEST_F(Held, AFullQueueIsToldWithTheTimeToWait) {
  hold(0);
  const Recording exchange = post("/v1/caption", greedy({{"stream", true}}));
  EXPECT_EQ(error_of(exchange), "429 queue_full -");
  ASSERT_NE(exchange->response_.headers.find("Retry-After"), nullptr);
  release();
}

TEST_F(Held, AStreamBeginsWhileItWaitsAndIsCancelledWithItsReader) {
  hold(1);
  const Recording exchange = post("/v1/caption", greedy({{"stream", true}}));
  EXPECT_TRUE(exchange->started_);
  EXPECT_TRUE(exchange->pieces_.empty());
  exchange->leave();
  release();
  EXPECT_TRUE(
      exchange->wait_for([](const RecordingExchange& it) { return it.account_.code == "client_closed"; }));
  EXPECT_TRUE(exchange->pieces_.empty());
  EXPECT_EQ(service_->scheduler().stats().cancelled, 1u);
}

TEST_F(Held, DeadlinesAreToldByStatusOrInTheStream) {
  hold(2);
  const Recording whole = post("/v1/caption", greedy({{"timeout", 0.01}}));
  const Recording stream = post("/v1/caption", greedy({{"timeout", 0.01}, {"stream", true}}));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  release();
  EXPECT_EQ(error_of(whole), "504 deadline_exceeded -");
  stream->ended();
  EXPECT_EQ(stream->status(), 200);
  ASSERT_EQ(stream->pieces_.size(), 2u);
  const json event = stream->events().at(0);
  EXPECT_EQ(event["error"]["code"], "deadline_exceeded");
  EXPECT_EQ(event["completed"], true);
  EXPECT_EQ(stream->pieces_[1], "data: [ERROR] deadline_exceeded: the request's time is over\n\n");
  EXPECT_EQ(stream->account_.code, "deadline_exceeded");
}

TEST_F(Held, AStopIsToldToThoseWhoWait) {
  hold(1);
  const Recording exchange = post("/v1/caption", greedy({}));
  std::thread stopping([this] { service_->scheduler().stop(); });
  release();
  EXPECT_EQ(error_of(exchange), "503 shutting_down -");
  stopping.join();
  EXPECT_EQ(refused("/v1/caption", greedy({})), "503 shutting_down -");
}

TEST_F(Native, ATimeoutDoesNotRaiseTheServersLimit) {
  Request request = json_request("/v1/caption", greedy({{"timeout", 1e18}}));
  request.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of(call(router_, request)), "504 deadline_exceeded -");
}

// ------------------------------------------------------------------------------------------ the others

TEST_F(Native, SegmentIsNotOfThisModel) {
  EXPECT_EQ(refused("/v1/segment", greedy({{"object", "apple"}})), "501 unsupported_task -");
}

TEST_F(Native, SpatialReferencesAreRefusedByAModelWithoutThem) {
  EXPECT_EQ(refused("/v1/query", greedy({{"question", "q"}, {"spatial_refs", {{0.5, 0.5}}}})).substr(0, 22),
            "400 unsupported_option");
  EXPECT_EQ(refused("/v1/point", greedy({{"object", "q"}, {"spatial_refs", {{0.5, 0.5}}}})),
            "400 unsupported_option spatial_refs");
  EXPECT_EQ(refused("/v1/query", greedy({{"question", "q"}, {"spatial_refs", {{0.5, 0.5, 0.2, 0.9}}}})),
            "400 invalid_value spatial_refs");
  EXPECT_EQ(post("/v1/query", greedy({{"question", "q"}, {"spatial_refs", json::array()}}))->ended().status(),
            200);
}

TEST_F(Native, ModelsHaveBothShapes) {
  const json got = call(router_, request_of("GET", "/v1/models"))->ended().body();
  EXPECT_EQ(got["object"], "list");
  EXPECT_EQ(keys(got["data"][0]),
            (std::set<std::string>{"id", "object", "created", "owned_by", "max_model_len"}));
  EXPECT_EQ(got["data"][0]["id"], "starter");
  EXPECT_EQ(got["data"][0]["max_model_len"], 2048);
  EXPECT_EQ(keys(got["models"][0]), (std::set<std::string>{"id", "name", "description", "version"}));
  EXPECT_EQ(call(router_, request_of("GET", "/v1/models/starter"))->ended().body(), got["data"][0]);
  EXPECT_EQ(error_of(call(router_, request_of("GET", "/v1/models/other"))), "404 model_not_found model");
}

TEST_F(Native, StatsHaveStationsKeys) {
  answer("/v1/query", {{"question", "q"}, {"max_tokens", 1}});
  const json got = call(router_, request_of("GET", "/v1/stats"))->ended().body();
  EXPECT_EQ(keys(got),
            (std::set<std::string>{"status", "model", "workers", "queue_size", "max_queue_size", "processing",
                                   "timeouts", "default_timeout", "requests_processed", "version", "isa",
                                   "threads", "weights_dtype", "uptime_s"}));
  EXPECT_EQ(got["requests_processed"], 1);
}

TEST_F(Native, TokensAreCounted) {
  EXPECT_EQ(answer("/v1/count_tokens", {{"text", "a red apple"}})["token_count"],
            starter().encode("a red apple").size());
  EXPECT_EQ(answer("/v1/count_tokens", {{"text", ""}})["token_count"], 0);
  EXPECT_EQ(refused("/v1/count_tokens", json::object()), "400 missing_field text");
}

// What the answers look like is compared with it by tests/clients/openapi.py.
TEST_F(Native, EveryRouteIsDescribed) {
  const json described = call(router_, request_of("GET", "/openapi.json"))->ended().body();
  EXPECT_EQ(described["openapi"], "3.1.0");
  EXPECT_EQ(described["info"]["version"], version());
  for (const Route& route : router_.routes()) {
    std::string path = route.path;
    if (!path.starts_with("/v1/") && path != "/openapi.json") continue;
    if (path.ends_with("/{...}")) path.replace(path.size() - 5, 5, "{id}");
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    ASSERT_TRUE(described["paths"].contains(path)) << path;
    EXPECT_TRUE(described["paths"][path].contains(method)) << method << " " << path;
  }
  EXPECT_EQ(described["components"]["schemas"]["CaptionRequest"]["properties"]["length"]["enum"].size(), 4u);
}

}  // namespace
}  // namespace moonbeam::server
