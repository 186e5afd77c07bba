// The client: calls go in from any thread, results come out, and everything between is done by one thread of
// its own: cache, budgets, choice of a server, tries and second attempts (data.md section 6).
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data/llm/endpoint.h"
#include "data/llm/ledger.h"
#include "data/llm/result.h"

namespace moonbeam::llm {

class BatchWriter;
class Cache;

struct ClientOptions {
  std::vector<EndpointOptions> endpoints;
  Budget budget = {};
  int max_tries = 8;        ///< of a call, where a status or the way there asks for it
  int second_attempts = 2;  ///< after answers that are of no use
  int most_tokens = 4096;   ///< of a second attempt, after one that was cut
  double backoff_ms = 500;  ///< doubled each try, at most 60 s
  double try_timeout_ms = 120'000, connect_timeout_ms = 10'000;
  double deadline_ms = 600'000;  ///< of a call that names none
  double give_up_ms = 300'000;   ///< every server of a model has been out of order for so long
  double run_deadline_ms = 0;    ///< from the start of the client; 0: none
  int breaker_failures = 10;
  double breaker_probe_ms = 30'000;
  std::size_t max_answer = std::size_t{16} << 20;            ///< bytes of one
  std::size_t max_bytes_in_flight = std::size_t{256} << 20;  ///< of request bodies
  std::string dialect_file;  ///< remembers what probes found out; empty: each client probes
  /// Nothing is sent: what the cache does not hold goes to a batch file. Must outlive the client.
  BatchWriter* batch = nullptr;
};

struct EndpointStats {
  std::string name, dialect;
  int window = 0, in_flight = 0;
  bool out_of_order = false;  ///< its breaker is open
  std::int64_t sent = 0, answered = 0, slow_downs = 0, failures = 0, cuts = 0;
  double p95_ms = 0;
};

struct ClientStats {
  std::int64_t submitted = 0, finished = 0, from_cache = 0, shared = 0;
  std::array<std::int64_t, kOutcomes> outcomes{};  ///< of what has finished
  std::int64_t requests = 0, retries = 0, second_attempts = 0, mended = 0;
  std::int64_t waiting = 0, in_flight = 0;
  Spent spent;  ///< of this client and of earlier runs in the same ledger
  std::vector<EndpointStats> endpoints;
  std::string stopped;       ///< why no call is made any more; empty: they are
  bool over_budget = false;  ///< a budget of the run was reached: lease no new shards
};

/// Called once a call, on the client's thread: it must be quick, and may submit. One that throws stops the
/// client.
using Done = std::function<void(Result)>;

class Client {
 public:
  /// `cache` and `ledger` may be null; both must outlive the client, which alone uses the ledger meanwhile.
  /// @throws Error kInvalidArgument (no endpoint, a bad one, a key that is not in the environment),
  /// kExhausted.
  Client(ClientOptions options, Cache* cache, Ledger* ledger);
  ~Client();  ///< what is not finished ends as kCancelled
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Returns at once; there is no bound on what waits but the caller's.
  /// @throws Error kInvalidArgument (a bad schema, not UTF-8, no messages, a model that no endpoint serves).
  void submit(Call call, Done done);
  /// Waits for the result. Not from within a Done.
  Result ask(Call call);
  /// All at once; results in the order of the calls.
  std::vector<Result> ask_all(std::vector<Call> calls);
  /// Until nothing is under way. Not from within a Done.
  void wait_idle();

  /// No call is sent any more; those under way have `grace_ms` to end, so that what was paid for is kept. All
  /// others end as kCancelled. From any thread.
  void stop(const std::string& why, double grace_ms);
  /// An image is done with: its counts of calls and tokens are let go.
  void forget_image(const std::string& image);
  ClientStats stats() const;

 private:
  class Core;
  struct Order;
  void run();
  void take(std::vector<Order>& orders);
  void publish_stats();

  std::unique_ptr<Core> core_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<Order> inbox_;
  std::vector<std::string> forgotten_;
  std::int64_t outstanding_ = 0;
  bool quit_ = false;
  std::string stop_why_;
  double stop_grace_ms_ = -1;
  ClientStats stats_;
  std::string broken_;  ///< of the client's thread: what a Done threw
  std::thread thread_;
};

}  // namespace moonbeam::llm
