// The one pool of worker threads. No OpenMP, no nesting.
#pragma once

#include <memory>
#include <type_traits>

namespace moonbeam::base {

/// Reference to a callable; the callable must outlive the call.
template <typename>
class FunctionRef;
template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& f)  // NOLINT(google-explicit-constructor)
      : object_(const_cast<void*>(static_cast<const void*>(&f))), call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, static_cast<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

/// Cores this process may use: affinity mask and container quota (cgroup v1 and v2), at least 1.
int usable_cores();
/// `requested`, else MOONBEAM_THREADS, else usable_cores(). @throws Error kInvalidArgument (MOONBEAM_THREADS
/// is not a number in 1..1024).
int choose_threads(int requested);

/// Threads claim indices from a shared counter, so a thread that is held up costs one chunk, not a share.
/// parallel_for() may be called from many threads; jobs run one after another. A pool of as many threads as
/// the affinity mask has processors keeps each of its workers on one of them: workers that wait by looking
/// were seen packed on one processor beside a busy one. Callers are moved by Stay alone.
class ThreadPool {
 public:
  /// While it lives the calling thread stays on the one processor that `pool` left free of workers; then it
  /// has its mask back. For a stretch of jobs: beside a busy process the scheduler is seen to put the caller
  /// on a worker's processor, two on one, and the busy process alone on the other. Does nothing where workers
  /// are not kept, inside another Stay, or for a thread whose mask is not the one the pool was made under.
  class Stay {
   public:
    explicit Stay(const ThreadPool& pool) noexcept;
    ~Stay();
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

   private:
    const ThreadPool* pool_ = nullptr;  // whose mask is to be put back
  };

  explicit ThreadPool(int threads);  ///< counts the calling thread: 1 starts none
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const noexcept;
  /// Calls fn(index, thread) for each index in [0, count), thread in [0, threads()). Returns when all are
  /// done. fn must not throw and must not call the pool.
  void parallel_for(int count, FunctionRef<void(int index, int thread)> fn);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moonbeam::base
