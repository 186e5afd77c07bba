#include "data/llm/limits.h"

#include <algorithm>

namespace moonbeam::llm {

namespace {
constexpr int kStepAfter = 50;        // successes a step up
constexpr double kSlowShare = 0.2;    // of a round's answers
constexpr int kSmallRound = 10;       // answers of the shortest round
constexpr std::size_t kSample = 100;  // latencies of one p95, at least; else as many as the window is wide
constexpr int kDoubled = 2;           // samples in a row: one may be a pause of this machine
constexpr double kSlowMs = 200;       // a p95 below it is no sign of load, whatever it was before
constexpr double kDrift = 1.05;       // a sample, so that longer answers become usual
}  // namespace

Window::Window(int start, int most) : size_(std::max(1, std::min(start, most))), most_(std::max(1, most)) {}

void Window::success(double latency_ms, int in_flight) {
  if (2 * in_flight >= size() && ++successes_ >= kStepAfter) {
    successes_ = 0;
    size_ = std::min(most_, size_ + 1);
  }
  latencies_.push_back(latency_ms);
  if (latencies_.size() >= std::max(kSample, static_cast<std::size_t>(size()))) look_at_latency();
  ++round_;
  end_round_if_over();
}

bool Window::slow_down() {
  ++round_, ++slow_;
  // Small rounds: two of ten might be chance.
  if (slow_ > std::max(2.0, kSlowShare * std::max<double>(size_, kSmallRound))) {
    cut();
    return true;
  }
  end_round_if_over();
  return false;
}

void Window::cut() {
  size_ = std::max(1.0, static_cast<double>(static_cast<int>(size_ / 2)));
  successes_ = round_ = slow_ = 0;
  latencies_.clear();
  ++cuts_;
}

void Window::end_round_if_over() {
  if (round_ >= std::max(size(), kSmallRound)) round_ = slow_ = 0;
}

void Window::look_at_latency() {
  const auto place = latencies_.begin() + static_cast<std::ptrdiff_t>(latencies_.size() * 95 / 100);
  std::nth_element(latencies_.begin(), place, latencies_.end());
  p95_ = *place;
  latencies_.clear();
  if (usual_p95_ > 0 && p95_ > kSlowMs && p95_ > 2 * usual_p95_) {
    if (++doubled_ < kDoubled) return;
    usual_p95_ = p95_;  // once for each doubling
    doubled_ = 0;
    cut();
    return;
  }
  doubled_ = 0;
  usual_p95_ = usual_p95_ == 0 ? p95_ : std::min(p95_, usual_p95_ * kDrift);
}

TokenBucket::TokenBucket(double per_minute)
    : rate_(per_minute / 60'000), size_(std::max(1.0, per_minute / 10)), level_(size_) {}

double TokenBucket::level_at(double now) const {
  return std::min(size_, level_ + rate_ * std::max(0.0, now - then_));
}

double TokenBucket::ready_at(double amount, double now) const {
  if (rate_ <= 0) return now;
  const double missing = std::min(amount, size_) - level_at(now);
  return missing <= 1e-9 ? now : now + missing / rate_;
}

void TokenBucket::take(double amount, double now) {
  if (rate_ <= 0) return;
  level_ = level_at(now) - amount;
  then_ = now;
}

void TokenBucket::give_back(double amount, double now) {
  if (rate_ <= 0) return;
  level_ = std::min(size_, level_at(now) + amount);
  then_ = now;
}

double Breaker::ready_at(double now) const {
  if (!open_) return now;
  return probing_ ? kNever : std::max(now, next_probe_);
}

void Breaker::sent(double now) {
  if (!open_) return;
  probing_ = true;
  next_probe_ = now + probe_every_;
}

void Breaker::success() {
  open_ = probing_ = false;
  in_row_ = 0;
  since_ = kNever;
}

void Breaker::failure(double now) {
  probing_ = false;
  if (++in_row_ < failures_) return;
  if (!open_) since_ = now;
  if (!open_ || next_probe_ < now) next_probe_ = now + probe_every_;
  open_ = true;
}

}  // namespace moonbeam::llm
