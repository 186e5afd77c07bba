// The mock's API without sockets: a request in, an answer and what is to go wrong with it out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/llm/body.h"
#include "data/mockllm/answers.h"

namespace moonbeam::mockllm {

struct MockOptions {
  std::uint64_t seed = 0;
  std::vector<FaultRule> faults = {};
  std::vector<std::string> models = {"mock"};
  bool any_model = true;  ///< else 404 for a model that is not of the list
  std::string key;        ///< asked for as a Bearer token; empty: none
  std::string
      truth;  ///< a folder of `moonbeam data scenes`; empty: questions about pictures are answered "unknown"
  double truth_error = 0;  ///< share of answers about pictures that are wrong
  /// Forms of a schema that are heeded; others are passed over, as servers do.
  std::vector<llm::Dialect> dialects = {llm::Dialect::kJsonSchema};
  int context = 32'768;  ///< tokens; longer prompts are refused
};

struct MockRequest {
  std::string method, path, authorization, body;
};

struct MockReply {
  int status = 200;
  std::string retry_after, body, content_type = "application/json";
  int completion_tokens = 0;
  const FaultRule* way = nullptr;  ///< what goes wrong on the way
};

/// Says in every answer that it is a mock: "mock": true, and the server's header X-Moonbeam-Mock.
class Mock {
 public:
  /// @throws Error kNotFound, kCorrupt (truth)
  explicit Mock(MockOptions options);
  /// Safe from any thread.
  MockReply handle(const MockRequest& request);
  MockReply error(int status, std::string_view message, std::string_view code) const;
  std::map<std::string, std::uint64_t> fault_counts() const { return faults_.counts(); }
  std::size_t pictures() const noexcept { return truth_.size(); }

 private:
  MockReply chat(const MockRequest& request);
  MockReply embeddings(const MockRequest& request);
  MockReply models() const;
  bool knows(const Json& body) const;

  MockOptions options_;
  Truth truth_;
  Faults faults_;
};

}  // namespace moonbeam::mockllm
