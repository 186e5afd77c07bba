#include "cli/mcp/server.h"

#include <moonbeam/error.h>
#include <moonbeam/version.h>

#include <algorithm>
#include <array>

#include "cli/errors.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "net/json.h"

namespace moonbeam::mcp {

namespace {

enum RpcError : int { kParse = -32700, kRequest = -32600, kMethod = -32601, kParams = -32602 };

// Newest first: what a client gets that asks for none of them.
constexpr std::array<std::string_view, 3> kVersions = {"2025-06-18", "2025-03-26", "2024-11-05"};
constexpr std::string_view kBatchVersion = "2025-03-26";  // the only one with batches
constexpr double kProgressMs = 250;
constexpr std::size_t kMaxWaiting = 64;

Json error_reply(const Json& id, int code, const std::string& message) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}};
}

bool is_id(const Json& id) {
  return id.is_string() || id.is_number_integer();
}

/// Whether one of a batch gets an answer: what handle() answers, refusals included.
bool wants_reply(const Json& one) {
  if (!one.is_object() || one.value("jsonrpc", Json()) != "2.0") return true;
  const bool method = one.contains("method");
  if (!one.contains("id")) return !method || !one["method"].is_string();
  const bool is_answer = !method && (one.contains("result") || one.contains("error"));
  return !is_answer || !is_id(one["id"]);
}

}  // namespace

class Server::Replies {
 public:
  /// @param expected  answers of a batch; 0: each is sent by itself
  Replies(Server& server, std::size_t expected)
      : server_(server), batch_(expected > 0), expected_(expected) {}

  void add(Json reply) {
    if (!batch_) return server_.send(reply);
    const std::lock_guard lock(mutex_);
    list_.push_back(std::move(reply));
    if (list_.size() == expected_) server_.send(list_);
  }
  /// A request of a batch that gets no answer: it was cancelled.
  void skip() {
    if (!batch_) return;
    const std::lock_guard lock(mutex_);
    if (--expected_ > 0 && list_.size() == expected_) server_.send(list_);
  }

 private:
  Server& server_;
  bool batch_;
  std::size_t expected_;
  std::mutex mutex_;
  Json list_ = Json::array();
};

Server::Server(cli::Answerer& answerer, Roots roots, Send send)
    : answerer_(answerer),
      abilities_(answerer.abilities()),
      roots_(std::move(roots)),
      send_(std::move(send)) {
  worker_ = std::thread([this] { work(); });
}

Server::~Server() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    for (const auto& call : calls_) call->cancelled = true;
  }
  changed_.notify_all();
  worker_.join();
}

void Server::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return calls_.empty(); });
}

void Server::send(const Json& message) {
  const std::string line = message.dump(-1, ' ', true, Json::error_handler_t::replace);
  const std::lock_guard lock(send_mutex_);
  send_(line);
}

void Server::refuse_long_message() {
  send(error_reply(nullptr, kRequest, "a message of more than " + cli::human_bytes(kMaxMessage)));
}

void Server::receive(std::string_view line) {
  if (cli::trim(line).empty()) return;
  const Json message = net::parse_json<Json>(line);
  if (message.is_discarded())
    return send(error_reply(nullptr, kParse, "this line is not JSON, or nested too deeply"));
  if (!message.is_array()) return handle(message, std::make_shared<Replies>(*this, 0));
  if (version_ != kBatchVersion || message.empty()) {
    return send(
        error_reply(nullptr, kRequest,
                    message.empty() ? "an empty batch" : "this version of the protocol has no batches"));
  }
  const auto expected = static_cast<std::size_t>(std::count_if(message.begin(), message.end(), wants_reply));
  const auto replies = std::make_shared<Replies>(*this, expected);
  for (const Json& one : message) handle(one, replies);
}

void Server::handle(const Json& message, const std::shared_ptr<Replies>& replies) {
  if (!message.is_object()) return replies->add(error_reply(nullptr, kRequest, "expected an object"));
  const Json id = message.value("id", Json());
  const bool has_id = message.contains("id");
  const auto refuse = [&](const std::string& why) {
    replies->add(error_reply(is_id(id) ? id : Json(), kRequest, why));
  };
  if (message.value("jsonrpc", Json()) != "2.0") return refuse("expected \"jsonrpc\": \"2.0\"");
  if (has_id && !is_id(id)) return refuse("'id': expected a string or a whole number");
  const auto method = message.find("method");
  if (method == message.end()) {
    // An answer: we ask clients for nothing, so it is for nobody.
    if (has_id && (message.contains("result") || message.contains("error"))) return;
    return refuse("'method': expected, got nothing");
  }
  if (!method->is_string()) return refuse("'method': expected a string");
  const Json params = message.value("params", Json::object());
  if (!params.is_object()) {
    if (has_id) replies->add(error_reply(id, kParams, "'params': expected an object"));
    return;
  }
  if (has_id) {
    handle_request(method->get<std::string>(), id, params, replies);
  } else {
    handle_notification(method->get<std::string>(), params);
  }
}

