// What is read from a server's answer, and when and how long to wait for another.
#include "data/llm/answer.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/llm/backoff.h"
#include "data/llm/json_text.h"
#include "data/llm/schema.h"

namespace moonbeam::llm {
namespace {

OrderedJson schema() {
  return OrderedJson::parse(R"({"type":"object","properties":{
    "claims":{"type":"array","maxItems":3,"items":{"type":"object","properties":{
      "id":{"type":"string","maxLength":4},"type":{"type":"string","enum":["existence","count"]},"n":{"type":"integer"}},
      "required":["id","type"]}},
    "sure":{"type":"boolean"}},"required":["claims"],"additionalProperties":false})");
}

std::string fault(const char* json) {
  return schema_fault(Json::parse(json), schema());
}

TEST(Schema, NamesTheFirstFaultAndItsPlace) {
  EXPECT_EQ(fault(R"({"claims":[{"id":"c1","type":"count","n":2}],"sure":true})"), "");
  EXPECT_EQ(fault(R"({"claims":[]})"), "");
  EXPECT_EQ(fault(R"([])"), "answer: expected object, got []");
  EXPECT_EQ(fault(R"({"sure":true})"), "answer: 'claims' is missing");
  EXPECT_EQ(fault(R"({"claims":[],"x":1})"), "answer: 'x' is unknown");
  EXPECT_EQ(fault(R"({"claims":[{"id":"c1","type":"colour"}]})"),
            "claims[0].type: expected one of [\"existence\",\"count\"], got \"colour\"");
  EXPECT_EQ(fault(R"({"claims":[{"id":"c1","type":"count","n":2.5}]})"),
            "claims[0].n: expected integer, got 2.5");
  EXPECT_EQ(fault(R"({"claims":[{"id":"toolong","type":"count"}]})"), "claims[0].id: too long: 7");
  EXPECT_EQ(fault(R"({"claims":[1,2,3,4]})"), "claims: too long: 4");
}

TEST(Schema, RefusesWhatServersDoNotAgreeOn) {
  for (const char* bad :
       {R"({"$ref":"#/x"})", R"({"type":"string","pattern":"a+"})", R"({"type":"thing"})",
        R"({"type":"object"})", R"({"type":"array"})", R"([])", R"({"type":"string","maxLength":"9"})",
        R"({"type":"string","minLength":-1})", R"({"type":"array","items":{"type":"null"},"minItems":1.5})",
        R"({"type":"number","minimum":null})",
        R"({"type":"object","properties":{"a":{"type":"string"}},"required":["b"]})"}) {
    EXPECT_THROW(check_schema(OrderedJson::parse(bad)), Error) << bad;
  }
  EXPECT_NO_THROW(check_schema(schema()));
}

TEST(Schema, BecomesAGrammarInItsOwnOrder) {
  const std::string text = gbnf_of(OrderedJson::parse(
      R"({"type":"object","properties":{"z":{"type":"integer"},"a":{"type":"string","enum":["x\"y","b"]},
          "l":{"type":"array","items":{"type":"boolean"},"maxItems":3}}})"));
  EXPECT_TRUE(text.starts_with(
      "root ::= ws (\"{\" ws \"\\\"z\\\"\" ws \":\" ws integer ws \",\" ws \"\\\"a\\\"\" ws \":\" ws "
      "(\"\\\"x\\\\\\\"y\\\"\" | \"\\\"b\\\"\") ws \",\" ws \"\\\"l\\\"\" ws \":\" ws "
      "(\"[\" ws (boolean ws (\",\" ws boolean ws){0,2})? \"]\") ws \"}\") ws\n"))
      << text;
}

TEST(FindJson, FindsItBetweenFencesAndWords) {
  bool mended = true;
  EXPECT_EQ(*find_json(R"( {"a":1} )", mended), Json({{"a", 1}}));
  EXPECT_FALSE(mended);
  EXPECT_EQ(*find_json("Sure!\n```json\n{\"a\":\"}\"}\n```\nBye", mended), Json({{"a", "}"}}));
  EXPECT_TRUE(mended);
  EXPECT_EQ(*find_json("[1,2] and more", mended), Json({1, 2}));
  EXPECT_FALSE(find_json("no JSON", mended));
  EXPECT_FALSE(find_json("{\"a\":1", mended));
  EXPECT_FALSE(find_json("", mended));
  EXPECT_FALSE(find_json("{a}", mended));
}

