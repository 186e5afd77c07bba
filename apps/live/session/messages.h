// The text messages of the protocol `moonbeam.live.1` (docs/live.md): what viewers say, and how we answer.
#pragma once

#include <moonbeam/model.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "live/session/task.h"

namespace moonbeam::live {

inline constexpr std::size_t kMaxTextBytes = 64 << 10;

/// What a viewer said.
struct Message {
  enum class Kind { kHello, kTask, kPause, kResume, kCancel, kStep, kWatch, kUnknown };
  Kind kind = Kind::kUnknown;
  int version = 0;           ///< kHello
  std::string key = {};      ///< kHello
  Task task = {};            ///< kTask
  Rev rev = 0;               ///< kTask
  bool watch = false;        ///< kWatch: look at the server's source, or no longer
  bool with_frames = false;  ///< kWatch: send the frames that are analysed, too
};

/// A message that cannot be obeyed; `code` is that of the answer.
class BadMessage : public std::runtime_error {
 public:
  BadMessage(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

/// `info` says which tasks there are. Unknown kinds are kUnknown, unknown fields nothing.
/// @throws BadMessage.
Message parse_message(std::string_view text, const ModelInfo& info);

/// Why a frame has no answer.
enum class Drop {
  kNewer,      ///< a newer one took its place
  kPaused,     ///< the session is paused
  kStale,      ///< for a question that is no longer asked
  kBad,        ///< no frame, or no picture
  kUnchanged,  ///< shows what the last answer is about
  kCancelled,  ///< the viewer said so
};

/// How the work for an answer was spread, in ms.
struct Timing {
  double queue_ms = 0, decode_image_ms = 0, encode_ms = 0, prefill_ms = 0;
  double first_token_ms = 0;  ///< from the frame's arrival
  double decode_ms = 0;
  double total_ms = 0;  ///< from the frame's arrival
  int tokens = 0;
};

struct Answer {
  Skill skill = Skill::kCaption;
  std::string text = {};
  std::vector<Box> boxes = {};
  std::vector<Point> points = {};
  std::string finish = {};    ///< "stop" or "length" of a text
  int width = 0, height = 0;  ///< of the picture
  bool cached = false;
  Timing timing = {};
};

/// Of a session since its beginning.
struct Counts {
  std::int64_t received = 0, answered = 0, dropped = 0, unchanged = 0, bad = 0, errors = 0;

  Counts& operator+=(const Counts& other) noexcept {
    received += other.received;
    answered += other.answered;
    dropped += other.dropped;
    unchanged += other.unchanged;
    bad += other.bad;
    errors += other.errors;
    return *this;
  }
};

struct Status {
  Counts counts = {};
  int queued = 0;    ///< requests of everybody that wait for the engine
  int running = 0;   ///< and that are in work
  int sessions = 0;  ///< open ones
  bool paused = false;
};

struct Greeting {
  std::string session;
  std::size_t max_frame_bytes = 0;
  std::string source = {};  ///< what the server's own source shows; empty: it has none
};

std::string write_hello(const ModelInfo& info, const Greeting& greeting);
std::string write_wait(std::int64_t seq);   ///< it is in the slot: another may come
std::string write_start(std::int64_t seq);  ///< it is in work
std::string write_token(std::int64_t seq, std::string_view text);
std::string write_result(std::int64_t seq, Rev rev, double captured, const Answer& answer,
                         const Counts& counts);
std::string write_drop(std::int64_t seq, Drop why);
std::string write_error(std::string_view code, std::string_view message, bool fatal,
                        std::optional<std::int64_t> seq = {});
std::string write_status(const Status& status);

}  // namespace moonbeam::live
