// The Model Context Protocol over lines of JSON: who says what when. Pipes and the process are mcp.cc's.
//
// Lines are handled as they come; calls of tools run one after another in a thread of their own, so that a
// client can ping and cancel meanwhile.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "cli/answerer.h"
#include "cli/mcp/roots.h"
#include "cli/mcp/tools.h"

namespace moonbeam::mcp {

/// Longest message: a picture in base64 and some more.
inline constexpr std::size_t kMaxMessage = std::size_t{96} << 20;

class Server {
 public:
  /// A line without its end, from any thread, one at a time. @return false if nobody reads any more.
  using Send = std::function<bool(const std::string& line)>;
  Server(cli::Answerer& answerer, Roots roots, Send send);
  ~Server();  ///< cancels what runs
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// One line of the client. Never throws for what is in it.
  void receive(std::string_view line);
  /// Instead of a line that is longer than kMaxMessage.
  void refuse_long_message();
  /// Waits until every call has its answer.
  void finish();

 private:
  /// Where the answers to one line go: out, or into the list of a batch.
  class Replies;
  struct Running {
    Json id, progress_token;
    std::string tool;
    Json arguments;
    std::shared_ptr<Replies> replies;
    std::atomic<bool> cancelled = false;
  };

  void handle(const Json& message, const std::shared_ptr<Replies>& replies);
  void handle_request(const std::string& method, const Json& id, const Json& params,
                      const std::shared_ptr<Replies>& replies);
  void handle_notification(const std::string& method, const Json& params);
  Json initialize(const Json& params);
  void start_call(const Json& id, const Json& params, const std::shared_ptr<Replies>& replies);
  void work();
  Json run(Running& call);
  bool report(const Running& call, const Progress& progress, double& last_ms);
  void send(const Json& message);

  cli::Answerer& answerer_;
  const cli::Abilities abilities_;
  const Roots roots_;
  Send send_;
  std::string version_;  // negotiated; empty before
  std::mutex send_mutex_, mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Running>> calls_;  // the first one is running
  bool stop_ = false;
  std::thread worker_;
};

}  // namespace moonbeam::mcp
