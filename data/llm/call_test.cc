#include "data/llm/call.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "data/llm/body.h"
#include "data/llm/endpoint.h"

namespace moonbeam::llm {
namespace {

Call example() {
  Call call;
  call.id = "coco-7/S7/count/0";
  call.model = "m";
  call.messages = {{"user", "How many?", {}}};
  call.schema = OrderedJson::parse(
      R"({"type":"object","properties":{"reason":{"type":"string"},"answer":{"type":"integer"}}})");
  return call;
}

TEST(RequestId, IsOfTheContentAndNotOfWhoAsks) {
  const RequestId id = request_id(example());
  Call same = example();
  same.id = "another", same.image = "i", same.stage = "s", same.rng = 5, same.schema_name = "x";
  same.deadline = std::chrono::seconds(3);
  EXPECT_EQ(request_id(same), id);
  EXPECT_EQ(*RequestId::parse(id.hex()), id);
  EXPECT_FALSE(RequestId::parse("xyz"));
  EXPECT_FALSE(RequestId::parse(std::string(31, '0') + "g"));
}

TEST(RequestId, DiffersInEverythingThatDecidesAnAnswer) {
  std::set<RequestId> ids = {request_id(example())};
  const auto differs = [&](const std::function<void(Call&)>& change) {
    Call call = example();
    change(call);
    EXPECT_TRUE(ids.insert(request_id(call)).second);
  };
  differs([](Call& call) { call.model = "n"; });
  differs([](Call& call) { call.revision = "r"; });
  differs([](Call& call) { call.messages[0].text += "?"; });
  differs([](Call& call) { call.messages[0].role = "system"; });
  differs([](Call& call) {
    call.messages[0].pictures = {{"image/png", std::make_shared<std::string>("x")}};
  });
  differs([](Call& call) { call.sampling.temperature = 0.7; });
  differs([](Call& call) { call.sampling.seed = 1; });
  differs([](Call& call) { call.sampling.max_tokens = 7; });
  differs([](Call& call) { call.sampling.stop = {"\n"}; });
  differs([](Call& call) { call.kind = CallKind::kEmbeddings, call.inputs = {"a"}; });
  // The order of a schema's properties is the order in which they are written.
  differs([](Call& call) {
    call.schema = OrderedJson::parse(
        R"({"type":"object","properties":{"answer":{"type":"integer"},"reason":{"type":"string"}}})");
  });
}

TEST(CanonicalJson, SortsKeysAndKnowsOneFormOfANumber) {
  EXPECT_EQ(canonical_json(Json::parse(R"({"b": 1.0, "a": [2, 0.5, -0.0, 1e3]})")),
            R"({"a":[2,0.5,0,1000],"b":1})");
  EXPECT_THROW(canonical_json(Json("\xff")), Error);
}

TEST(Body, HoldsEverySamplingFieldAndTheSchemaInEachDialect) {
  const Call call = example();
  for (const Dialect dialect :
       {Dialect::kJsonSchema, Dialect::kStructuredOutputs, Dialect::kGuidedJson, Dialect::kLlamaSchema,
        Dialect::kGrammar, Dialect::kJsonObject, Dialect::kNone}) {
    const OrderedJson body = OrderedJson::parse(body_of(call, call.sampling, {dialect, "served", false}));
    EXPECT_EQ(body["model"], "served");
    for (const char* key :
         {"temperature", "top_p", "max_tokens", "seed", "presence_penalty", "frequency_penalty", "n"}) {
      EXPECT_TRUE(body.contains(key)) << key;
    }
    EXPECT_EQ(find_dialect(dialect_name(dialect)), dialect);
  }
  const auto body = [&](Dialect dialect) {
    return OrderedJson::parse(body_of(call, call.sampling, {dialect, "m", false}));
  };
  EXPECT_EQ(body(Dialect::kJsonSchema)["response_format"]["json_schema"]["schema"], call.schema);
  EXPECT_EQ(body(Dialect::kStructuredOutputs)["structured_outputs"]["json"], call.schema);
  EXPECT_EQ(body(Dialect::kGuidedJson)["guided_json"], call.schema);
  EXPECT_EQ(body(Dialect::kLlamaSchema)["response_format"]["schema"], call.schema);
  EXPECT_TRUE(body(Dialect::kGrammar)["grammar"].is_string());
  EXPECT_TRUE(OrderedJson::parse(body_of(call, call.sampling, {Dialect::kNone, "m", true}))
                  .contains("max_completion_tokens"));
  // Reason before answer, as written: nothing on the way sorts it.
  EXPECT_LT(body_of(call, call.sampling, {Dialect::kJsonSchema, "m", false}).find("reason"),
            body_of(call, call.sampling, {Dialect::kJsonSchema, "m", false}).find("answer\":{"));
}

TEST(Body, APictureIsAPartWithItsBytes) {
  Call call = example();
  call.messages[0].pictures = {{"image/png", std::make_shared<std::string>("Man")}};
  const OrderedJson body = OrderedJson::parse(body_of(call, call.sampling, {Dialect::kNone, "m", false}));
  const OrderedJson& parts = body["messages"][0]["content"];
  EXPECT_EQ(parts[0]["image_url"]["url"], "data:image/png;base64,TWFu");
  EXPECT_EQ(parts[1]["text"], "How many?");
  EXPECT_EQ(base64("Ma"), "TWE=");
  EXPECT_EQ(base64("M"), "TQ==");
  EXPECT_EQ(base64(""), "");
}

TEST(Probe, IsPassedOnlyByAServerThatWasHeldToTheSchema) {
  EXPECT_TRUE(probe_passed(R"({"probe":"moonbeam-7f3a"})", Dialect::kJsonSchema));
  EXPECT_FALSE(probe_passed(R"({"greeting":"hello"})", Dialect::kJsonSchema));
  EXPECT_TRUE(probe_passed(R"({"greeting":"hello"})", Dialect::kJsonObject));
  EXPECT_FALSE(probe_passed("Hello!", Dialect::kJsonObject));
}

TEST(Endpoints, AreReadAndEachSlipIsNamed) {
  const auto list = parse_endpoints(
      R"([{"url":"http://localhost:8000/v1","models":["a"],"weight":2,"price_prompt":0.5,"dialect":"guided_json"},
          {"name":"b","url":"https://example.org/v1","key_env":"K","gpus":4}])",
      "llm.json");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].dialect, Dialect::kGuidedJson);
  EXPECT_EQ(list[0].prices.prompt, 0.5);
  EXPECT_EQ(list[1].key_env, "K");
  for (const char* bad :
       {"", "{}", "[]", "[7]", R"([{"url":"ftp://x"}])", R"([{"url":"http://u:p@h/v1"}])",
        R"([{"url":"http://h","key":"x"}])", R"([{"url":"http://h","weight":0}])",
        R"([{"url":"http://h","weight":"x"}])", R"([{"url":"http://h","dialect":"x"}])",
        R"([{"url":"http://h","start_window":0}])", R"([{"url":"http://h","price_prompt":-1}])"}) {
    EXPECT_THROW(parse_endpoints(bad, "llm.json"), Error) << bad;
  }
}

TEST(Cost, IsThatOfTheSpec) {
  const Spent spent =
      cost_of({1000, 200, 400}, {.prompt = 2, .cached = 0.5, .completion = 8, .gpus = 4}, 3000, 6);
  EXPECT_DOUBLE_EQ(spent.money, (600 * 2 + 400 * 0.5 + 200 * 8) / 1e6);
  EXPECT_DOUBLE_EQ(spent.gpu_seconds, 3.0 * 4 / 6);
}

}  // namespace
}  // namespace moonbeam::llm
