// Counters, gauges and histograms of a server, as Prometheus reads them (text format 0.0.4).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <moonbeam/model.h>
#include <moonbeam/scheduler.h>

#include "server/http/server.h"

namespace moonbeam::server {

class Histogram {
 public:
  static constexpr std::array<double, 12> kBounds = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                     1,    2.5,   5,    10,  30,   60};
  void add(double seconds) noexcept;
  /// Its lines; `labels` without braces.
  void write(std::string& text, std::string_view name, const std::string& labels) const;

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_ = {};
  double sum_ = 0;
};

/// What is true now, asked for when somebody looks.
struct MetricsNow {
  bool loaded = false;
  SchedulerStats scheduler = {};
  ModelInfo model = {};  ///< once loaded
  ServerStats server = {};
};

/// Safe from many threads.
class Metrics {
 public:
  void finished(const Finished& finished);
  std::string text(const MetricsNow& now) const;

 private:
  void write_requests(std::string& text) const;
  void write_times(std::string& text) const;

  using Labels = std::string;  // 'task="caption"'
  mutable std::mutex mutex_;
  std::map<Labels, std::uint64_t> http_, success_, failed_;
  std::map<Labels, Histogram> first_token_, inter_token_, end_to_end_, queue_, prefill_, decode_;
  Histogram image_encode_, image_decode_;
  std::uint64_t prompt_tokens_ = 0, output_tokens_ = 0;
  double prefill_s_ = 0, decode_s_ = 0;
};

}  // namespace moonbeam::server
