// The bounded set of threads that handlers run on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace moonbeam::server {

class WorkerPool {
 public:
  using Job = std::function<void()>;

  /// `queue`: jobs that may wait beyond those that run.
  WorkerPool(int threads, std::size_t queue);
  ~WorkerPool();  ///< as stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False if as many wait as may. Jobs do not throw.
  bool try_post(Job job);
  /// For jobs that are bounded by other means.
  void post(Job job);
  /// Takes no more jobs, and returns when all that it has have ended.
  void stop();

 private:
  void run();

  const std::size_t queue_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

/// Jobs of one kind in their order, one at a time, on whichever worker is free.
class Serial : public std::enable_shared_from_this<Serial> {
 public:
  explicit Serial(WorkerPool& pool) : pool_(pool) {}
  void post(WorkerPool::Job job);

 private:
  void run();

  WorkerPool& pool_;
  std::mutex mutex_;
  std::deque<WorkerPool::Job> jobs_;
  bool scheduled_ = false;
};

}  // namespace moonbeam::server
