// One viewer: what it hears, how much of it a slow one hears, and its own stream of frames.
#pragma once

#include <memory>
#include <string>

#include "live/session/messages.h"
#include "live/session/stream.h"
#include "server/http/socket.h"

namespace moonbeam::live {

/// Something with a stream that the hub serves: a viewer, or those who look at the server's source together.
class Channel : public Audience {
 public:
  explicit Channel(std::string client) : stream(*this, std::move(client)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Stream stream;
};

/// Bytes that wait for a viewer's network before it is sent less.
inline constexpr std::size_t kNoTokensBeyond = 64 << 10;
inline constexpr std::size_t kNoResultsBeyond = 512 << 10;
inline constexpr std::size_t kClosedBeyond = 1 << 20;

inline constexpr int kPolicyViolation = 1008, kTryAgainLater = 1013, kGoingAway = 1001;

class Viewer : public Channel {
 public:
  Viewer(std::shared_ptr<server::Socket> socket, std::string id, TimePoint now)
      : Channel("live " + id), heard(now), id_(std::move(id)), socket_(std::move(socket)) {}

  // Its own frames.
  void waiting(const Frame& frame) override;
  void started(const Frame& frame) override;
  void token(const Frame& frame, std::string_view text) override;
  void answered(const Frame& frame, const Answer& answer) override;
  void dropped(const Frame& frame, Drop why, const std::string& message) override;
  void failed(const Frame& frame, const std::string& code, const std::string& message) override;

  /// What may be left out where the network is slow. The least important is first.
  enum class Weight { kToken, kResult, kNeeded };
  void tell(Weight weight, std::string text);
  void show(std::string frame);  ///< a frame of the server's source, of a result's weight
  void close(int code, const std::string& reason);

  void tell_answer(std::int64_t seq, double captured, const Answer& answer);

  const std::string& id() const noexcept { return id_; }
  const std::shared_ptr<server::Socket>& socket() const noexcept { return socket_; }

  bool admitted = false;  ///< has shown a key before it spoke
  bool greeted = false;
  bool closed = false;
  bool watching = false;       ///< the server's source
  bool with_frames = false;    ///< and wants the frames that are analysed
  int steps = 0;               ///< answers about the source that it wants though paused
  TimePoint heard;             ///< its last message
  std::int64_t last_seq = -1;  ///< of its frames
  Counts counts = {};

 private:
  bool may_send(Weight weight);

  const std::string id_;
  const std::shared_ptr<server::Socket> socket_;
};

}  // namespace moonbeam::live
