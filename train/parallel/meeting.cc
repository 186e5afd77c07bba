#include "train/parallel/meeting.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/error.h"
#include "train/parallel/address.h"

namespace moonbeam::train {

using base::cat;
using base::fail;
using std::chrono::duration;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kBeat{500};
constexpr milliseconds kSilence{2500};  // a rank whose heart does not beat for so long is lost
constexpr milliseconds kPoll{50};
constexpr milliseconds kAnswer{15'000};  // of the store, once something is wrong
constexpr milliseconds kReading{10'000};

milliseconds milliseconds_of(double seconds) {
  return std::chrono::duration_cast<milliseconds>(duration<double>(seconds));
}

c10::intrusive_ptr<c10d::Store> connect(const Launch& launch, bool keeps, milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(launch.port);
  options.isServer = keeps;
  options.waitWorkers = false;
  options.timeout = timeout;
  return c10::make_intrusive<c10d::PrefixStore>(cat("moonbeam/", launch.round),
                                                c10::make_intrusive<c10d::TCPStore>(launch.host, options));
}

/// The call's result, unless it takes longer. It goes on in its thread then, and nobody waits for it: the
/// machine at the other end may be gone without a word.
std::optional<std::string> within(milliseconds time, std::function<std::string()> call) {
  std::packaged_task<std::string()> task(std::move(call));
  std::future<std::string> result = task.get_future();
  std::thread(std::move(task)).detach();
  if (result.wait_for(time) != std::future_status::ready) return {};
  return result.get();
}

}  // namespace

// Beats in the store from a thread and a connection of its own, so that a rank in a long step is not taken
// for a lost one.
struct Meeting::Heart {
  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false, stopped = false;
  std::atomic<std::int64_t> meetings = 0;

  static void run(const std::shared_ptr<Heart>& heart, const c10::intrusive_ptr<c10d::Store>& store,
                  int rank) {
    std::unique_lock lock(heart->mutex);
    while (!heart->stop) {
      lock.unlock();
      try {
        store->add(cat("beat/", rank), 1);
        store->set(cat("meetings/", rank), std::to_string(heart->meetings));
      } catch (const std::exception&) {
        lock.lock();
        break;  // rank 0 is gone: the next meeting says so
      }
      lock.lock();
      heart->changed.wait_for(lock, kBeat, [&] { return heart->stop; });
    }
    heart->stopped = true;
    heart->changed.notify_all();
  }
};

Meeting::Meeting(const Launch& launch, double timeout) : launch_(launch) {
  const milliseconds time = milliseconds_of(timeout);
  c10::intrusive_ptr<c10d::Store> second;
  try {
    store_ = connect(launch, keeps_store(), time);
    second = connect(launch, false, time);
  } catch (const c10::Error& error) {
    const std::string reason = base::printable(error.what_without_backtrace());
    if (keeps_store()) {
      fail(ErrorCode::kNotFound, "rank 0 of ", launch.size, " cannot be met at ", launch.host, ":",
           launch.port, ": ", reason);
    }
    fail(ErrorCode::kNotFound, "rank ", launch.rank, " of ", launch.size, ": ",
         launch.store_runs ? "the launcher" : "rank 0", " did not answer at ", launch.host, ":", launch.port,
         " within ", timeout, " s: ", reason);
  }
  heart_ = std::make_shared<Heart>();
  std::thread([heart = heart_, second, rank = launch_.rank] { Heart::run(heart, second, rank); }).detach();
  try {
    meet(timeout);
  } catch (const c10::Error&) {
    stop_heart();
    fail(ErrorCode::kNotFound, "rank ", launch.rank, " of ", launch.size, ": ",
         launch.store_runs ? "the launcher" : "rank 0", " went away from ", launch.host, ":", launch.port,
         " before all ranks had come");
  } catch (...) {
    stop_heart();
    throw;
  }
}

Meeting::~Meeting() {
  stop_heart();
}

// Its thread may wait for an answer that never comes: it is given a moment, and no more.
void Meeting::stop_heart() {
  std::unique_lock lock(heart_->mutex);
  heart_->stop = true;
  heart_->changed.notify_all();
  heart_->changed.wait_for(lock, 2 * kBeat, [&] { return heart_->stopped; });
}

void Meeting::meet(double timeout) {
  const auto until = Clock::now() + milliseconds_of(timeout);
  store_->set(cat("machine/", launch_.rank), machine_name());
  for (int rank = 0; rank < launch_.size; ++rank) {
    const std::string key = cat("machine/", rank);
    while (!store_->check({key})) {
      if (Clock::now() < until) {
        std::this_thread::sleep_for(kPoll);
        continue;
      }
      std::string missing;
      for (int other = rank; other < launch_.size; ++other) {
        if (!store_->check({cat("machine/", other)})) missing += cat(missing.empty() ? "" : ", ", other);
      }
      fail(ErrorCode::kNotFound, "rank ", launch_.rank, " of ", launch_.size, ": rank ", missing,
           " did not come to ", launch_.host, ":", launch_.port, " within ", timeout, " s");
    }
    machines_.push_back(store_->get_to_str(key));
  }
}

std::string Meeting::name(int rank) const {
  return cat("rank ", rank, " (", base::printable(machines_[static_cast<std::size_t>(rank)]), ")");
}

// Rank 0's machine may know itself by an address that nobody else reaches (127.0.1.1). What lies on it takes
// the address by which it reaches another machine, and every other machine that by which it reaches rank 0.
std::string Meeting::own_address() {
  const auto other =
      std::find_if(machines_.begin(), machines_.end(), [&](const auto& m) { return m != machines_[0]; });
  if (other == machines_.end()) return "127.0.0.1";
  const std::string key = cat("address/", other - machines_.begin());
  if (machines_[static_cast<std::size_t>(launch_.rank)] != machines_[0]) {
    const std::string address = address_towards(launch_.host, launch_.port);
    if (other - machines_.begin() == launch_.rank) store_->set(key, address);
    return address;
  }
  return address_towards(store_->get_to_str(key), launch_.port);
}

void Meeting::go() {
  ++heart_->meetings;
}

std::vector<std::int64_t> Meeting::beats() {
  std::vector<std::int64_t> out;
  for (int rank = 0; rank < launch_.size; ++rank) out.push_back(store_->add(cat("beat/", rank), 0));
  return out;
}

std::string Meeting::late_ranks() {
  std::vector<std::int64_t> gone;
  for (int rank = 0; rank < launch_.size; ++rank)
    gone.push_back(std::stoll(store_->get_to_str(cat("meetings/", rank))));
  const std::int64_t least = *std::min_element(gone.begin(), gone.end());
  std::string late;
  for (int rank = 0; rank < launch_.size; ++rank) {
    if (gone[static_cast<std::size_t>(rank)] == least) late += cat(late.empty() ? "" : ", ", name(rank));
  }
  return late;
}

std::string Meeting::look_for_the_lost(const std::string& what) {
  const std::vector<std::int64_t> before = beats();
  for (const auto until = Clock::now() + kSilence; Clock::now() < until; std::this_thread::sleep_for(kPoll)) {
    if (store_->check({"end"})) return store_->get_to_str("end");
  }
  const std::vector<std::int64_t> after = beats();
  std::string lost;
  for (int rank = 0; rank < launch_.size; ++rank) {
    const auto at = static_cast<std::size_t>(rank);
    if (before[at] != after[at]) continue;
    lost += cat(lost.empty() ? "" : ", ", name(rank));
    ++lost_;
  }
  if (lost.empty()) return say_why(cat(late_ranks(), " did not come in time: ", what));
  return say_why(cat(lost, " is lost: ", what));
}

std::string Meeting::why(const std::string& what) {
  const std::optional<std::string> found = within(kAnswer, [self = shared_from_this(), what] {
    try {
      const std::string reason = self->look_for_the_lost(what);
      if (!self->keeps_store()) self->store_->add("read", 1);
      return reason;
    } catch (const std::exception&) {
      return std::string();
    }
  });
  if (found && !found->empty()) return *found;
  if (launch_.store_runs)
    return cat("the launcher does not answer any more at ", launch_.host, ":", launch_.port, ": ", what);
  return cat(name(0), " is lost: no answer any more at ", launch_.host, ":", launch_.port);
}

std::string Meeting::say_why(const std::string& reason) {
  return store_->compareSet("end", std::string(), reason);
}

void Meeting::let_others_read() {
  if (!keeps_store()) return;
  for (const auto until = Clock::now() + kReading; Clock::now() < until; std::this_thread::sleep_for(kPoll)) {
    if (store_->add("read", 0) >= launch_.size - 1 - lost_) return;
  }
}

}  // namespace moonbeam::train
