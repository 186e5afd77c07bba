// One thread waits for signals and does what they say; the transport, the loader and the log have theirs.
#include "server/operation/serve.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "server/operation/health.h"

namespace moonbeam::server {

namespace {

using namespace std::chrono_literals;

constexpr int kLoaded = SIGUSR1;  // from the loader to the thread that waits

/// Signals of the whole process, taken by one thread.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, kLoaded}) sigaddset(&set_, number);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int wait() const {
    int number = 0;
    while (::sigwait(&set_, &number) != 0) {
    }
    return number;
  }
  /// 0 where none has come.
  int poll() const {
    const timespec now = {};
    return std::max(::sigtimedwait(&set_, nullptr, &now), 0);
  }

 private:
  sigset_t set_ = {}, before_ = {};
};

bool ends(int signal) {
  return signal == SIGTERM || signal == SIGINT;
}

/// Asked for every few seconds, by machines.
bool is_probe(std::string_view route) {
  return route == "/health" || route == "/ready" || route == "/metrics";
}

/// Every connection takes one, and the model's files some.
void raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A server that others reach asks for a key, or is told not to.
void check_access(const ServeOptions& options, const std::vector<Listener>& listeners, bool keys) {
  const bool reachable = std::any_of(listeners.begin(), listeners.end(),
                                     [](const Listener& listener) { return !listener.loopback; });
  if (!reachable || keys) return;
  if (!options.no_auth) {
    base::fail(ErrorCode::kInvalidArgument,
               "others can reach this address: expected --api-key-file FILE, --api-key KEY or "
               "MOONBEAM_API_KEY, or --no-auth to let everybody in");
  }
  const auto& origins = options.server.guard.cors_origins;
  if (std::find(origins.begin(), origins.end(), "*") != origins.end()) {
    base::fail(ErrorCode::kInvalidArgument,
               "--cors-origin '*' without a key would let every web page use this server: expected "
               "--api-key-file, or a loopback address");
  }
}

/// A server from its sockets to its last answer.
class Serving {
 public:
  Serving(ServeOptions options, Backend& backend) : options_(std::move(options)), backend_(backend) {}

  int run() {
    raise_descriptor_limit();
    open_log();
    open_server();
    std::exception_ptr failure;
    std::atomic<bool> stopping = false;
    const pthread_t main_thread = ::pthread_self();
    std::thread loader([&] {
      try {
        backend_.open([&] { return !stopping; });
      } catch (...) {
        failure = std::current_exception();
      }
      loaded_ = failure == nullptr;
      ::pthread_kill(main_thread, kLoaded);
    });
    int signal = 0;
    bool failed = false;
    while (!failed && !ends(signal = signals_.wait())) {
      if (signal == SIGHUP) reload();
      if (signal != kLoaded) continue;
      failed = !loaded_;
      if (!failed) open_doors();
    }
    stage_ = Stage::kDraining;
    stopping = true;
    const int status = failed ? 0 : end();
    loader.join();
    server_->stop();
    if (failed) std::rethrow_exception(failure);
    if (log_) log_->event("stopped");
    return status;
  }

 private:
  std::vector<Key> keys() const {
    std::vector<Key> keys = options_.server.keys;
    if (!options_.key_file.empty()) {
      for (Key& key : read_key_file(options_.key_file)) keys.push_back(std::move(key));
    }
    return keys;
  }

  void open_log() {
    if (!options_.log_requests) return;
    log_ = std::make_unique<AccessLog>(options_.log);
  }

