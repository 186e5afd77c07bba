// Every field of the chat routes with every kind of wrong value: an answer, or 400 that names the field.
#include <gtest/gtest.h>

#include "server/api/bad_values.h"
#include "server/api/chat/testing.h"
#include "server/api/ollama/routes.h"
#include "server/api/openai/chat_completions.h"

namespace moonbeam::server {
namespace {

using testing::json;
using testing::kBig;
using testing::kHuge;
using testing::kMax;
using testing::kValues;
using testing::Recording;

class BadChatValues : public testing::Posting {
 protected:
  BadChatValues() {
    add_openai_routes(router_, service_);
    add_ollama_routes(router_, service_);
  }
};

struct Case {
  /// %: where the value stands.
  std::string field, body;
  std::string max_plus_one;
  std::vector<std::string> right;  // of the values, those that are answered
};

const std::vector<std::string> kAbsent = {"null", "missing"};

std::vector<std::string> absent_and(std::vector<std::string> more) {
  more.insert(more.end(), kAbsent.begin(), kAbsent.end());
  return more;
}

/// The body with `value` for %; "missing" takes the member with it.
std::string put(const std::string& body, const std::string& value) {
  const std::size_t at = body.find('%');
  if (value != "missing") return body.substr(0, at) + value + body.substr(at + 1);
  // `, "name": %` goes; where it is the first member, `"name": %, `.
  std::size_t begin = body.rfind('"', body.rfind('"', at) - 1), end = at + 1;
  if (body[begin - 1] == ' ' && body[begin - 2] == ',') {
    begin -= 2;
  } else if (body.compare(end, 2, ", ") == 0) {
    end += 2;
  }
  return body.substr(0, begin) + body.substr(end);
}

std::string openai(const std::string& field) {
  return R"({"max_tokens": 2, "messages": [{"role": "user", "content": "What?"}], ")" + field + R"(": %})";
}

std::vector<Case> openai_cases() {
  const std::vector<std::string> counts = absent_and({kMax, kBig, kHuge});
  return {
      {"model", openai("model"), "5", absent_and({"\"\"", "\"x\""})},
      {"messages", R"({"max_tokens": 2, "messages": %})", "5", {}},
      {"messages[0].role", R"({"messages": [{"content": "What?", "role": %}]})", "5", {}},
      {"messages", R"({"messages": [{"role": "user", "content": %}], "max_tokens": 2})", "5", {"\"x\""}},
      {"max_tokens",
       R"({"messages": [{"role": "user", "content": "What?"}], "temperature": 0, "max_tokens": %})", "2049",
       counts},
      {"max_completion_tokens", openai("max_completion_tokens"), "2049", counts},
      {"temperature", openai("temperature"), "1000", absent_and({"0", kMax, kBig, kHuge})},
      {"top_p", openai("top_p"), "2", kAbsent},
      {"seed", openai("seed"), "18446744073709551616", absent_and({"0", "-1", kBig, kHuge})},
      {"stop", openai("stop"), R"(["a","b","c","d","e"])", absent_and({"[]", "\"x\""})},
      {"stream", openai("stream"), "2", absent_and({"true"})},
      {"stream_options", openai("stream_options"), "2", absent_and({"{}"})},
      {"n", openai("n"), "2", kAbsent},
      {"logprobs", openai("logprobs"), "2", kAbsent},
      {"top_logprobs", openai("top_logprobs"), "21", absent_and({"0"})},
      {"tools", openai("tools"), "[{}]", absent_and({"[]"})},
      {"tool_choice", openai("tool_choice"), "2", kAbsent},
      {"audio", openai("audio"), "2", kAbsent},
      {"reasoning", openai("reasoning"), "2", kAbsent},
      {"response_format", openai("response_format"), "2", kAbsent},
      {"moondream", openai("moondream"), "2", kAbsent},
      {"timeout", openai("timeout"), "301", absent_and({kMax, kBig, kHuge})},
  };
}

std::string option(const std::string& field) {
  return R"({"prompt": "What?", "stream": false, "options": {"num_predict": 2, ")" + field + R"(": %}})";
}
std::string generate(const std::string& field) {
  return R"({"options": {"num_predict": 2}, "stream": false, ")" + field + R"(": %})";
}

std::vector<Case> ollama_cases() {
  const std::vector<std::string> texts = absent_and({"\"\"", "\"x\""});
  return {
      {"model", generate("model"), "5", texts},
      {"prompt", generate("prompt"), "5", texts},
      {"system", generate("system"), "5", texts},
      {"images", generate("images"), "5", absent_and({"[]"})},
      {"format", R"({"prompt": "What?", "stream": false, "options": {"num_predict": 2}, "format": %})", "5",
       absent_and({"{}", "\"\""})},
      {"options", R"({"prompt": "", "stream": false, "options": %})", "5", absent_and({"{}"})},
      {"stream", R"({"prompt": "", "stream": %})", "5", absent_and({"true"})},
      {"keep_alive", R"({"prompt": "", "stream": false, "keep_alive": %})", "[0]",
       absent_and({"-1", "0", kBig, kHuge, "\"\"", "\"x\""})},
      {"think", generate("think"), "5", absent_and({"true", "\"\"", "\"x\""})},
      {"options.temperature", option("temperature"), "1000", absent_and({"0", kMax, kBig, kHuge})},
      {"options.top_p", option("top_p"), "2", kAbsent},
      {"options.num_predict",
       R"({"prompt": "What?", "stream": false, "options": {"temperature": 0, "num_predict": %}})", "2049",
       absent_and({"-1", kMax, kBig, kHuge})},
      {"options.num_ctx", option("num_ctx"), "2049", absent_and({kMax, kBig, kHuge})},
      {"options.seed", option("seed"), "18446744073709551616", absent_and({"0", "-1", kBig, kHuge})},
      {"options.stop", option("stop"), R"([5])", absent_and({"[]", "\"x\""})},
      {"options.moondream", option("moondream"), "2", kAbsent},
  };
}

TEST_F(BadChatValues, OfOpenAiAreRefusedByNameOrAnswered) {
  for (const Case& of : openai_cases()) {
    for (const std::string& value : kValues) {
      const Recording got =
          post("/v1/chat/completions", put(of.body, value == kMax ? of.max_plus_one : value));
      const std::string what = of.body + " with " + value + ": " + got->response_.body.substr(0, 300);
      if (std::find(of.right.begin(), of.right.end(), value) != of.right.end()) {
        EXPECT_EQ(got->status(), 200) << what;
        continue;
      }
      testing::expect_refusal_of(got, of.field, what);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(BadChatValues, OfOllamaAreRefusedByNameOrAnswered) {
  for (const Case& of : ollama_cases()) {
    for (const std::string& value : kValues) {
      const Recording got = post("/api/generate", put(of.body, value == kMax ? of.max_plus_one : value));
      const std::string what = of.body + " with " + value + ": " + got->response_.body.substr(0, 300);
      if (std::find(of.right.begin(), of.right.end(), value) != of.right.end()) {
        EXPECT_EQ(got->status(), 200) << what;
        continue;
      }
      ASSERT_EQ(got->status(), 400) << what;
      EXPECT_NE(got->body()["error"].get<std::string>().find(of.field), std::string::npos) << what;
    }
  }
}

TEST_F(BadChatValues, TextOfSpecialTokensIsPlainText) {
  for (const char* text : {"<|endoftext|>", "<|answer|>", "<|coord|><|size|>"}) {
    const json body = {
        {"temperature", 0}, {"max_tokens", 8}, {"messages", {{{"role", "user"}, {"content", text}}}}};
    QueryOptions options;
    options.max_tokens = 8;
    const QueryResult expected = testing::starter().query(text, options);
    const json got = post("/v1/chat/completions", body.dump())->body();
    EXPECT_EQ(got["choices"][0]["message"]["content"], expected.answer) << text;
    EXPECT_EQ(got["usage"]["prompt_tokens"], expected.usage.prompt_tokens) << text;
  }
}

TEST_F(BadChatValues, BigAndDeepBodiesAreRefused) {
  const std::string start = R"({"messages": [{"role": "user", "content": )";
  EXPECT_EQ(post("/v1/chat/completions", start + "\"" + std::string(1 << 20, 'a') + "\"}]}")->status(), 400);
  EXPECT_EQ(post("/v1/chat/completions", start + std::string(100'000, '['))->status(), 400);
  EXPECT_EQ(post("/v1/chat/completions", start + "\"a\xff\"}]}")->body()["error"]["code"], "invalid_json");
  EXPECT_EQ(post("/api/chat", start + std::string(100'000, '['))->status(), 400);
  for (const char* body : {"[]", "1", "\"x\"", "null", "{"}) {
    EXPECT_EQ(post("/v1/chat/completions", body)->status(), 400) << body;
    EXPECT_EQ(post("/api/chat", body)->status(), 400) << body;
  }
}

}  // namespace
}  // namespace moonbeam::server
