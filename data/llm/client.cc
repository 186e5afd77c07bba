#include "data/llm/client.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/error.h"
#include "base/machine.h"
#include "data/llm/core.h"
#include "data/llm/schema.h"

namespace moonbeam::llm {

namespace {
constexpr double kStatsEveryMs = 50;
constexpr double kLongestPollMs = 1000;
}  // namespace

struct Client::Order {
  Call call;
  RequestId id;
  Done done;
};

Client::Client(ClientOptions options, Cache* cache, Ledger* ledger)
    : core_(std::make_unique<Core>(options, cache, ledger)) {
  stats_ = core_->stats();
  thread_ = std::thread([this] { run(); });
}

Client::~Client() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    core_->wake();
  }
  thread_.join();
}

void Client::submit(Call call, Done done) {
  const bool chat = call.kind == CallKind::kChat;
  if (chat ? call.messages.empty() : call.inputs.empty()) {
    base::fail(ErrorCode::kInvalidArgument, "call '", call.id, "': expected messages or inputs, got none");
  }
  if (call.sampling.max_tokens < 1) {
    base::fail(ErrorCode::kInvalidArgument, "call '", call.id, "': expected max_tokens of at least 1");
  }
  if (!call.schema.is_null()) check_schema(call.schema);
  if (!core_->serves(call.model)) {
    base::fail(ErrorCode::kInvalidArgument, "call '", call.id, "': no endpoint serves '", call.model, "'");
  }
  const RequestId id = request_id(call);
  const std::lock_guard lock(mutex_);
  inbox_.push_back({std::move(call), id, std::move(done)});
  ++outstanding_;
  // One wake for all that come before the thread looks.
  if (inbox_.size() == 1) core_->wake();
}

Result Client::ask(Call call) {
  std::vector<Call> one;
  one.push_back(std::move(call));
  return std::move(ask_all(std::move(one)).front());
}

std::vector<Result> Client::ask_all(std::vector<Call> calls) {
  std::vector<std::promise<Result>> promises(calls.size());
  std::vector<std::future<Result>> futures;
  for (auto& promise : promises) futures.push_back(promise.get_future());
  std::exception_ptr refused;
  std::size_t sent = 0;
  try {
    for (; sent < calls.size(); ++sent) {
      submit(std::move(calls[sent]),
             [promise = &promises[sent]](Result result) { promise->set_value(std::move(result)); });
    }
  } catch (...) {
    refused = std::current_exception();
  }
  std::vector<Result> out;
  for (std::size_t i = 0; i < sent; ++i) out.push_back(futures[i].get());
  if (refused) std::rethrow_exception(refused);
  return out;
}

void Client::wait_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return outstanding_ == 0; });
}

void Client::stop(const std::string& why, double grace_ms) {
  const std::lock_guard lock(mutex_);
  stop_why_ = why;
  stop_grace_ms_ = std::max(0.0, grace_ms);
  core_->wake();
}

void Client::forget_image(const std::string& image) {
  const std::lock_guard lock(mutex_);
  forgotten_.push_back(image);
}

ClientStats Client::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void Client::run() {
  double last_stats = 0;
  while (true) {
    std::vector<Order> orders;
    std::vector<std::string> forgotten;
    std::string why;
    double grace = -1;
    {
      const std::lock_guard lock(mutex_);
      if (quit_ && inbox_.empty() && outstanding_ == 0) break;
      orders.swap(inbox_);
      forgotten.swap(forgotten_);
      why = quit_ ? "the client was closed" : stop_why_;
      grace = quit_ ? 0 : stop_grace_ms_;
      stop_grace_ms_ = -1;
    }
    try {
      for (const std::string& image : forgotten) core_->forget_image(image);
      if (grace >= 0) core_->stop(why, grace);
      take(orders);
      const double next = core_->work(base::now_ms());
      const double now = base::now_ms();
      if (now >= last_stats + kStatsEveryMs) {
        last_stats = now;
        publish_stats();
      }
      core_->poll(std::clamp(next - now, 0.0, kLongestPollMs));
      if (!broken_.empty()) core_->fail("whoever waited for a result threw: " + broken_);
    } catch (const std::exception& error) {
      // A full disk, mostly: nothing that could not be stored may be paid for.
      core_->fail(error.what());
      take(orders);
    }
  }
}

/// Those that were taken before an exception are empty.
void Client::take(std::vector<Order>& orders) {
  for (Order& order : orders) {
    if (!order.done) continue;
    Done done = [this, inner = std::exchange(order.done, nullptr)](Result result) {
      {
        const std::lock_guard lock(mutex_);
        if (outstanding_ == 1) stats_ = core_->stats();  // whoever waits for the last may look at once
      }
      try {
        inner(std::move(result));
      } catch (const std::exception& error) {
        broken_ = error.what();
      } catch (...) {
        broken_ = "an unknown exception";
      }
      const std::lock_guard lock(mutex_);
      if (--outstanding_ == 0) idle_.notify_all();
    };
    core_->add(std::move(order.call), order.id, std::move(done));
  }
}

void Client::publish_stats() {
  const ClientStats& stats = core_->stats();
  const std::lock_guard lock(mutex_);
  stats_ = stats;
}

}  // namespace moonbeam::llm
