// Log lines, and the thread that writes them.
#include "server/operation/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/descriptor.h"

namespace moonbeam::server {

namespace {

constexpr std::size_t kMostLines = 10'000;

/// "2026-01-31T12:34:56.789Z"
std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
  return std::string(text, size) + "." + fraction + "Z";
}

double tenths(double ms) {
  return std::round(ms * 10) / 10;
}

/// 192.168.1.7 -> 192.168.1.0, 2001:db8::1 -> 2001:db8::
std::string without_last_part(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon != std::string::npos)
    return address.substr(0, colon + 1) + (address[colon - (colon > 0)] == ':' ? "" : ":");
  const std::size_t dot = address.rfind('.');
  return dot == std::string::npos ? address : address.substr(0, dot) + ".0";
}

std::string dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string log_line(const Finished& finished, bool anonymous) {
  const Request& request = finished.request;
  const Account& account = finished.account;
  nlohmann::ordered_json json;
  json["time"] = now_text();
  json["id"] = request.id;
  json["method"] = request.method;
  // A path that is no route may be anything: what was looked for is not kept.
  json["route"] = finished.route;
  json["status"] = finished.status;
  if (!finished.code.empty()) json["code"] = finished.code;
  json["ms"] = tenths(finished.ms);
  if (!account.task.empty()) {
    json["task"] = account.task;
    if (!account.finish.empty()) json["finish"] = account.finish;
    json["queue_ms"] = tenths(account.queue_ms);
    json["image_decode_ms"] = tenths(account.image_decode_ms);
    json["encode_ms"] = tenths(account.encode_ms);
    json["prefill_ms"] = tenths(account.prefill_ms);
    json["decode_ms"] = tenths(account.decode_ms);
    json["first_token_ms"] = tenths(account.first_token_ms);
    json["pixels"] = account.pixels;
    json["cached"] = account.cached;
    json["input_tokens"] = account.prompt_tokens;
    json["output_tokens"] = account.output_tokens;
  }
  json["bytes_in"] = finished.bytes_in;
  json["bytes_out"] = finished.bytes_out;
  if (!request.key_name.empty()) json["key"] = request.key_name;
  json["address"] = anonymous ? without_last_part(request.address) : request.address;
  if (const std::string* trace = request.headers.find("traceparent")) json["traceparent"] = *trace;
  return dump(json);
}

AccessLog::AccessLog(LogOptions options) : options_(std::move(options)) {
  if (options_.path.empty()) {
    fd_ = STDERR_FILENO;
  } else {
    fd_ = base::open_descriptor(options_.path, O_WRONLY | O_CREAT | O_APPEND, 0640);
    if (fd_ < 0) base::fail_system(options_.path, "cannot be opened", errno);
  }
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (!options_.path.empty() && fd_ >= 0) ::close(fd_);
}

void AccessLog::write(const Finished& finished) {
  add(log_line(finished, options_.anonymous));
}

void AccessLog::event(const std::string& what) {
  add(dump({{"time", now_text()}, {"event", what}}));
}

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void AccessLog::add(std::string line) {
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() >= kMostLines) {
      ++dropped_;
      return;
    }
    lines_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void AccessLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopped_ || reopen_ || !lines_.empty(); });
    if (std::exchange(reopen_, false) && !options_.path.empty()) {
      const int fresh = base::open_descriptor(options_.path, O_WRONLY | O_CREAT | O_APPEND, 0640);
      if (fresh >= 0) ::close(std::exchange(fd_, fresh));
    }
    if (lines_.empty()) {
      if (stopped_) return;
      continue;
    }
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    lock.unlock();
    if (dropped > 0) line += "\n" + dump({{"time", now_text()}, {"dropped_lines", dropped}});
    const bool written = put(line + "\n");
    lock.lock();
    if (!written && stopped_) return;
  }
}

/// False where the line is lost, or nobody has read for a second after the stop.
bool AccessLog::put(const std::string& line) {
  std::string_view rest = line;
  while (!rest.empty()) {
    pollfd wait = {fd_, POLLOUT, 0};
    if (::poll(&wait, 1, 1000) == 0) {
      const std::lock_guard lock(mutex_);
      if (stopped_) return false;
      continue;
    }
    const ssize_t size = ::write(fd_, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace moonbeam::server
