#include "live/page/page.h"

#include <mutex>
#include <optional>
#include <utility>

#include "live/page/events.h"
#include "live/page/files.h"
#include "live/page/preview.h"
#include "live/page/query.h"
#include "live/session/asker.h"
#include "live/source/feed.h"
#include "server/http/refusal.h"

namespace moonbeam::live {

namespace {

constexpr const char* kProtocol = "moonbeam.live.1";
constexpr int kTryAgainLater = 1013;

void answer_as_ollama(const std::shared_ptr<server::Exchange>& exchange) {
  exchange->send({.content_type = "text/plain; charset=utf-8", .body = "Ollama is running"});
}

}  // namespace

struct Page::Impl {
  explicit Impl(PageOptions chosen) : options(std::move(chosen)) {}

  std::shared_ptr<Hub> open_hub() const {
    const std::lock_guard guard(mutex);
    return hub;
  }
  std::shared_ptr<Hub> needed_hub() const {
    if (auto out = open_hub()) return out;
    throw server::Refusal(503, "loading", "the model is loading");
  }
  void start_feed();

  PageOptions options;
  std::string source_name;
  EventSessions events;
  Preview preview;
  std::optional<SchedulerAsker> asker;

  mutable std::mutex mutex;  // of hub
  std::shared_ptr<Hub> hub;
  std::unique_ptr<Feed> feed;
};

void Page::Impl::start_feed() {
  if (!options.source) return;
  // The hub ends before the feed does, and neither keeps the other.
  const std::weak_ptr<Hub> weak = hub;
  feed = std::make_unique<Feed>(std::move(options.source),
                                Feed::Sink{.watched =
                                               [weak] {
                                                 const auto open = weak.lock();
                                                 return open && open->is_watched();
                                               },
                                           .frame =
                                               [this, weak](Feed::Picture picture) {
                                                 preview.show(picture);
                                                 if (const auto open = weak.lock())
                                                   open->source_frame(std::move(picture));
                                               },
                                           .failed =
                                               [weak](const std::string& message) {
                                                 if (const auto open = weak.lock())
                                                   open->source_failed(message);
                                               }});
  hub->on_watched([raw = feed.get()] { raw->wake(); });
}

Page::Page(PageOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {
  if (impl_->options.source) impl_->source_name = impl_->options.source->name();
  if (!impl_->options.plain_root) impl_->options.plain_root = answer_as_ollama;
}

Page::~Page() {
  stop();
}

void Page::open(Scheduler& scheduler, const ModelInfo& info) {
  Impl& impl = *impl_;
  impl.asker.emplace(scheduler, impl.options.timeout, impl.options.delay);
  HubOptions options{.source = impl.source_name, .admits = impl.options.admits};
  options.decode.max_pixels = impl.options.max_pixels;
  auto hub = std::make_shared<Hub>(*impl.asker, info, std::move(options));
  hub->start();
  const std::lock_guard guard(impl.mutex);
  impl.hub = std::move(hub);
  impl.start_feed();
}

void Page::stop() {
  std::shared_ptr<Hub> hub;
  {
    const std::lock_guard guard(impl_->mutex);
    hub = std::exchange(impl_->hub, nullptr);
  }
  if (!hub) return;
  hub->on_watched({});
  hub->stop();
  impl_->feed.reset();
  impl_->preview.end();
  impl_->events.clear();
}

HubStats Page::stats() const {
  const auto hub = impl_->open_hub();
  return hub ? hub->stats() : HubStats{};
}

void Page::write_metrics(std::string& text) const {
  const HubStats now = stats();
  text += "# HELP moonbeam:live_sessions Viewers of the live page\n# TYPE moonbeam:live_sessions gauge\n";
  text += "moonbeam:live_sessions " + std::to_string(now.sessions) + "\n";
  text += "# HELP moonbeam:live_frames_total Frames by what became of them\n";
  text += "# TYPE moonbeam:live_frames_total counter\n";
  const std::pair<const char*, std::int64_t> frames[] = {{"answered", now.counts.answered},
                                                         {"dropped", now.counts.dropped},
                                                         {"unchanged", now.counts.unchanged},
                                                         {"bad", now.counts.bad}};
  for (const auto& [result, count] : frames) {
    text +=
        "moonbeam:live_frames_total{result=\"" + std::string(result) + "\"} " + std::to_string(count) + "\n";
  }
}

void Page::add_routes(server::Router& router) {
  add_file_routes(router, impl_->options.plain_root);
  // Browsers cannot send a key with a WebSocket's handshake: it comes with the greeting.
  router.add({.method = "GET",
              .path = "/live/ws",
              .socket = [impl = impl_](std::shared_ptr<server::Socket> socket,
                                       const server::Request& request) -> server::SocketEvents {
                if (const auto hub = impl->open_hub()) {
                  return hub->accept(std::move(socket), !request.key_name.empty());
                }
                socket->close(kTryAgainLater, "the model is loading");
                return {};
              },
              .subprotocol = kProtocol,
              .open = true});
  router.add({.method = "GET",
              .path = "/live/events",
              .handler =
                  [impl = impl_](auto exchange) {
                    const auto hub = impl->needed_hub();
                    impl->events.listen(exchange, [&](std::shared_ptr<server::Socket> socket) {
                      return hub->accept(std::move(socket), /*admitted=*/true);
                    });
                  },
              .endless = true});
  router.add({.method = "POST", .path = "/live/frame", .handler = [impl = impl_](auto exchange) {
                impl->events.take(exchange);
              }});
  // An <img> sends no key either; the session that it belongs to has shown one.
  router.add({.method = "GET",
              .path = "/live/preview.mjpg",
              .handler =
                  [impl = impl_](auto exchange) {
                    const std::string session = session_of(exchange->request().query);
                    if (!impl->needed_hub()->knows(session) && !impl->events.knows(session)) {
                      throw server::Refusal(404, "not_found", "'session': there is none of this name",
                                            "session");
                    }
                    impl->preview.add(exchange);
                  },
              .open = true,
              .endless = true});
}

}  // namespace moonbeam::live