void Server::handle_request(const std::string& method, const Json& id, const Json& params,
                            const std::shared_ptr<Replies>& replies) {
  const auto answer = [&](Json result) {
    replies->add({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
  };
  if (method == "ping") return answer(Json::object());
  if (method == "initialize") {
    if (!params.contains("protocolVersion") || !params["protocolVersion"].is_string()) {
      return replies->add(error_reply(id, kParams, "'protocolVersion': expected a string"));
    }
    return answer(initialize(params));
  }
  if (method != "tools/list" && method != "tools/call") {
    return replies->add(error_reply(id, kMethod, "no method '" + cli::printable(method.substr(0, 64)) + "'"));
  }
  if (version_.empty()) return replies->add(error_reply(id, kRequest, "expected 'initialize' first"));
  if (method == "tools/list") return answer({{"tools", describe_tools(abilities_)}});
  start_call(id, params, replies);
}

Json Server::initialize(const Json& params) {
  const std::string wanted = params["protocolVersion"].get<std::string>();
  const bool known = std::find(kVersions.begin(), kVersions.end(), wanted) != kVersions.end();
  version_ = known ? wanted : std::string(kVersions.front());
  std::string folders;
  for (const std::string& folder : roots_.folders()) folders += (folders.empty() ? "" : ", ") + folder;
  return {{"protocolVersion", version_},
          {"capabilities", {{"tools", {{"listChanged", false}}}}},
          {"serverInfo", {{"name", "moonbeam"}, {"title", "Moonbeam"}, {"version", std::string(version())}}},
          {"instructions", "Looks at pictures with the vision language model " +
                               (abilities_.model.empty() ? "Moondream" : abilities_.model) +
                               ". Pictures are given by path, below " + folders + ", or as data: URIs."}};
}

void Server::handle_notification(const std::string& method, const Json& params) {
  if (method != "notifications/cancelled") return;  // initialized and the like need nothing
  const Json id = params.value("requestId", Json());
  const std::lock_guard lock(mutex_);
  for (const auto& call : calls_) {
    if (call->id == id) call->cancelled = true;
  }
}

void Server::start_call(const Json& id, const Json& params, const std::shared_ptr<Replies>& replies) {
  const auto refuse = [&](const std::string& why) { replies->add(error_reply(id, kParams, why)); };
  const Json name = params.value("name", Json());
  if (!name.is_string()) return refuse("'name': expected the name of a tool");
  if (!has_tool(abilities_, name.get<std::string>())) {
    return refuse("Unknown tool: " + cli::printable(name.get<std::string>().substr(0, 64)));
  }
  const Json arguments = params.value("arguments", Json::object());
  if (!arguments.is_object()) return refuse("'arguments': expected an object");
  auto call = std::make_shared<Running>();
  call->id = id;
  call->tool = name.get<std::string>();
  call->arguments = arguments;
  call->replies = replies;
  if (const Json meta = params.value("_meta", Json()); meta.is_object()) {
    const Json token = meta.value("progressToken", Json());
    if (is_id(token)) call->progress_token = token;
  }
  {
    const std::lock_guard lock(mutex_);
    if (calls_.size() >= kMaxWaiting) {
      return replies->add({{"jsonrpc", "2.0"},
                           {"id", id},
                           {"result", error_result("too many calls are waiting; ask again later")}});
    }
    calls_.push_back(std::move(call));
  }
  changed_.notify_all();
}

void Server::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || !calls_.empty(); });
    if (stop_) return;
    const std::shared_ptr<Running> call = calls_.front();
    lock.unlock();
    Json result = call->cancelled ? Json() : run(*call);
    if (call->cancelled) {
      call->replies->skip();  // "the receiver should not send a response"
    } else {
      call->replies->add({{"jsonrpc", "2.0"}, {"id", call->id}, {"result", std::move(result)}});
    }
    lock.lock();
    calls_.pop_front();
    changed_.notify_all();
  }
}

Json Server::run(Running& running) {
  try {
    Call call = parse_call(running.tool, running.arguments, abilities_, roots_);
    running.arguments = nullptr;  // a picture's worth of memory
    double last_ms = 0;
    call.ask.progress = [&](const Progress& progress) {
      return cli::carry_on() && !running.cancelled && report(running, progress, last_ms);
    };
    const cli::Answer answer = answerer_.ask(call.picture, call.ask);
    if (!cli::carry_on()) running.cancelled = true;
    return call_result(call, answer);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) running.cancelled = true;
    return error_result(error.what());
  } catch (const std::bad_alloc&) {
    return error_result("out of memory");
  } catch (const std::exception& error) {
    return error_result(std::string("this is a bug: ") + error.what());
  }
}

bool Server::report(const Running& call, const Progress& progress, double& last_ms) {
  if (call.progress_token.is_null() || cli::now_ms() - last_ms < kProgressMs) return true;
  last_ms = cli::now_ms();
  // One scale for all stages, which has to rise: a fifth for each, and how far that one is.
  const double share =
      progress.total > 0 ? std::min(1.0, static_cast<double>(progress.done) / progress.total) : 0;
  constexpr std::array kNames = {"loading", "looking at the picture", "reading", "answering"};
  const auto stage = static_cast<std::size_t>(progress.stage);
  send({{"jsonrpc", "2.0"},
        {"method", "notifications/progress"},
        {"params",
         {{"progressToken", call.progress_token},
          {"progress", static_cast<double>(stage) + share},
          {"total", static_cast<double>(kNames.size())},
          {"message", kNames[stage]}}}});
  return true;
}

}  // namespace moonbeam::mcp
