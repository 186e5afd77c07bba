// The pool and the choice of its size. What a container grants is read by cgroup.cc.
#include "base/thread_pool.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "base/cgroup.h"
#include "base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace moonbeam::base {

namespace {

// How long to look before sleeping: a decode step starts a job every few hundred microseconds, and waking a
// thread costs more than this.
constexpr std::chrono::microseconds kLook{50};

void pause_cpu() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

/// Looks at `value` until it is no longer `old` or the time is up.
void look_for_change(const std::atomic<unsigned>& value, unsigned old) {
  constexpr int kBetweenClocks = 32;
  const auto end = std::chrono::steady_clock::now() + kLook;
  do {
    for (int i = 0; i < kBetweenClocks; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
}

/// One processor for each thread of a pool that fills the whole affinity mask, the caller's present one
/// first; none where the mask has more or fewer: with more, other pools and processes should find theirs
/// free.
std::vector<int> own_processors(const cpu_set_t& mask, int threads) {
  if (threads < 2 || CPU_COUNT(&mask) != threads) return {};
  std::vector<int> processors;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) processors.push_back(cpu);
  }
  const auto here = std::find(processors.begin(), processors.end(), sched_getcpu());
  if (here != processors.end()) std::iter_swap(processors.begin(), here);
  return processors;
}

/// Keeps the calling thread on one processor; where that is refused it goes on as it was.
bool stay_on(int processor) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(processor, &mask);
  return sched_setaffinity(0, sizeof mask, &mask) == 0;
}

/// Of this thread: a Stay inside another one costs no system call.
thread_local bool is_staying = false;

/// Empty where it cannot be read.
cpu_set_t mask_of_this_thread() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) CPU_ZERO(&mask);
  return mask;
}

}  // namespace

int usable_cores() {
  int cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
  if (const auto quota = cgroup_cores()) cores = static_cast<int>(std::min<double>(cores, std::ceil(*quota)));
  return std::max(1, cores);
}

int choose_threads(int requested) {
  constexpr int kMost = 1024;
  if (requested != 0) {
    if (requested < 1 || requested > kMost) {
      fail(ErrorCode::kInvalidArgument, "threads: expected 1..", kMost, ", got ", requested);
    }
    return requested;
  }
  const char* value = std::getenv("MOONBEAM_THREADS");
  if (value == nullptr || *value == '\0') return usable_cores();
  int threads = 0;
  const char* end = value + std::string_view(value).size();
  const auto parsed = std::from_chars(value, end, threads);
  if (parsed.ec != std::errc() || parsed.ptr != end || threads < 1 || threads > kMost) {
    fail(ErrorCode::kInvalidArgument, "MOONBEAM_THREADS: expected 1..", kMost, ", got '", printable(value),
         "'");
  }
  return threads;
}

// A job is published by opening the gate, and workers count themselves in at the gate. When no index is left
// the caller closes it and waits only for those inside: a worker that wakes late finds the gate closed, or a
// later job's gate open, and cannot touch the job it was woken for.
struct ThreadPool::State {
  static constexpr unsigned kOpen = 1u << 31;  // the bits below count the workers inside

  const FunctionRef<void(int, int)>* fn = nullptr;  // fn and count change only while nobody is inside
  int count = 0;
  std::atomic<int> next{0};  // index to claim
  std::atomic<unsigned> gate{0};
  std::atomic<unsigned> generation{0};  // jobs so far: what sleeping workers watch
  std::atomic<bool> stop{false};
  std::mutex callers;  // one job at a time
  cpu_set_t mask = mask_of_this_thread();
  std::vector<int> processors;  // of the caller and each worker, or none
  std::vector<std::thread> workers;

  bool enter() {
    unsigned value = gate.load(std::memory_order_relaxed);
    while ((value & kOpen) != 0) {
      if (gate.compare_exchange_weak(value, value + 1, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    }
    return false;
  }

  void leave() {
    if (gate.fetch_sub(1, std::memory_order_acq_rel) == 1) gate.notify_one();  // closed, and the last one
  }

  void run(int thread) {
    for (int index = next.fetch_add(1, std::memory_order_relaxed); index < count;
         index = next.fetch_add(1, std::memory_order_relaxed)) {
      (*fn)(index, thread);
    }
  }

  void work(int thread) {
    unsigned seen = 0;
    while (true) {
      look_for_change(generation, seen);
      generation.wait(seen, std::memory_order_acquire);
      seen = generation.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_relaxed)) return;
      if (!enter()) continue;
      run(thread);
      leave();
    }
  }

  void announce() {
    generation.fetch_add(1, std::memory_order_seq_cst);
    generation.notify_all();
  }

  void close_and_wait() {
    unsigned inside = gate.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    while (inside != 0) {
      look_for_change(gate, inside);
      gate.wait(inside, std::memory_order_acquire);
      inside = gate.load(std::memory_order_acquire);
    }
  }

  void join() {
    stop.store(true, std::memory_order_relaxed);
    announce();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  try {
    const std::vector<int>& processors = state_->processors = own_processors(state_->mask, threads);
    for (int i = 1; i < threads; ++i) {
      const int processor = processors.empty() ? -1 : processors[static_cast<std::size_t>(i)];
      state_->workers.emplace_back([state = state_.get(), i, processor] {
        if (processor >= 0) stay_on(processor);
        state->work(i);
      });
    }
  } catch (const std::exception& error) {
    state_->join();
    fail(ErrorCode::kExhausted, "threads: expected to start ", threads - 1, ", got ", state_->workers.size(),
         ": ", error.what());
  }
}

ThreadPool::~ThreadPool() {
  state_->join();
}

int ThreadPool::threads() const noexcept {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::parallel_for(int count, FunctionRef<void(int, int)> fn) {
  if (count <= 0) return;
  State& state = *state_;
  const std::lock_guard lock(state.callers);
  if (state.workers.empty() || count == 1) {
    for (int index = 0; index < count; ++index) fn(index, 0);
    return;
  }
  state.fn = &fn;
  state.count = count;
  state.next.store(0, std::memory_order_relaxed);
  state.gate.store(State::kOpen, std::memory_order_release);
  state.announce();
  state.run(0);
  state.close_and_wait();
}

ThreadPool::Stay::Stay(const ThreadPool& pool) noexcept {
  const State& state = *pool.state_;
  if (state.processors.empty() || is_staying) return;
  const cpu_set_t mask = mask_of_this_thread();
  if (CPU_EQUAL(&mask, &state.mask) && stay_on(state.processors.front())) pool_ = &pool;
  is_staying = pool_ != nullptr;
}

ThreadPool::Stay::~Stay() {
  if (!pool_) return;
  sched_setaffinity(0, sizeof pool_->state_->mask, &pool_->state_->mask);
  is_staying = false;
}

}  // namespace moonbeam::base
