// All live sessions: who may come in, whose frame is next, and the way of a frame to the engine and back.
#pragma once

#include <moonbeam/image.h>
#include <moonbeam/model.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "live/session/asker.h"
#include "server/http/socket.h"

namespace moonbeam::live {

struct HubOptions {
  int max_sessions = 16;
  std::size_t max_frame_bytes = 2 << 20;
  std::chrono::milliseconds status_every{2000};
  std::chrono::milliseconds greeting{10'000};  ///< from a viewer's coming to its hello
  std::chrono::milliseconds idle{120'000};     ///< without a word, unless it watches the server's source
  DecodeOptions decode = {.apply_orientation = true, .max_pixels = 50'000'000, .deadline_seconds = 3};
  std::string source = {};  ///< what the server's own source shows; empty: there is none
  std::function<bool(std::string_view key)> admits = {};            ///< empty: everybody
  std::function<std::chrono::steady_clock::time_point()> now = {};  ///< steady_clock where empty
};

struct HubStats {
  int sessions = 0;
  Counts counts = {};  ///< of these, and of those that are over
};

/// Safe from many threads. What takes time (decoding a picture, cutting it for the engine) happens in
/// work(), on the thread that start() makes or on a test's own.
class Hub {
 public:
  /// `asker` outlives the hub and everything that it was asked.
  Hub(Asker& asker, const ModelInfo& info, HubOptions options = {});
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// A new viewer. `admitted`: it has shown a key already.
  server::SocketEvents accept(std::shared_ptr<server::Socket> socket, bool admitted = false);

  void start();
  /// Says goodbye to everybody.
  void stop();

  /// One round: a frame of each session that has one, then what is due by the clock. False if there was
  /// nothing to do.
  bool work();

  // --- The server's own source (live/source) ---
  bool knows(std::string_view session) const;  ///< greeted, and not gone
  bool is_watched() const;
  /// Called whenever somebody begins to watch; on any thread, to be short.
  void on_watched(std::function<void()> watched);
  void source_frame(std::shared_ptr<const std::string> picture);
  void source_failed(const std::string& message);

  HubStats stats() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace moonbeam::live
