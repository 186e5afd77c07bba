// What a connection writes, and when it is given up. All writing goes through push(), all waiting through
// one timer.
#include <cerrno>

#include "server/http/answer.h"
#include "server/http/connection.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

namespace {
constexpr std::size_t kKept = 4 << 10;  // bytes of a buffer that stay while nothing comes
}  // namespace

/// What follows on the connection may be anything then, unless the request was read to its end.
void Connection::refuse(const Refusal& refusal) {
  if (phase_ == Phase::kHead || body_open_) keep_alive_ = false;
  code_ = refusal.code;
  answer(error_response(refusal, record_.path));
}

void Connection::answer(Response response) {
  if (phase_ == Phase::kStreaming) return close();  // the answer had begun: no second one
  if (phase_ != Phase::kHead && phase_ != Phase::kBody && phase_ != Phase::kHandling) return;
  if (core_->draining || eof_) keep_alive_ = false;
  status_ = response.status;
  bytes_out_ = response.body.size();
  const Framing framing{.http11 = http11_, .keep_alive = keep_alive_, .head_only = head_only_};
  std::string bytes = answer_head(response, framing, record_.id, admission_.headers);
  if (!head_only_ && response.status != 204 && response.status != 304) bytes += response.body;
  phase_ = Phase::kFlushing;
  push(std::move(bytes));
  advance();
}

void Connection::begin(Response head, std::string ping) {
  if (phase_ != Phase::kHandling) return;
  chunked_ = http11_;
  if (!chunked_ || core_->draining || eof_) keep_alive_ = false;
  status_ = head.status;
  const Framing framing{.http11 = http11_,
                        .keep_alive = keep_alive_,
                        .head_only = head_only_,
                        .chunked = chunked_,
                        .stream = true};
  std::string bytes = answer_head(head, framing, record_.id, admission_.headers);
  phase_ = Phase::kStreaming;
  if (route_->endless) deadline_ = Clock::time_point::max();
  ping_ = std::move(ping);
  if (!head.body.empty() && !head_only_) {
    bytes_out_ += head.body.size();
    bytes += chunked_ ? chunk(head.body) : head.body;
  }
  push(std::move(bytes));
  arm();
}

void Connection::piece(std::string bytes) {
  if (phase_ != Phase::kStreaming || bytes.empty() || head_only_) return;
  bytes_out_ += bytes.size();
  push(chunked_ ? chunk(bytes) : std::move(bytes));
  if (out_bytes_ > core_->options.limits.backlog) close();
}

void Connection::end() {
  if (phase_ != Phase::kStreaming) return;
  phase_ = Phase::kFlushing;
  if (core_->draining || eof_) keep_alive_ = false;
  if (chunked_ && !head_only_) push("0\r\n\r\n");
  advance();
}

void Connection::let_go() {
  if (phase_ == Phase::kStreaming || (phase_ == Phase::kHandling && eof_)) return close();
  if (phase_ != Phase::kHandling) return;
  code_ = "internal";
  answer(error_response(Refusal(500, "internal", "internal error"), record_.path));
}

void Connection::push(std::string bytes) {
  out_bytes_ += bytes.size();
  out_.push_back(std::move(bytes));
  if (!writing_) {
    progress_ = Clock::now();
    pump();
  }
}

void Connection::pump() {
  while (!out_.empty() && phase_ != Phase::kClosed) {
    const std::string& first = out_.front();
    const ssize_t sent = wire_.write(first.data() + out_at_, first.size() - out_at_);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) return close();
    progress_ = Clock::now();
    out_at_ += static_cast<std::size_t>(sent);
    out_bytes_ -= static_cast<std::size_t>(sent);
    if (out_at_ == first.size()) {
      out_.pop_front();
      out_at_ = 0;
    }
  }
  if (out_.empty() || phase_ == Phase::kClosed) return;
  writing_ = true;
  arm();
  wire_.socket().async_wait(wire_.write_needs(),
                            [self = shared_from_this()](const boost::system::error_code& error) {
                              self->writing_ = false;
                              if (error || self->phase_ == Phase::kClosed) return;
                              self->pump();
                              self->advance();
                            });
}

