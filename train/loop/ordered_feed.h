// Work made ahead by a few threads and handed out in order: the result of job n is the n-th, whoever made it
// and however long it took. At most `ahead` results wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace moonbeam::train {

template <typename T>
class OrderedFeed {
 public:
  /// `make(n)` is called once for each n = 0, 1, ..., from any thread, at most `ahead` past what was taken.
  OrderedFeed(std::function<T(std::uint64_t)> make, int threads, int ahead)
      : make_(std::move(make)), slots_(static_cast<std::size_t>(ahead)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { produce(); });
  }
  ~OrderedFeed() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  OrderedFeed(const OrderedFeed&) = delete;
  OrderedFeed& operator=(const OrderedFeed&) = delete;

  /// The next result; throws what making it threw.
  T next() {
    std::unique_lock lock(mutex_);
    Slot& slot = slots_[taken_ % slots_.size()];
    changed_.wait(lock, [&] { return slot.value.has_value() || slot.error != nullptr; });
    const std::exception_ptr error = std::exchange(slot.error, nullptr);
    std::optional<T> value = std::exchange(slot.value, std::nullopt);
    ++taken_;
    lock.unlock();
    changed_.notify_all();
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }

 private:
  struct Slot {
    std::optional<T> value;
    std::exception_ptr error;
  };

  void produce() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || started_ < taken_ + slots_.size(); });
      if (stop_) return;
      const std::uint64_t job = started_++;
      lock.unlock();
      Slot made;
      try {
        made.value.emplace(make_(job));
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      slots_[job % slots_.size()] = std::move(made);
      lock.unlock();
      changed_.notify_all();
    }
  }

  std::function<T(std::uint64_t)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;  // of job n: n % size
  std::uint64_t started_ = 0, taken_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace moonbeam::train
