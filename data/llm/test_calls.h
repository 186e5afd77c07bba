// For tests: calls and clients as the pipeline makes them, against the mock.
#pragma once

#include <string>
#include <vector>

#include "data/llm/client.h"
#include "data/mockllm/server.h"

namespace moonbeam::llm {

inline OrderedJson verdict_schema() {
  return OrderedJson::parse(R"({"type":"object","properties":{
    "reason":{"type":"string"},"verdict":{"type":"string","enum":["supported","contradicted","unknown"]}},
    "required":["reason","verdict"],"additionalProperties":false})");
}

/// The `number`-th of many different calls, each with a schema.
inline Call test_call(int number, const std::string& stage = "test") {
  Call call;
  call.id = "image-" + std::to_string(number / 4) + "/" + stage + "/" + std::to_string(number);
  call.image = "image-" + std::to_string(number / 4);
  call.stage = stage;
  call.model = "mock";
  call.messages = {{"system", "Answer in JSON.", {}},
                   {"user",
                    "Is claim " + std::to_string(number) + " supported?\n<input>{\"stage\":\"" + stage +
                        "\",\"number\":" + std::to_string(number) + "}</input>",
                    {}}};
  call.schema = verdict_schema();
  call.rng = mix(7, static_cast<std::uint64_t>(number));
  return call;
}

inline std::vector<Call> test_calls(int count) {
  std::vector<Call> out;
  for (int i = 0; i < count; ++i) out.push_back(test_call(i));
  return out;
}

/// One endpoint without a probe, and waits that a test can afford.
inline ClientOptions test_options(const std::string& url) {
  ClientOptions options;
  EndpointOptions endpoint;
  endpoint.name = "mock";
  endpoint.url = url;
  endpoint.dialect = Dialect::kJsonSchema;
  options.endpoints = {endpoint};
  options.backoff_ms = 5;
  options.breaker_probe_ms = 200;
  return options;
}

inline mockllm::ServerOptions with_faults(const std::vector<std::string>& faults) {
  mockllm::ServerOptions options;
  for (const std::string& one : faults) options.mock.faults.push_back(mockllm::parse_fault(one));
  return options;
}

inline int count_ok(const std::vector<Result>& results) {
  int out = 0;
  for (const Result& one : results) out += one.ok() ? 1 : 0;
  return out;
}

}  // namespace moonbeam::llm