TEST(FindJson, RefusesDepthAndZeroBytesAndBadText) {
  EXPECT_FALSE(parse_bounded(std::string(100'000, '[')));
  EXPECT_FALSE(parse_bounded(std::string(40, '[') + std::string(40, ']')));
  EXPECT_TRUE(parse_bounded(std::string(30, '[') + std::string(30, ']')));
  EXPECT_FALSE(parse_bounded(std::string_view("{}\0{}", 5)));
  EXPECT_FALSE(parse_bounded("\"\xff\""));
  EXPECT_FALSE(parse_bounded("1e999"));
}

Call call_with_schema() {
  Call call;
  call.schema =
      OrderedJson::parse(R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]})");
  return call;
}

Answer read(const std::string& content, const std::string& finish = "stop", bool free_text = false) {
  const Json body = {
      {"choices", {{{"message", {{"content", content}}}, {"finish_reason", finish}}}},
      {"usage",
       {{"prompt_tokens", 10}, {"completion_tokens", 4}, {"prompt_tokens_details", {{"cached_tokens", 6}}}}},
      {"model", "m"}};
  return read_answer(body.dump(), free_text ? Call() : call_with_schema());
}

TEST(ReadAnswer, JudgesWhatTheModelWrote) {
  const Answer good = read(R"({"a":1})");
  EXPECT_EQ(good.outcome, Outcome::kAnswer);
  EXPECT_EQ(good.value["a"], 1);
  EXPECT_EQ(good.usage.prompt, 10);
  EXPECT_EQ(good.usage.completion, 4);
  EXPECT_EQ(good.usage.cached, 6);
  EXPECT_EQ(good.served, "m");
  EXPECT_EQ(read(R"({"a":1})", "length").outcome, Outcome::kCut);
  EXPECT_EQ(read(R"({"a":1})", "content_filter").outcome, Outcome::kRefusal);
  EXPECT_EQ(read("  \n").outcome, Outcome::kEmpty);
  EXPECT_EQ(read("{\"a\":").outcome, Outcome::kNotJson);
  EXPECT_EQ(read("{\"a\":\"x\"}").outcome, Outcome::kWrongSchema);
  EXPECT_EQ(read("I\xe2\x80\x99m sorry, but I can't do that.").outcome, Outcome::kRefusal);
  EXPECT_EQ(read("A dog.", "stop", true).outcome, Outcome::kAnswer);
  EXPECT_EQ(read("I cannot assist with that.", "stop", true).outcome, Outcome::kRefusal);
}

TEST(ReadAnswer, SurvivesWhatServersShouldNotWrite) {
  for (const char* body :
       {"", "null", "[]", "{}", "7", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[7]})",
        R"({"choices":[{"message":7}]})", R"({"choices":[{}]})", R"({"choices":null,"usage":[]})",
        R"({"error":{"message":"x"}})", "<html>", "\xff\xfe"}) {
    EXPECT_EQ(read_answer(body, Call()).outcome, Outcome::kBroken) << body;
  }
  const Answer odd = read_answer(
      R"({"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":7}],"usage":{"prompt_tokens":-5,
          "completion_tokens":1e30,"prompt_tokens_details":7}})",
      Call());
  EXPECT_EQ(odd.outcome, Outcome::kRefusal);
  EXPECT_EQ(odd.usage.prompt, 0);
  EXPECT_EQ(odd.usage.completion, 0);
  Call embeddings;
  embeddings.kind = CallKind::kEmbeddings;
  embeddings.inputs = {"a", "b"};
  for (const char* body : {R"({"data":[]})", R"({"data":[{"embedding":[1]},{"embedding":[1,2]}]})",
                           R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
                           R"({"data":[{"index":9,"embedding":[1]},{"index":1,"embedding":[1]}]})",
                           R"({"data":[{"index":1,"embedding":[1,2]},{"index":0,"embedding":[1]}]})",
                           R"({"data":[{"index":"0","embedding":[1]},{"index":"1","embedding":[1]}]})",
                           R"({"data":[{"index":0,"embedding":["x"]},{"index":1,"embedding":[1]}]})"}) {
    EXPECT_EQ(read_answer(body, embeddings).outcome, Outcome::kBroken) << body;
  }
}

TEST(ErrorWords, AreThoseOfTheServerInOneLine) {
  EXPECT_EQ(error_words(R"({"error":{"message":"too many"}})"), "too many");
  EXPECT_EQ(error_words(R"({"error":"plain"})"), "plain");
  EXPECT_EQ(error_words(R"({"detail":"of FastAPI"})"), "of FastAPI");
  EXPECT_EQ(error_words("<html>\nmore"), "<html>");
  EXPECT_LE(error_words(std::string(5000, 'x')).size(), 300U);
}

TEST(Backoff, DoublesToItsCapAndIsTheSameForTheSameRecord) {
  for (int k = 0; k < 12; ++k) {
    const double wait = backoff_ms(k, 5), middle = std::min(60'000.0, 500.0 * (1 << k));
    EXPECT_GE(wait, 0.5 * middle);
    EXPECT_LT(wait, 1.5 * middle);
    EXPECT_EQ(wait, backoff_ms(k, 5));
    EXPECT_NE(wait, backoff_ms(k, 6));
  }
}

TEST(RetryAfter, IsSecondsOrADate) {
  const std::int64_t now = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
  EXPECT_EQ(*retry_after_ms("2", now), 2000);
  EXPECT_EQ(*retry_after_ms(" 0.5 ", now), 500);
  EXPECT_EQ(*retry_after_ms("Tue, 14 Nov 2023 22:13:30 GMT", now), 10'000);
  EXPECT_EQ(*retry_after_ms("Tuesday, 14-Nov-23 22:13:30 GMT", now), 10'000);
  EXPECT_EQ(*retry_after_ms("Tue Nov 14 22:13:30 2023", now), 10'000);
  EXPECT_EQ(*retry_after_ms("Tue, 14 Nov 2023 22:13:10 GMT", now), 0);
  for (const char* none : {"", "soon", "-3", "nan", "inf", "1e400"})
    EXPECT_FALSE(retry_after_ms(none, now)) << none;
}

TEST(Statuses, HaveTheirRules) {
  for (const int retry : {408, 409, 429, 500, 502, 503, 504}) EXPECT_EQ(rule_of(retry), StatusRule::kRetry);
  for (const int stop : {401, 403}) EXPECT_EQ(rule_of(stop), StatusRule::kStop);
  for (const int reject : {201, 301, 302, 400, 404, 413, 418, 422, 501, 505, 599}) {
    EXPECT_EQ(rule_of(reject), StatusRule::kReject) << reject;
  }
  EXPECT_EQ(rule_of(200), StatusRule::kAnswer);
}

}  // namespace
}  // namespace moonbeam::llm
