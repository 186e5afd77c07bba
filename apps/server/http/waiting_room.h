// Connections whose request is long in coming. Inside of the transport only.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace moonbeam::server {

/// One that waits.
class Waiting {
 public:
  virtual ~Waiting() = default;
  /// Reads what is there, and looks at the clock. False where it waits here no longer. Others may be added
  /// meanwhile.
  virtual bool look() noexcept = 0;
};

/// A client that says a byte now and then would wake the loop for each, and a crowd of them that moves in
/// step would stand before everybody else. Here each is looked at every quarter of a second, a few at a time,
/// whatever it does: that costs a call of recv(). On the thread of the loop.
class WaitingRoom {
 public:
  static constexpr std::chrono::milliseconds kPeriod{250};  ///< from one look to the next, at least

  explicit WaitingRoom(boost::asio::io_context& io) : timer_(io) {}

  void add(std::shared_ptr<Waiting> one);
  void clear();  ///< lets all go without a look
  std::size_t size() const noexcept { return size_; }
  /// For look(): whether its time may end now if it is over, or at a later look. An answer that says so and
  /// the end of a connection cost several looks, and a crowd that came at once is over at once.
  bool may_give_up() noexcept { return given_up_++ < kGivenUp; }

 private:
  static constexpr std::size_t kTurns = 25;
  static constexpr int kGivenUp = 8;  // in a turn: 800 a second

  void arm();
  void look();

  boost::asio::steady_timer timer_;
  std::array<std::vector<std::shared_ptr<Waiting>>, kTurns> turns_;
  std::size_t next_ = 0;  // whose turn it is
  std::size_t size_ = 0;
  int given_up_ = 0;  // in this turn, those that were not included
  bool armed_ = false;
};

}  // namespace moonbeam::server
