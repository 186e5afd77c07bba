// Frames of one source under one standing task: a slot in which the newest waits, and one in work. It knows
// nothing of sockets, threads or the engine: whoever owns it carries its work there and back (hub_serve.cc).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "live/session/asker.h"
#include "live/session/frame.h"
#include "live/session/messages.h"
#include "live/session/sameness.h"

namespace moonbeam::live {

using TimePoint = std::chrono::steady_clock::time_point;

/// Who hears of a stream's frames. Each frame ends in one of answered, dropped, failed.
class Audience {
 public:
  virtual ~Audience() = default;
  virtual void waiting(const Frame& frame) = 0;
  virtual void started(const Frame& frame) = 0;
  virtual void token(const Frame& frame, std::string_view text) = 0;
  virtual void answered(const Frame& frame, const Answer& answer) = 0;
  virtual void dropped(const Frame& frame, Drop why, const std::string& message) = 0;
  virtual void failed(const Frame& frame, const std::string& code, const std::string& message) = 0;
};

class Stream {
 public:
  Stream(Audience& audience, std::string client) : audience_(audience), client_(std::move(client)) {}

  // --- What the viewer does. Where it returns an id, that question is to be taken back. ---

  /// Frames for an older `rev` are given up, waiting or in work.
  std::optional<Asker::Id> set_task(Task task, Rev rev);
  void offer(Frame frame, TimePoint now);
  void pause();
  void resume() { paused_ = false; }
  void step() { ++steps_; }  ///< the next frame is taken though paused
  std::optional<Asker::Id> cancel();

  bool paused() const noexcept { return paused_; }
  Rev rev() const noexcept { return rev_; }
  const std::optional<Task>& task() const noexcept { return task_; }
  const std::string& client() const noexcept { return client_; }

  // --- What the owner does with a frame: begin, then decoded or bad, then asked or put back, then ended. ---

  /// The frame that waits, if nothing is in work and the engine is not known to be full.
  struct Work {
    std::int64_t ticket = 0;
    std::shared_ptr<const std::string> picture;
  };
  std::optional<Work> begin(TimePoint now);

  void bad(std::int64_t ticket, const std::string& message);
  /// The task to ask; none where there is nothing to ask any more.
  std::optional<Task> decoded(std::int64_t ticket, const Thumbnail& thumb, int height, int width, double ms);
  /// The engine took it. True if it is to be taken back at once.
  bool asked(std::int64_t ticket, Asker::Id id);
  /// The engine has no room: the frame, or a newer one, waits until then.
  void put_back(std::int64_t ticket, TimePoint until);
  void failed(std::int64_t ticket, const std::string& code, const std::string& message);

  // The engine's answers; `ticket` tells late ones apart.
  void on_begin(std::int64_t ticket);
  void on_first_token(std::int64_t ticket, TimePoint now);
  void on_text(std::int64_t ticket, std::string_view text);
  void on_end(std::int64_t ticket, End end, TimePoint now);

 private:
  struct Current {
    std::int64_t ticket = 0;
    Frame frame;
    TimePoint arrived = {};
    std::optional<Asker::Id> id = {};
    std::optional<Drop> given_up = {};
    std::optional<Thumbnail> thumb = {};
    Answer answer = {};  // what is known before the end
  };
  bool is_current(std::int64_t ticket) const { return current_ && current_->ticket == ticket; }
  std::optional<Asker::Id> give_up(Drop why);
  void drop_current(Drop why, const std::string& message = {});

  Audience& audience_;
  const std::string client_;
  std::optional<Task> task_;
  Rev rev_ = -1;
  bool paused_ = false;
  int steps_ = 0;
  std::int64_t last_ticket_ = 0;
  std::optional<Frame> waiting_;
  TimePoint waiting_since_ = {}, not_before_ = {};
  std::optional<Current> current_;
  std::optional<Thumbnail> analysed_;  // of the frame that the last answer is about
};

}  // namespace moonbeam::live