  void open_server() {
    ServerOptions options = options_.server;
    options.keys = keys();
    if (options_.tls) options.tls = options_.tls();
    const bool has_keys = !options.keys.empty();
    if (!options_.key_file.empty() && !has_keys)
      base::fail(ErrorCode::kInvalidArgument, options_.key_file, ": expected at least one key");
    const std::shared_ptr<const Tls> tls = options.tls;
    options.on_finished = [this](const Finished& finished) {
      metrics_.finished(finished);
      if (log_ && !is_probe(finished.route)) log_->write(finished);
    };
    options.retry_after_s = [this] { return loaded_ ? backend_.retry_after_s() : 1; };
    server_ = std::make_unique<Server>(std::move(options));
    check_access(options_, server_->listeners(), has_keys);
    Router router;
    add_health_routes(
        router, stage_, [this] { return backend_.has_room(); }, [this] { return metrics_text(); },
        options_.metrics_open);
    backend_.add_routes(router);
    Refusal loading(503, "model_loading", "the model is being loaded");
    loading.retry_after_s = 2;
    server_->hold(loading);
    server_->start(std::move(router));
    if (!options_.port_file.empty()) write_port_file();
    std::string places;
    for (const Listener& listener : server_->listeners())
      places += (places.empty() ? "" : " and ") + listener.url(tls ? "https" : "http");
    say("listening on " + places);
    if (tls) introduce(*tls);
    if (options_.on_listening) options_.on_listening(server_->listeners());
  }

  void write_port_file() const {
    base::AtomicFile file(options_.port_file);
    file.write(std::to_string(server_->listeners()[0].port) + "\n");
    file.commit();
  }

  void open_doors() {
    server_->hold({});
    stage_ = Stage::kReady;
    if (log_) log_->event("ready");
    say("ready");
  }

  void introduce(const Tls& tls) const {
    say("the certificate's SHA-256 fingerprint is " + tls.fingerprint());
    if (!tls.warning().empty()) say("warning: " + tls.warning());
  }

  void reload() {
    if (log_) log_->reopen();
    reload_keys();
    if (options_.tls) reload_tls();
  }

  /// Connections keep what they began with.
  void reload_tls() {
    try {
      const std::shared_ptr<const Tls> fresh = options_.tls();
      server_->set_tls(fresh);
      say("certificate read again");
      introduce(*fresh);
    } catch (const Error& error) {
      say(std::string(error.what()) + "; the certificate stays as it is");
      if (log_) log_->event("certificate_refused");
    }
  }

  void reload_keys() {
    try {
      std::vector<Key> fresh = keys();
      // An empty file is more likely half written than meant.
      if (fresh.empty() && !options_.key_file.empty())
        base::fail(ErrorCode::kInvalidArgument, options_.key_file, ": expected at least one key");
      server_->set_keys(std::move(fresh));
      say("keys read again");
    } catch (const Error& error) {
      say(std::string(error.what()) + "; the keys stay as they are");
    }
  }

  /// What is in work may end within the grace; a second signal cuts that short.
  int end() {
    say("stopping");
    if (log_) log_->event("stopping");
    server_->drain();
    if (loaded_) backend_.drain();
    const auto last = std::chrono::steady_clock::now() + options_.grace;
    int second = 0;
    while (!server_->wait_idle(20ms)) {
      second = signals_.poll();
      if (ends(second) || std::chrono::steady_clock::now() >= last) break;
    }
    if (loaded_) backend_.stop();
    server_->wait_idle(1s);  // for the last words of what was cut
    return ends(second) ? 128 + second : 0;
  }

  std::string metrics_text() const {
    MetricsNow now;
    now.loaded = loaded_;
    if (loaded_) {
      now.scheduler = backend_.stats();
      now.model = backend_.model();
    }
    now.server = server_->stats();
    std::string text = metrics_.text(now);
    if (now.loaded) backend_.write_metrics(text);
    return text;
  }

  void say(const std::string& what) const {
    if (options_.say) options_.say(what);
  }

  Signals signals_;  // before any thread: they inherit the mask
  ServeOptions options_;
  Backend& backend_;
  Metrics metrics_;
  std::unique_ptr<AccessLog> log_;
  std::atomic<Stage> stage_{Stage::kLoading};
  std::atomic<bool> loaded_{false};
  std::unique_ptr<Server> server_;
};

}  // namespace

int serve(ServeOptions options, Backend& backend) {
  return Serving(std::move(options), backend).run();
}

}  // namespace moonbeam::server
