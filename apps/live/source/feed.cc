#include "live/source/feed.h"

#include <exception>
#include <utility>

namespace moonbeam::live {

Feed::Feed(std::unique_ptr<FrameSource> source, Sink sink)
    : source_(std::move(source)), sink_(std::move(sink)), thread_([this] { run(); }) {}

Feed::~Feed() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    called_.notify_one();
  }
  thread_.join();
}

void Feed::wake() {
  const std::lock_guard guard(mutex_);
  awake_ = true;
  called_.notify_one();
}

bool Feed::carry_on() const {
  {
    const std::lock_guard guard(mutex_);
    if (stopping_) return false;
  }
  return sink_.watched();
}

void Feed::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      called_.wait(lock, [&] { return awake_ || stopping_; });
      if (stopping_) return;
      awake_ = false;
    }
    show();
  }
}

// Until nobody looks any more: a camera whose pictures nobody sees is off.
void Feed::show() {
  try {
    source_->open();
    while (carry_on()) {
      std::string bytes = source_->next([this] { return carry_on(); });
      if (!bytes.empty()) sink_.frame(std::make_shared<const std::string>(std::move(bytes)));
    }
  } catch (const std::exception& error) {
    sink_.failed(error.what());
  }
  source_->close();
}

}  // namespace moonbeam::live
