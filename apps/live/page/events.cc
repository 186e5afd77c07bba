#include "live/page/events.h"

#include <string_view>
#include <utility>

#include "live/page/query.h"
#include "server/http/refusal.h"

namespace moonbeam::live {

namespace {

constexpr const char* kPing = ": ping\n\n";
constexpr int kAbnormal = 1006, kNormal = 1000;

/// Text messages as events. What is binary has no place there: the preview shows it.
class EventSocket final : public server::Socket {
 public:
  EventSocket(std::shared_ptr<server::Exchange> exchange, std::function<void()> closed)
      : exchange_(std::move(exchange)), closed_(std::move(closed)) {}
  void send_text(std::string text) override { exchange_->write("data: " + text + "\n\n"); }
  void send_binary(std::string) override {}
  // The transport ends a reader that lags too far behind by itself.
  std::size_t queued() const noexcept override { return 0; }
  void close(int, std::string) override {
    exchange_->finish();
    closed_();
  }

 private:
  const std::shared_ptr<server::Exchange> exchange_;
  const std::function<void()> closed_;
};

std::string needed_session(const server::Request& request) {
  std::string out = session_of(request.query);
  if (out.empty()) {
    throw server::Refusal(400, "invalid_value", "'session': expected 8 to 64 letters, digits and dashes",
                          "session");
  }
  return out;
}

bool is_json(const server::Request& request) {
  const std::string* type = request.headers.find("Content-Type");
  return type != nullptr && type->starts_with("application/json");
}

}  // namespace

std::shared_ptr<EventSessions::Session> EventSessions::find(const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto found = sessions_.find(name);
  return found == sessions_.end() ? nullptr : found->second;
}

bool EventSessions::knows(const std::string& session) const {
  return find(session) != nullptr;
}

void EventSessions::listen(const std::shared_ptr<server::Exchange>& exchange, const Accept& accept) {
  const std::string name = needed_session(exchange->request());
  const auto session = std::make_shared<Session>();
  {
    const std::lock_guard guard(mutex_);
    std::erase_if(sessions_, [](const auto& one) { return one.second->over.load(); });
    if (!sessions_.emplace(name, session).second) {
      throw server::Refusal(409, "invalid_value", "'session': there is one of this name", "session");
    }
  }
  server::Response head{.content_type = "text/event-stream; charset=utf-8", .body = kPing};
  head.headers.add("Cache-Control", "no-cache");
  head.headers.add("X-Accel-Buffering", "no");
  exchange->start(std::move(head), kPing);
  {
    // Until the session's own callbacks are there, nobody speaks to it.
    const std::lock_guard guard(session->speaking);
    const std::weak_ptr<Session> weak = session;
    session->events = accept(std::make_shared<EventSocket>(exchange, [weak] {
      if (const auto closed = weak.lock()) closed->over = true;
    }));
  }
  if (session->over) return end(name);
  exchange->on_gone([this, name] { end(name); });
}

void EventSessions::end(const std::string& name) {
  std::shared_ptr<Session> session;
  {
    const std::lock_guard guard(mutex_);
    const auto found = sessions_.find(name);
    if (found == sessions_.end()) return;
    session = found->second;
    sessions_.erase(found);
  }
  const std::lock_guard guard(session->speaking);
  const auto events = std::exchange(session->events, {});
  if (events.on_close) events.on_close(session->over ? kNormal : kAbnormal);
}

void EventSessions::clear() {
  std::map<std::string, std::shared_ptr<Session>> gone;  // let go without the lock
  const std::lock_guard guard(mutex_);
  gone.swap(sessions_);
}

void EventSessions::take(const std::shared_ptr<server::Exchange>& exchange) {
  const server::Request& request = exchange->request();
  const std::string name = needed_session(request);
  const std::shared_ptr<Session> session = find(name);
  if (!session) throw server::Refusal(404, "not_found", "'session': there is none of this name", "session");
  {
    const std::lock_guard guard(session->speaking);
    const auto& hear = is_json(request) ? session->events.on_text : session->events.on_binary;
    if (hear) hear(request.body);
  }
  if (session->over) end(name);
  exchange->send({.body = "{\"ok\": true}"});
}

}  // namespace moonbeam::live