/// The answer is with the kernel.
void Connection::flushed() {
  done_ = true;
  report();
  const bool unread = body_open_ || parser_ != nullptr;
  parser_.reset();
  if (keep_alive_ && !eof_ && !core_->draining) {
    phase_ = Phase::kIdle;
    set_deadline(core_->options.limits.idle_time);
    return trim();
  }
  if (unread || !in_.empty()) return linger();
  close();
}

/// One that waits keeps no memory of the burst before.
void Connection::trim() {
  if (in_.empty() && in_.capacity() > kKept) std::string().swap(in_);
}

/// Closing a socket with unread bytes resets it, and the client may lose our answer: they are read first.
void Connection::linger() {
  phase_ = Phase::kLingering;
  in_.clear();
  trim();
  wire_.end_writing();
  set_deadline(core_->options.limits.linger_time);
}

void Connection::lost() {
  if (!fate_) return;
  std::function<void()> tell;
  {
    const std::lock_guard lock(fate_->mutex);
    if (fate_->ended || fate_->gone) return;
    fate_->gone = true;
    tell = std::move(fate_->on_gone);
    fate_->on_gone = nullptr;
  }
  if (tell) tell();
}

void Connection::report() {
  core_->bodies -= held_;
  held_ = 0;
  if (counted_) core_->count_request(-1);
  if (in_work_) --core_->in_work;
  in_work_ = false;
  counted_ = false;
  if (reported_) return;
  reported_ = true;
  if (!core_->options.on_finished) return;
  Finished finished{.request = record_, .status = status_, .code = code_, .bytes_in = bytes_in_};
  finished.bytes_out = bytes_out_;
  if (route_ != nullptr) finished.route = route_->path;
  finished.ms = std::chrono::duration<double, std::milli>(Clock::now() - begun_).count();
  if (fate_) {
    const std::lock_guard lock(fate_->mutex);
    finished.account = fate_->account;
    if (fate_->gone && !done_) finished.status = 0;
  }
  if (finished.status == 0) finished.status = 499, finished.code = "client_closed";
  if (finished.code.empty()) finished.code = finished.account.code;
  core_->options.on_finished(finished);
}

// --- time ---

Clock::time_point Connection::next_time() const {
  Clock::time_point next = deadline_;
  if (may_be_slow()) next = std::min(next, counted_from_ + patience());
  if (phase_ == Phase::kFlushing) next = Clock::time_point::max();
  if (writing_) next = std::min(next, progress_ + core_->options.limits.stall_time);
  if (phase_ == Phase::kStreaming && !ping_.empty() && !writing_)
    next = std::min(next, progress_ + core_->options.limits.ping_time);
  return next;
}

/// One timer serves all deadlines: it is set anew only for an earlier one, a later one waits for it to fire.
void Connection::arm() {
  const Clock::time_point next = next_time();
  if (next >= armed_ || phase_ == Phase::kClosed || in_waiting_room_) return;
  armed_ = next;
  timer_.expires_at(next);
  timer_.async_wait([self = shared_from_this(), next](const boost::system::error_code& error) {
    if (error || self->armed_ != next || self->phase_ == Phase::kClosed) return;
    self->armed_ = Clock::time_point::max();
    self->on_timer();
  });
}

void Connection::on_timer() {
  const Clock::time_point now = Clock::now();
  if (writing_ && now >= progress_ + core_->options.limits.stall_time) return close();
  if (phase_ == Phase::kStreaming && !ping_.empty() && !writing_ &&
      now >= progress_ + core_->options.limits.ping_time) {
    piece(ping_);
  }
  if (phase_ != Phase::kFlushing && phase_ != Phase::kClosed && now >= deadline_) on_deadline();
  if (phase_ == Phase::kClosed) return;
  is_slow() ? join_waiting_room() : arm();
}

void Connection::on_deadline() {
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      if (record_.id.empty()) record_.id = new_request_id();
      if (record_.path.empty()) record_.path = RequestParser::path_of_start(in_);
      return refuse(Refusal(
          408, "request_timeout",
          phase_ == Phase::kHead ? "the head did not come in time" : "the body did not come in time"));
    case Phase::kHandling:
      lost();
      fate_ = nullptr;  // what the handler may still say comes too late
      keep_alive_ = false;
      code_ = "deadline_exceeded";
      return answer(error_response(Refusal(504, "deadline_exceeded", "no answer in time"), record_.path));
    default:
      return close();
  }
}

}  // namespace moonbeam::server
