// The client's single thread: which call goes where and when, and what its answer leads to. Knows of other
// threads only that it must not block.
#pragma once

#include <deque>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/llm/answer.h"
#include "data/llm/client.h"
#include "data/llm/transport.h"

namespace moonbeam::llm {

/// One call under way, and all who wait for it: equal calls are asked once.
struct Pending {
  Call call;
  RequestId id;
  std::vector<Done> waiting;
  Attempt attempt;
  Sampling sampling;
  Result result;                         ///< as far as it is known
  double first_sent = -1, deadline = 0;  ///< ms; deadline counts from the first try
  int retries = 0;
  int failed_at = -1;                               ///< endpoint of the last try, where that failed
  Spent worst;                                      ///< set aside for the try that is out
  std::int64_t most_prompt = 0, likely_prompt = 0;  ///< tokens
  std::size_t body_bytes = 0;
  bool sent = false;  ///< a try is out

  /// What is taken from a server's rate of tokens for a try.
  double likely_tokens() const { return static_cast<double>(likely_prompt + sampling.max_tokens); }
};

class Client::Core {
 public:
  Core(const ClientOptions& options, Cache* cache, Ledger* ledger);

  bool serves(const std::string& model) const;
  void add(Call call, const RequestId& id, Done done);
  /// Sends what can be sent. @return when to come again, ms; kNever if only an answer changes anything.
  double work(double now);
  void poll(double most_ms) { transport_->poll(most_ms); }
  void wake() noexcept { transport_->wake(); }
  void stop(const std::string& why, double grace_ms);
  void forget_image(const std::string& image) { ledger_->forget(image); }
  /// Ends everything that is not finished.
  void cancel_all();
  /// Something broke on this side (a full disk): nothing is sent or stored any more.
  void fail(const std::string& why);
  const ClientStats& stats();

 private:
  using Ready = std::deque<Pending*>;
  struct Later {
    double at;
    Pending* pending;
    bool operator<(const Later& other) const { return at > other.at; }  // the earliest on top
  };

  double work_on(Ready& ready, double now);
  void requeue(double now);
  void expire(double now);
  bool is_dead(const std::string& model, double now) const;
  Endpoint* choose(const Pending& pending, double now, double& next);
  bool knows_dialect(Endpoint& endpoint, const Pending& pending, double now, double& next);
  void send(Pending& pending, Endpoint& endpoint, double now);
  void on_response(Pending& pending, Endpoint& endpoint, HttpResponse response);
  void on_answer(Pending& pending, Endpoint& endpoint, const HttpResponse& response, int shared);
  void on_failure(Pending& pending, Endpoint& endpoint, const HttpResponse& response);
  void retry(Pending& pending, const HttpResponse& response, Outcome failure, double now);
  void probe(Endpoint& endpoint, const std::string& model);
  void on_probe(Endpoint& endpoint, const std::string& model, HttpResponse response);
  void dialect_found(Endpoint& endpoint, Dialect dialect);
  void note(const Pending& pending, const Endpoint& endpoint, const Spent& spent, double ms,
            std::string status);
  void finish(Pending& pending, Outcome outcome);
  void deliver(Pending& pending);
  std::string cleaned(std::string text) const;

  ClientOptions options_;
  Cache* cache_;
  std::unique_ptr<Ledger> own_ledger_;
  Ledger* ledger_;
  Purse purse_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Transport> transport_;
  std::unordered_map<RequestId, std::unique_ptr<Pending>, RequestIdHash> pending_;
  std::map<std::string, Ready> ready_;
  std::priority_queue<Later> later_;
  std::vector<Pending*> held_;  // by the budget of their image
  double start_ms_, last_expire_ = 0, stop_at_ = kNever;
  std::size_t bytes_in_flight_ = 0;
  int sent_out_ = 0;          // tries and probes that are out
  std::string last_failure_;  ///< of any server, for calls that were never sent
  ClientStats stats_;
};

}  // namespace moonbeam::llm
