// What a connection reads. It reads while it has something to read for, and keeps listening while a handler
// works: the end of the stream is how a reader that went away is heard of. What it writes is
// connection_answer.cc.
#include "server/http/connection.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "server/http/live.h"

namespace moonbeam::server {

namespace {
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t kReadAhead = 16 << 10;  // of later requests, while one is in work

// Of a request that begins: its head and a little more. Whether its body is wanted is known then.
constexpr std::size_t kFirstRead = 4 << 10;

// What a refused client still sends of its body is passed over up to this length, and the connection goes on;
// with a longer one it ends.
constexpr std::size_t kWorthPassing = 128 << 10;

// Bytes that have to come in the room's period, or a request is slow. Who sends a packet a period is not.
constexpr std::size_t kSlow = 1 << 10;

// Looks of the waiting room in a second, and how many wait there before nobody is read at each of them.
constexpr unsigned kSecond = std::chrono::seconds(1) / WaitingRoom::kPeriod;
constexpr std::size_t kCrowd = 256;

void fail(Exchange& exchange, const Refusal& refusal) {
  exchange.account({.code = refusal.code});
  exchange.send(error_response(refusal, exchange.request().path));
}
}  // namespace

Connection::Connection(std::shared_ptr<Core> core, Wire wire, std::unique_ptr<Seat> seat, std::string local)
    : core_(std::move(core)),
      wire_(std::move(wire)),
      seat_(std::move(seat)),
      local_(std::move(local)),
      timer_(core_->io) {
  core_->clients.insert(this);
}

Connection::~Connection() {
  if (known_) core_->clients.erase(this);  // it was not closed: memory ran out
}

void Connection::start() {
  counted_from_ = Clock::now();
  set_deadline(core_->options.limits.head_time);
  arm();
  wait_readable();
}

void Connection::drain() {
  if (phase_ == Phase::kIdle) return close();
  keep_alive_ = false;
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  const bool in_work = phase_ == Phase::kHandling || phase_ == Phase::kStreaming;
  const bool whole = !in_work && out_.empty();
  phase_ = Phase::kClosed;
  if (in_work) lost();
  if (fate_) {
    const std::lock_guard lock(fate_->mutex);
    fate_->closed = true;
  }
  report();
  timer_.cancel();
  wire_.close(whole);
  core_->clients.erase(this);
  known_ = false;
  seat_.reset();
  parser_.reset();
  in_ = {};
  out_.clear();
}

void Connection::wait_readable() {
  const bool wants = phase_ == Phase::kIdle || phase_ == Phase::kHead || phase_ == Phase::kBody ||
                     phase_ == Phase::kLingering || in_.size() < kReadAhead;
  if (phase_ == Phase::kClosed || reading_ || eof_ || !wants) return;
  reading_ = true;
  wire_.socket().async_wait(wire_.read_needs(),
                            [self = shared_from_this()](const boost::system::error_code& error) {
                              self->reading_ = false;
                              if (!error) return self->on_readable();
                              if (error != net::error::operation_aborted) self->close();
                            });
}

void Connection::on_readable() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  bool broken = false;
  reading_ = true;                        // the next wait is for after these turns
  for (int turn = 0; turn < 4; ++turn) {  // others get theirs
    const bool begins = (phase_ == Phase::kIdle || phase_ == Phase::kHead) && unwanted_ == 0;
    const std::size_t room = begins && !wire_.is_tls() ? kFirstRead : core_->scratch.size();
    const bool skips = unwanted_ > 0 && !wire_.is_tls();
    const ssize_t got =
        skips ? wire_.skip(core_->scratch.data(), std::min<std::size_t>(unwanted_, core_->scratch.size()))
              : wire_.read(core_->scratch.data(), room);
    if (got > 0 && skips) {
      unwanted_ -= static_cast<std::size_t>(got);
      continue;
    }
    if (got > 0) {
      take({core_->scratch.data(), static_cast<std::size_t>(got)});
      if (static_cast<std::size_t>(got) < room && !wire_.heard_farewell()) break;
      if (begins) advance();
      if (phase_ == Phase::kClosed) return;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    eof_ = true;
    broken = got < 0;
    break;
  }
  reading_ = false;
  if (broken) return close();
  advance();
  if (!eof_ || phase_ == Phase::kClosed) return;
  // A client that has only shut its sending side still gets what is ready; work for it ends.
  if (phase_ == Phase::kHandling || phase_ == Phase::kStreaming) return lost();
  if (phase_ != Phase::kFlushing) close();
}

void Connection::take(std::string_view bytes) {
  const std::size_t unwanted = std::min<std::size_t>(bytes.size(), unwanted_);
  unwanted_ -= unwanted;
  if (phase_ != Phase::kLingering) in_ += bytes.substr(unwanted);
}

void Connection::advance() {
  if (advancing_) return;
  advancing_ = true;
  const auto self = shared_from_this();
  while (step()) {
  }
  advancing_ = false;
  if (phase_ == Phase::kClosed) return;
  if (is_slow()) return join_waiting_room();
  in_waiting_room_ = false;
  wait_readable();
  arm();
}

/// It waits for its client alone.
bool Connection::may_be_slow() const noexcept {
  const bool comes = phase_ == Phase::kHead || phase_ == Phase::kBody || phase_ == Phase::kLingering ||
                     (phase_ == Phase::kIdle && wire_.is_shaking_hands());
  return comes && !eof_ && !writing_ && wire_.read_needs() == tcp::socket::wait_read;
}

/// A handshake has words of both sides in it: the way to and fro is not the client's fault.
Clock::duration Connection::patience() const noexcept {
  return phase_ == Phase::kIdle ? kSecond * WaitingRoom::kPeriod : WaitingRoom::kPeriod;
}

/// Of one in the waiting room: whether it is to stay. Else: whether a period is over in which little came.
bool Connection::is_slow() {
  if (!may_be_slow()) return false;
  const Clock::time_point now = Clock::now();
  if (!in_waiting_room_ && now < counted_from_ + patience()) return false;
  const std::uint64_t received = wire_.received();
  const auto periods = static_cast<std::uint64_t>(std::max<std::int64_t>(
      1, std::chrono::round<std::chrono::milliseconds>(now - counted_from_) / WaitingRoom::kPeriod));
  const bool few = received - counted_bytes_ < kSlow * periods;
  counted_from_ = now;
  counted_bytes_ = received;
  return few;
}

void Connection::join_waiting_room() {
  if (in_waiting_room_) return;
  core_->waiting_room.add(shared_from_this());
  in_waiting_room_ = true;
  looks_ = 0;
  timer_.cancel();
  armed_ = Clock::time_point::max();
  wire_.unwatch();
}

/// In a crowd, who has been slow for a second is read once a second: the calls of recv() are what a crowd
/// costs.
bool Connection::look() noexcept {
  try {
    const bool seldom = looks_ >= kSecond && core_->waiting_room.size() > kCrowd;
    const bool late = Clock::now() >= deadline_;
    if (looks_++ % kSecond == 0 || !seldom || late) on_readable();
    const bool over = late && in_waiting_room_ && phase_ != Phase::kClosed && Clock::now() >= deadline_;
    if (over && core_->waiting_room.may_give_up()) on_deadline();
  } catch (...) {  // memory runs out: this one is lost
    try {
      close();
    } catch (...) {
    }
    return false;
  }
  return in_waiting_room_ && phase_ != Phase::kClosed;
}

bool Connection::step() {
  switch (phase_) {
    case Phase::kIdle:
      skip_blank_lines();
      if (in_.empty()) return false;
      parser_ = std::make_unique<RequestParser>(core_->options.limits.parse);
      phase_ = Phase::kHead;
      begun_ = counted_from_ = Clock::now();
      counted_bytes_ = wire_.received();
      if (!first_) set_deadline(core_->options.limits.head_time);
      first_ = false;
      admission_ = {};
      router_.reset();
      fate_.reset();
      route_ = nullptr;
      record_ = {};
      record_.address = seat_->address();
      status_ = 0;
      code_.clear();
      bytes_in_ = bytes_out_ = 0;
      http11_ = true;
      head_only_ = body_open_ = chunked_ = reported_ = done_ = false;
      return true;
    case Phase::kHead:
    case Phase::kBody:
      return parse();
    case Phase::kFlushing:
      if (!out_.empty()) return false;
      flushed();
      return phase_ == Phase::kIdle;
    default:
      return false;
  }
}

/// Left behind by old clients.
void Connection::skip_blank_lines() {
  std::size_t blank = 0;
  while (in_.compare(blank, 2, "\r\n") == 0) blank += 2;
  in_.erase(0, blank);
}

bool Connection::parse() {
  RequestParser::Progress progress = RequestParser::Progress::kMore;
  try {
    progress = parser_->take(in_);
    if (progress == RequestParser::Progress::kHead) {
      read_head();
      return true;
    }
    if (phase_ == Phase::kBody) {
      const std::size_t received = parser_->body_received();
      if (received > held_) {
        core_->bodies += received - held_;
        held_ = received;
        if (core_->bodies > core_->options.limits.bodies)
          throw Refusal(503, "busy", "too many large requests at once");
      }
    }
  } catch (...) {
    if (record_.id.empty()) record_.id = parser_->request().id;
    if (record_.id.empty()) record_.id = new_request_id();
    if (record_.path.empty()) record_.path = RequestParser::path_of_start(in_);
    refuse(refusal_of(std::current_exception()));
    return true;
  }
  if (progress == RequestParser::Progress::kDone) {
    dispatch();
    return true;
  }
  if (phase_ == Phase::kBody) {
    const Limits& limits = core_->options.limits;
    const auto extra = std::chrono::milliseconds(parser_->body_received() * 1000 / limits.body_rate);
    deadline_ = std::max(deadline_, begun_ + limits.body_time + extra);
    trim();
  }
  return false;
}

void Connection::read_head() {
  Request& request = parser_->request();
  request.address = seat_->address();
  request.received = begun_;
  request.deadline = begun_ + core_->options.timeout;
  record_.method = request.method;
  record_.path = request.path;
  record_.id = request.id;
  if (const std::string* trace = request.headers.find("traceparent"); trace != nullptr && trace->size() <= 64)
    record_.headers.add("traceparent", *trace);
  http11_ = parser_->is_http11();
  keep_alive_ = parser_->keeps_alive() && !core_->draining;
  head_only_ = request.method == "HEAD";
  body_open_ = parser_->has_body();
  phase_ = Phase::kBody;
  if (wire_.is_plain_by_mistake()) {
    keep_alive_ = false;
    throw Refusal(400, "tls_required",
                  "plain HTTP on a port that speaks TLS: write https:// instead of http://");
  }
  const bool upgrades = parser_->wants_websocket();
  admission_ = core_->guard.admit(request, local_, core_->hosts, upgrades);
  if (admission_.preflight) {
    if (body_open_) keep_alive_ = false;
    return answer({.status = 204, .content_type = {}});
  }
  route_head();
  if (phase_ != Phase::kBody) return;
  parser_->check_body_size();
  if (route_->socket) {
    if (!upgrades) {
      Refusal refusal(426, "upgrade_required", "this path is a WebSocket");
      refusal.headers.add("Upgrade", "websocket");
      throw refusal;
    }
    if (body_open_ || !in_.empty() || !out_.empty())
      throw Refusal(400, "bad_request", "a WebSocket's handshake has no body");
    return upgrade();
  }
  if (core_->bodies + parser_->body_size() > core_->options.limits.bodies)
    throw Refusal(503, "busy", "too many large requests at once");
  if (const auto refusal = no_room()) return refuse_unread(*refusal);
  if (parser_->expects_continue() && body_open_ && in_.empty()) push(std::string(kContinue));
  set_deadline(core_->options.limits.body_time);
  core_->count_request(1);  // from here on a stop waits for it
  counted_ = true;
}

/// Who asks, and for what.
void Connection::route_head() {
  Request& request = parser_->request();
  router_ = core_->router;
  Router::Match match = router_->find(request.method, request.path);
  route_ = match.route;
  const bool open = route_ != nullptr && route_->open;
  if (core_->held && (route_ == nullptr || !route_->quick)) throw Refusal(*core_->held);
  core_->guard.authenticate(request, open);
  record_.key_name = request.key_name;
  record_.client = request.client;
  if (!open) core_->guard.spend(request.client, begun_);
  if (route_ != nullptr) return;
  if (match.allow.empty()) throw Refusal(404, "not_found", "there is no " + request.path);
  if (request.method == "OPTIONS") {
    Response response{.status = 204, .content_type = {}};
    response.headers.add("Allow", match.allow);
    if (body_open_) keep_alive_ = false;
    return answer(std::move(response));
  }
  Refusal refusal(405, "method_not_allowed",
                  request.path + ": expected " + match.allow + ", got " + request.method);
  refusal.headers.add("Allow", match.allow);
  throw refusal;
}

/// 429 where as much is in work as may be.
std::optional<Refusal> Connection::no_room() const {
  const ServerOptions& options = core_->options;
  if (options.in_work == 0 || core_->in_work < options.in_work || record_.method != "POST" || route_->quick)
    return std::nullopt;
  Refusal refusal(429, "queue_full", "too many requests wait already");
  if (options.retry_after_s) refusal.retry_after_s = options.retry_after_s();
  return refusal;
}

/// The answer does not wait for the body, and nobody keeps that. A client that waits for our word before it
/// sends one may send none now: only a new connection is clear then.
void Connection::refuse_unread(const Refusal& refusal) {
  const std::uint64_t size = parser_->body_size();
  if (body_open_ && size > 0 && size <= kWorthPassing && !parser_->expects_continue()) {
    const std::size_t here = std::min<std::size_t>(in_.size(), size);
    in_.erase(0, here);
    unwanted_ = size - here;
    body_open_ = false;
  }
  refuse(refusal);
}

void Connection::dispatch() {
  body_open_ = false;
  if (const auto refusal = no_room()) return refuse(*refusal);
  in_work_ = record_.method == "POST" && !route_->quick;
  if (in_work_) ++core_->in_work;
  Request request = std::move(parser_->request());
  parser_.reset();
  bytes_in_ = request.body.size();
  phase_ = Phase::kHandling;
  deadline_ = request.deadline + core_->options.limits.overtime;
  fate_ = std::make_shared<Fate>();
  hand_over(std::make_shared<Live>(shared_from_this(), fate_, std::move(request)));
}

void Connection::hand_over(std::shared_ptr<Exchange> exchange) {
  // The router stays while the handler runs: its route may be replaced.
  auto job = [exchange, fate = fate_, router = router_, route = route_]() mutable {
    {
      const std::lock_guard lock(fate->mutex);
      if (fate->closed) return;  // while it waited for a worker
    }
    try {
      route->handler(exchange);
    } catch (...) {
      const std::exception_ptr error = std::current_exception();
      fail(*exchange, refusal_of(error));
    }
  };
  if (route_->quick) return job();
  if (core_->pool.try_post(std::move(job))) return;
  fail(*exchange, Refusal(429, "queue_full", "too many requests wait to be read"));
}

void Connection::upgrade() {
  const auto self = shared_from_this();
  phase_ = Phase::kClosed;
  core_->clients.erase(this);
  known_ = false;
  timer_.cancel();
  status_ = 101;
  report();
  open_websocket(core_, std::move(wire_), std::move(seat_), std::move(parser_->request()), router_, *route_,
                 admission_.headers);
}

}  // namespace moonbeam::server
