// The server's own source as moving pictures for an <img>: multipart/x-mixed-replace.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/exchange.h"

namespace moonbeam::live {

class Preview {
 public:
  /// From now on `exchange` gets the frames that are shown, the last one at once.
  void add(const std::shared_ptr<server::Exchange>& exchange);
  void show(const std::shared_ptr<const std::string>& picture);
  void end();

 private:
  using Clock = std::chrono::steady_clock;

  std::mutex mutex_;
  std::list<std::shared_ptr<server::Exchange>> readers_;
  std::string last_;
  Clock::time_point shown_ = {};
};

}  // namespace moonbeam::live
