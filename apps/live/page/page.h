// The live page on a server: its files, its WebSocket, the way round it, and the server's own source.
#pragma once

#include <moonbeam/model.h>
#include <moonbeam/scheduler.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "live/session/hub.h"
#include "live/source/source.h"
#include "server/http/router.h"

namespace moonbeam::live {

struct PageOptions {
  std::int64_t max_pixels = 50'000'000;
  std::chrono::milliseconds timeout{300'000};  ///< of one answer, its wait included
  std::unique_ptr<FrameSource> source = {};    ///< none: the page brings its own pictures
  /// Whether a key is one of the server's. Empty: it has none.
  std::function<bool(std::string_view key)> admits = {};
  /// GET / of those who are no browser.
  server::Handler plain_root = {};
  std::chrono::milliseconds delay{0};  ///< tests only: each answer holds up the engine for so long
};

class Page {
 public:
  explicit Page(PageOptions options = {});
  ~Page();
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  /// /, /live, /live.js, /live.css, /live/ws, /live/frame, /live/events, /live/preview.mjpg. The files need
  /// no key and no model; sessions greet with the key.
  void add_routes(server::Router& router);

  /// The model is there; both outlive stop(). Until then sessions are told to come again.
  void open(Scheduler& scheduler, const ModelInfo& info);
  /// Ends all sessions. Before the scheduler.
  void stop();

  HubStats stats() const;
  /// The same for Prometheus: sessions now, frames by what became of them.
  void write_metrics(std::string& text) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace moonbeam::live
