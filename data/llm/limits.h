// How much may be asked of one endpoint at a time (data.md 6.4): a window of calls in flight that follows the
// server, rates of requests and tokens, and a breaker. They know neither sockets nor clocks: time is a number
// of milliseconds that the caller passes in.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace moonbeam::llm {

inline constexpr double kNever = std::numeric_limits<double>::infinity();

/// Additive increase, multiplicative decrease. One cut a round (as many answers as the window is wide), and
/// only where more than one in five of its answers said "slow down", or the p95 of the latency has doubled: a
/// few strays among hundreds say nothing about load, and halving on each would stop a healthy server.
class Window {
 public:
  explicit Window(int start = 8, int most = 1024);

  int size() const noexcept { return static_cast<int>(size_); }
  /// `in_flight` before this answer: a window that was not used is not widened.
  void success(double latency_ms, int in_flight);
  /// 429 or 503. @return whether the window was cut.
  bool slow_down();
  double p95_ms() const noexcept { return p95_; }
  std::int64_t cuts() const noexcept { return cuts_; }

 private:
  void cut();
  void end_round_if_over();
  void look_at_latency();

  double size_, most_;
  int successes_ = 0;              // since the last step up
  int doubled_ = 0;                // samples in a row whose p95 was twice the usual
  int round_ = 0, slow_ = 0;       // answers of this round, and those that said "slow down"
  std::vector<double> latencies_;  // of the successes since the last sample
  double p95_ = 0, usual_p95_ = 0;
  std::int64_t cuts_ = 0;
};

/// `per_minute` a minute, at most a tenth of it at once; 0 is no limit. What was taken in advance may be
/// corrected, and the debt is paid off first.
class TokenBucket {
 public:
  explicit TokenBucket(double per_minute = 0);
  /// When `amount` can be had: `now` if at once. More than the bucket holds is given once it is full.
  double ready_at(double amount, double now) const;
  void take(double amount, double now);
  /// `amount` too much (or, below 0, too little) had been taken.
  void give_back(double amount, double now);

 private:
  double level_at(double now) const;
  double rate_, size_, level_, then_ = 0;  // tokens a ms
};

/// Opens after kFailures in a row; then one probe each 30 s, and its success closes it.
class Breaker {
 public:
  explicit Breaker(int failures = 10, double probe_every_ms = 30'000)
      : failures_(failures), probe_every_(probe_every_ms) {}
  /// When the next call may go: `now` if at once; kNever while a probe is under way.
  double ready_at(double now) const;
  /// A call goes out; one through an open breaker is the probe.
  void sent(double now);
  void success();
  void failure(double now);
  bool open() const noexcept { return open_; }
  double open_since() const noexcept { return since_; }

 private:
  int failures_, in_row_ = 0;
  double probe_every_, since_ = kNever, next_probe_ = 0;
  bool open_ = false, probing_ = false;
};

}  // namespace moonbeam::llm
