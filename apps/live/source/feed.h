// Runs a source while somebody looks at it, and hands its frames to those who do.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "live/source/source.h"

namespace moonbeam::live {

class Feed {
 public:
  using Picture = std::shared_ptr<const std::string>;

  struct Sink {
    std::function<bool()> watched;  ///< is there anybody
    std::function<void(Picture)> frame;
    std::function<void(const std::string&)> failed;
  };

  /// Nothing is opened before wake().
  Feed(std::unique_ptr<FrameSource> source, Sink sink);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  std::string name() const { return source_->name(); }
  /// Somebody has come. Also after a failure: it is tried once more.
  void wake();

 private:
  void run();
  void show();
  bool carry_on() const;

  const std::unique_ptr<FrameSource> source_;
  const Sink sink_;
  mutable std::mutex mutex_;
  std::condition_variable called_;
  bool awake_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace moonbeam::live
