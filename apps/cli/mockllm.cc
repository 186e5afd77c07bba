// moonbeam mockllm: a language model server that is none, for tests of what asks one.
#include <poll.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "cli/errors.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "data/llm/transport.h"
#include "data/mockllm/server.h"

namespace moonbeam::cli {

namespace {

constexpr int kLookEveryMs = 100;
constexpr std::size_t kMostFaultBytes = std::size_t{1} << 20;

mockllm::ServerOptions server_options(const MockArgs& args) {
  mockllm::ServerOptions out;
  out.address = args.host;
  out.port = args.port;
  out.latency_ms = args.latency_ms;
  out.token_ms = args.token_ms;
  out.capacity = args.capacity;
  out.per_minute = args.per_minute;
  out.mock.seed = args.seed;
  out.mock.truth = args.truth;
  out.mock.truth_error = args.truth_error;
  if (!args.models.empty()) {
    out.mock.models = args.models;
    out.mock.any_model = false;
  }
  if (!args.key_env.empty()) {
    const char* key = std::getenv(args.key_env.c_str());
    if (key == nullptr || *key == '\0') {
      throw Error(ErrorCode::kInvalidArgument,
                  "mockllm: the environment variable " + args.key_env + " is not set");
    }
    out.mock.key = key;
  }
  if (!args.dialects.empty()) out.mock.dialects.clear();
  for (const std::string& list : args.dialects) {
    for (const std::string& name : split(list, ',')) {
      const std::optional<llm::Dialect> dialect = llm::find_dialect(name);
      if (!dialect) throw Error(ErrorCode::kInvalidArgument, "mockllm: --dialect: '" + name + "' is none");
      out.mock.dialects.push_back(*dialect);
    }
  }
  if (!args.faults_file.empty()) {
    out.mock.faults =
        mockllm::parse_faults(base::read_file(args.faults_file, kMostFaultBytes), args.faults_file);
  }
  for (const std::string& one : args.faults) out.mock.faults.push_back(mockllm::parse_fault(one));
  return out;
}

}  // namespace

int run_mockllm(const Options& options) {
  llm::raise_descriptor_limit();
  const mockllm::Server server(server_options(options.mock));
  // The address is the result: scripts that ask for any free port read it.
  StdoutSink().write(server.url() + "\n");
  if (!options.output.quiet) complain("note: this is a mock: no language model answers here");
  while (carry_on()) ::poll(nullptr, 0, kLookEveryMs);
  const mockllm::ServerCounts counts = server.counts();
  if (!options.output.quiet) {
    std::string faults;
    for (const auto& [name, count] : counts.faults) faults += ", " + name + " " + std::to_string(count);
    complain("note: " + grouped(static_cast<std::int64_t>(counts.requests)) + " requests, " +
             grouped(static_cast<std::int64_t>(counts.answered)) + " answered, " +
             grouped(static_cast<std::int64_t>(counts.sent_away)) + " sent away, at most " +
             std::to_string(counts.most_in_flight) + " at a time" +
             (faults.empty() ? "" : "; faults" + faults.substr(1)));
  }
  // Ended as asked: how a server stops.
  return kExitOk;
}

}  // namespace moonbeam::cli
