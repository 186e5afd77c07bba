#include "base/thread_pool.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace moonbeam::base {

namespace {

// About 50 us of looking before a worker sleeps: a decode step starts a job every few hundred microseconds.
constexpr int kSpins = 2000;

void pause_cpu() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Folder of this process in the hierarchy of cgroup `controller` ("" for version 2).
std::string cgroup_folder(const std::string& controller) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool found =
        controller.empty() ? names == ",," : names.find("," + controller + ",") != std::string::npos;
    if (found) return line.substr(second + 1);
  }
  return "/";
}

/// Cores that the container's quota pays for; 0 if it has none.
int quota_cores() {
  for (const std::string& folder : {cgroup_folder(""), std::string("/")}) {
    std::istringstream max(first_line("/sys/fs/cgroup" + folder + "/cpu.max"));
    std::string quota;
    double period = 0;
    if (max >> quota >> period && quota != "max" && period > 0) {
      return std::max(1, static_cast<int>(std::ceil(std::strtod(quota.c_str(), nullptr) / period)));
    }
  }
  for (const std::string& folder : {cgroup_folder("cpu"), std::string("/")}) {
    const std::string root = "/sys/fs/cgroup/cpu" + folder;
    const double quota = std::atof(first_line(root + "/cpu.cfs_quota_us").c_str());
    const double period = std::atof(first_line(root + "/cpu.cfs_period_us").c_str());
    if (quota > 0 && period > 0) return std::max(1, static_cast<int>(std::ceil(quota / period)));
  }
  return 0;
}

}  // namespace

int usable_cores() {
  int cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
  if (const int quota = quota_cores(); quota > 0) cores = std::min(cores, quota);
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

struct ThreadPool::State {
  // A job: fn over [0, count). `generation` says which one the workers may work on; its low bit stays 0.
  const FunctionRef<void(int, int)>* fn = nullptr;
  int count = 0;
  std::atomic<int> next{0};
  std::atomic<int> busy{0};  // workers that have not finished the job yet
  std::atomic<unsigned> generation{0};
  std::atomic<bool> stop{false};
  std::mutex callers;  // one job at a time
  std::vector<std::thread> workers;

  void run(int thread) {
    for (int index = next.fetch_add(1, std::memory_order_relaxed); index < count;
         index = next.fetch_add(1, std::memory_order_relaxed)) {
      (*fn)(index, thread);
    }
  }

  void work(int thread) {
    unsigned seen = 0;
    while (true) {
      for (int spin = 0; spin < kSpins && generation.load(std::memory_order_acquire) == seen; ++spin)
        pause_cpu();
      generation.wait(seen, std::memory_order_acquire);
      seen = generation.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_relaxed)) return;
      run(thread);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) busy.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  for (int i = 1; i < threads; ++i)
    state_->workers.emplace_back([state = state_.get(), i] { state->work(i); });
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_relaxed);
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
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
  state.busy.store(static_cast<int>(state.workers.size()), std::memory_order_relaxed);
  state.generation.fetch_add(1, std::memory_order_release);
  state.generation.notify_all();
  state.run(0);
  // Every worker has to pass by before the next job may change what they read.
  for (int spin = 0; spin < kSpins && state.busy.load(std::memory_order_acquire) != 0; ++spin) pause_cpu();
  for (int left = state.busy.load(std::memory_order_acquire); left != 0;
       left = state.busy.load(std::memory_order_acquire)) {
    state.busy.wait(left, std::memory_order_acquire);
  }
}

}  // namespace moonbeam::base
