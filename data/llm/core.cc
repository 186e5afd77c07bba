#include "data/llm/core.h"

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "data/llm/backoff.h"
#include "data/llm/batch.h"
#include "data/llm/cache.h"
#include "data/llm/dialects.h"

namespace moonbeam::llm {

namespace {

constexpr double kExpireEveryMs = 100;
constexpr double kStopGraceMs = 2000;  // for what is under way when a server denies us
constexpr int kOtherDescriptors = 128;
constexpr int kProbeTries = 3;  // at a status 500, which some servers give for what they do not know

std::string status_text(const HttpResponse& response) {
  switch (response.failure) {
    case HttpFailure::kNone:
      return std::to_string(response.status);
    case HttpFailure::kConnect:
      return "connect";
    case HttpFailure::kBroken:
      return "broken";
    case HttpFailure::kTimeout:
      return "timeout";
    case HttpFailure::kTooLarge:
      return "too_large";
    case HttpFailure::kNotHttp:
      return "not_http";
  }
  return "broken";
}

Outcome outcome_of(const HttpResponse& response) {
  switch (response.failure) {
    case HttpFailure::kNone:
      return Outcome::kBusy;
    case HttpFailure::kTimeout:
      return Outcome::kTimeout;
    case HttpFailure::kTooLarge:
    case HttpFailure::kNotHttp:
      return Outcome::kBroken;
    default:
      return Outcome::kUnreachable;
  }
}

}  // namespace

Client::Core::Core(const ClientOptions& options, Cache* cache, Ledger* ledger)
    : options_(options),
      cache_(cache),
      own_ledger_(ledger == nullptr ? std::make_unique<Ledger>() : nullptr),
      ledger_(ledger == nullptr ? own_ledger_.get() : ledger),
      purse_(options.budget, *ledger_),
      start_ms_(base::now_ms()) {
  if (options_.endpoints.empty() && options_.batch == nullptr) {
    base::fail(ErrorCode::kInvalidArgument, "expected an endpoint, got none");
  }
  const int room = std::max(8, raise_descriptor_limit() - kOtherDescriptors);
  int most = 8;
  for (EndpointOptions& one : options_.endpoints) {
    one.most_in_flight = std::min(one.most_in_flight, room / static_cast<int>(options_.endpoints.size()));
    endpoints_.push_back(
        std::make_unique<Endpoint>(one, options_.breaker_failures, options_.breaker_probe_ms));
    most += one.most_in_flight;
  }
  transport_ = std::make_unique<Transport>(most);
  for (const auto& endpoint : endpoints_) {
    if (endpoint->dialect_state == DialectState::kKnown) continue;
    if (const auto known = remembered_dialect(options_.dialect_file, endpoint->options.url)) {
      endpoint->dialect = *known;
      endpoint->dialect_state = DialectState::kKnown;
    }
  }
}

bool Client::Core::serves(const std::string& model) const {
  return options_.batch != nullptr || std::any_of(endpoints_.begin(), endpoints_.end(),
                                                  [&](const auto& one) { return one->serves(model); });
}

void Client::Core::add(Call call, const RequestId& id, Done done) {
  ++stats_.submitted;
  if (const auto same = pending_.find(id); same != pending_.end()) {
    ++stats_.shared;
    same->second->waiting.push_back(std::move(done));
    return;
  }
  auto owned = std::make_unique<Pending>();
  Pending& pending = *owned;
  pending.id = id;
  pending.waiting.push_back(std::move(done));
  pending.sampling = call.sampling;
  pending.most_prompt = most_prompt_tokens(call);
  pending.likely_prompt = likely_prompt_tokens(call);
  pending.call = std::move(call);
  pending.result.request = id;
  pending_.emplace(id, std::move(owned));
  if (cache_ != nullptr) {
    if (std::optional<Result> known = cache_->find(id)) {
      ++stats_.from_cache;
      pending.result = std::move(*known);
      deliver(pending);
      return;
    }
  }
  if (!stats_.stopped.empty()) {
    pending.result.message = stats_.stopped;
    finish(pending, Outcome::kCancelled);
  } else if (options_.batch != nullptr) {
    options_.batch->add(pending.call, id);
    finish(pending, Outcome::kDeferred);
  } else {
    ready_[pending.call.model].push_back(&pending);
  }
}

double Client::Core::work(double now) {
  if (options_.run_deadline_ms > 0 && stats_.stopped.empty() && now >= start_ms_ + options_.run_deadline_ms) {
    stop("the run's deadline has passed", 0);
  }
  if (!stats_.stopped.empty()) {
    if (sent_out_ == 0 || now >= stop_at_) cancel_all();
    return stop_at_;
  }
  requeue(now);
  expire(now);
  double next = options_.run_deadline_ms > 0 ? start_ms_ + options_.run_deadline_ms : kNever;
  for (auto& [model, ready] : ready_) next = std::min(next, work_on(ready, now));
  if (!later_.empty()) next = std::min(next, later_.top().at);
  for (const auto& [model, ready] : ready_) {
    if (!ready.empty()) next = std::min(next, now + kExpireEveryMs);
  }
  return next;
}

void Client::Core::requeue(double now) {
  while (!later_.empty() && later_.top().at <= now) {
    Pending* pending = later_.top().pending;
    later_.pop();
    ready_[pending->call.model].push_front(pending);
  }
  for (Pending* pending : held_) ready_[pending->call.model].push_back(pending);
  held_.clear();
}

/// Calls that have been sent before and wait for another turn do not wait past their deadline; calls of a
/// model that nobody answers for do not wait for ever.
void Client::Core::expire(double now) {
  if (now < last_expire_ + kExpireEveryMs) return;
  last_expire_ = now;
  for (auto& [model, ready] : ready_) {
    const bool dead = !ready.empty() && is_dead(model, now);
    Ready kept;
    Ready all;
    all.swap(ready);
    for (Pending* pending : all) {
      if (dead) {
        if (pending->result.message.empty())
          pending->result.message = "no server is in order; " + last_failure_;
        finish(*pending, Outcome::kUnreachable);
      } else if (pending->first_sent >= 0 && now >= pending->deadline) {
        finish(*pending, Outcome::kTimeout);
      } else {
        kept.push_back(pending);
      }
    }
    ready.insert(ready.begin(), kept.begin(), kept.end());
  }
}

bool Client::Core::is_dead(const std::string& model, double now) const {
  return std::none_of(endpoints_.begin(), endpoints_.end(), [&](const auto& one) {
    return one->serves(model) &&
           (!one->breaker.open() || now < one->breaker.open_since() + options_.give_up_ms);
  });
}

double Client::Core::work_on(Ready& ready, double now) {
  double next = kNever;
  while (!ready.empty() && stats_.stopped.empty()) {
    Pending& pending = *ready.front();
    Endpoint* endpoint = choose(pending, now, next);
    if (endpoint == nullptr) break;
    if (bytes_in_flight_ > options_.max_bytes_in_flight) break;
    pending.worst = worst_cost(pending.most_prompt,
                               pending.call.kind == CallKind::kChat ? pending.sampling.max_tokens : 0,
                               endpoint->options.prices, options_.try_timeout_ms);
    const Purse::Verdict verdict = purse_.ask(pending.call.image, pending.worst);
    if (verdict == Purse::Verdict::kWait) break;
    ready.pop_front();
    switch (verdict) {
      case Purse::Verdict::kStop:
        stats_.over_budget = true;
        pending.result.message = "the run's budget is spent";
        finish(pending, Outcome::kOverBudget);
        break;
      case Purse::Verdict::kStopImage:
        pending.result.message = "the image's budget is spent";
        finish(pending, Outcome::kOverBudget);
        break;
      case Purse::Verdict::kWaitImage:
        held_.push_back(&pending);
        break;
      default:
        send(pending, *endpoint, now);
    }
  }
  return next;
}

/// The least loaded server that may be asked now, rather not the one that has just failed for this call.
Endpoint* Client::Core::choose(const Pending& pending, double now, double& next) {
  Endpoint* best = nullptr;
  double best_load = kNever;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    Endpoint& endpoint = *endpoints_[i];
    if (!endpoint.serves(pending.call.model)) continue;
    const double at = endpoint.ready_at(pending.likely_tokens(), now);
    if (at > now) {
      next = std::min(next, at);
      continue;
    }
    if (!knows_dialect(endpoint, pending, now, next)) continue;
    const double load = endpoint.load() + (static_cast<int>(i) == pending.failed_at ? 1e6 : 0);
    if (load < best_load) {
      best_load = load;
      best = &endpoint;
    }
  }
  return best;
}

bool Client::Core::knows_dialect(Endpoint& endpoint, const Pending& pending, double now, double& next) {
  if (pending.call.schema.is_null() || endpoint.dialect_state == DialectState::kKnown) return true;
  if (endpoint.dialect_state == DialectState::kUnknown) {
    if (now >= endpoint.probe_at) {
      probe(endpoint, pending.call.model);
    } else {
      next = std::min(next, endpoint.probe_at);
    }
  }
  return false;
}

void Client::Core::send(Pending& pending, Endpoint& endpoint, double now) {
  if (pending.first_sent < 0) {
    pending.first_sent = now;
    const double own = static_cast<double>(pending.call.deadline.count());
    pending.deadline = now + (own > 0 ? own : options_.deadline_ms);
  }
  HttpRequest request;
  const bool chat = pending.call.kind == CallKind::kChat;
  request.url = endpoint.options.url + (chat ? "/chat/completions" : "/embeddings");
  request.key = endpoint.key;
  request.body =
      body_of(pending.call, pending.sampling,
              {endpoint.dialect, endpoint.model_name(pending.call), endpoint.options.completion_tokens});
  request.timeout_ms = std::min(options_.try_timeout_ms, pending.deadline - now);
  request.connect_timeout_ms = options_.connect_timeout_ms;
  request.max_body = options_.max_answer;
  pending.body_bytes = request.body.size();
  bytes_in_flight_ += pending.body_bytes;
  endpoint.requests.take(1, now);
  endpoint.tokens.take(pending.likely_tokens(), now);
  endpoint.breaker.sent(now);
  ++endpoint.in_flight, ++endpoint.sent, ++sent_out_;
  ++stats_.requests, ++pending.result.tries;
  purse_.set_aside(pending.call.image, pending.worst);
  pending.sent = true;
  transport_->start(std::move(request), [this, &pending, &endpoint](HttpResponse response) {
    on_response(pending, endpoint, std::move(response));
  });
}

void Client::Core::on_response(Pending& pending, Endpoint& endpoint, HttpResponse response) {
  const int shared = endpoint.in_flight;
  --endpoint.in_flight, --sent_out_;
  pending.sent = false;
  bytes_in_flight_ -= pending.body_bytes;
  purse_.put_back(pending.call.image, pending.worst);
  pending.result.http_status = response.status;
  pending.result.endpoint = endpoint.options.name;
  if (response.failure == HttpFailure::kNone && rule_of(response.status) == StatusRule::kAnswer) {
    on_answer(pending, endpoint, response, shared);
  } else {
    on_failure(pending, endpoint, response);
  }
}

void Client::Core::on_answer(Pending& pending, Endpoint& endpoint, const HttpResponse& response, int shared) {
  const double now = base::now_ms();
  endpoint.breaker.success();
  endpoint.window.success(response.ms, shared);
  ++endpoint.answered;
  Answer answer = read_answer(cleaned(response.body), pending.call);
  Result& result = pending.result;
  const Spent spent = cost_of(answer.usage, endpoint.options.prices, response.ms, shared);
  endpoint.tokens.give_back(pending.likely_tokens() - static_cast<double>(spent.tokens()), now);
  note(pending, endpoint, spent, response.ms, std::string(outcome_name(answer.outcome)));
  result.usage += answer.usage;
  result.price += spent.money;
  result.text = cleaned(std::move(answer.text));
  result.value = std::move(answer.value);
  result.embeddings = std::move(answer.embeddings);
  result.message = cleaned(std::move(answer.message));
  result.served = cleaned(std::move(answer.served));
  result.mended = answer.mended;
  ++result.attempts;
  if (is_worth_another(answer.outcome) && pending.attempt.number < options_.second_attempts &&
      stats_.stopped.empty() && now < pending.deadline) {
    ++stats_.second_attempts;
    pending.attempt = {pending.attempt.number + 1, answer.outcome == Outcome::kCut};
    const int before = pending.sampling.max_tokens;
    pending.sampling = sampling_of(pending.call, pending.attempt, options_.most_tokens);
    pending.sampling.max_tokens = std::max(pending.sampling.max_tokens, before);
    ready_[pending.call.model].push_front(&pending);
    return;
  }
  finish(pending, answer.outcome);
}

void Client::Core::on_failure(Pending& pending, Endpoint& endpoint, const HttpResponse& response) {
  const double now = base::now_ms();
  Spent spent;
  spent.calls = 1;
  note(pending, endpoint, spent, response.ms, status_text(response));
  endpoint.tokens.give_back(pending.likely_tokens(), now);
  std::string words = response.failure == HttpFailure::kNone
                          ? base::cat("status ", response.status, " ", error_words(response.body))
                          : base::printable(response.error);
  pending.result.message = cleaned(endpoint.options.name + ": " + words);
  if (response.failure == HttpFailure::kNone && rule_of(response.status) != StatusRule::kRetry) {
    endpoint.breaker.success();  // it is there, and knows what it does not want
    const bool denied = rule_of(response.status) == StatusRule::kStop;
    // A wrong URL or model: storing it as the answer to every call would outlive the slip.
    if (denied || (response.status == 404 && endpoint.answered == 0)) {
      stats_.stopped = pending.result.message;
      finish(pending, denied ? Outcome::kDenied : Outcome::kCancelled);
      stop(stats_.stopped, kStopGraceMs);
      return;
    }
    finish(pending,
           is_context_overflow(response.status, response.body) ? Outcome::kTooLong : Outcome::kRejected);
    return;
  }
  const bool slow =
      response.failure == HttpFailure::kNone && (response.status == 429 || response.status == 503);
  if (slow) {
    ++endpoint.slow_downs;
    const double pause = retry_after_ms(response.retry_after, std::time(nullptr)).value_or(0);
    if (endpoint.window.slow_down()) {
      endpoint.paused_until = std::max(endpoint.paused_until, now + std::min(pause, 60'000.0));
    }
  }
  if (response.failure == HttpFailure::kNone && response.status < 500) {
    endpoint.breaker.success();
  } else {
    ++endpoint.failures;
    endpoint.breaker.failure(now);
  }
  last_failure_ = pending.result.message;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (endpoints_[i].get() == &endpoint) pending.failed_at = static_cast<int>(i);
  }
  retry(pending, response, outcome_of(response), now);
}

void Client::Core::retry(Pending& pending, const HttpResponse& response, Outcome failure, double now) {
  if (!stats_.stopped.empty()) {
    finish(pending, Outcome::kCancelled);
    return;
  }
  if (pending.result.tries - pending.result.attempts >= options_.max_tries) {
    finish(pending, failure);
    return;
  }
  double wait = backoff_ms(pending.retries, pending.call.rng ^ pending.id.words[0], options_.backoff_ms);
  if (const auto asked = retry_after_ms(response.retry_after, std::time(nullptr))) {
    // Jitter on top, so that those who were sent away together do not come back together.
    wait = *asked + backoff_ms(0, pending.call.rng ^ pending.id.words[0], options_.backoff_ms) / 2;
  }
  if (now + wait >= pending.deadline) {
    pending.result.message += "; no time for another try";
    finish(pending, failure == Outcome::kUnreachable ? failure : Outcome::kTimeout);
    return;
  }
  ++pending.retries, ++stats_.retries;
  later_.push({now + wait, &pending});
}

void Client::Core::probe(Endpoint& endpoint, const std::string& model) {
  const Call call = probe_call(model);
  HttpRequest request;
  request.url = endpoint.options.url + "/chat/completions";
  request.key = endpoint.key;
  request.body = body_of(
      call, call.sampling,
      {all_dialects()[endpoint.next_probe], endpoint.model_name(call), endpoint.options.completion_tokens});
  request.timeout_ms = options_.try_timeout_ms;
  request.connect_timeout_ms = options_.connect_timeout_ms;
  request.max_body = options_.max_answer;
  endpoint.dialect_state = DialectState::kProbing;
  endpoint.breaker.sent(base::now_ms());
  ++endpoint.in_flight, ++sent_out_, ++stats_.requests;
  transport_->start(std::move(request), [this, &endpoint, model](HttpResponse response) {
    on_probe(endpoint, model, std::move(response));
  });
}

void Client::Core::on_probe(Endpoint& endpoint, const std::string& model, HttpResponse response) {
  const double now = base::now_ms();
  const int shared = endpoint.in_flight;
  --endpoint.in_flight, --sent_out_;
  endpoint.dialect_state = DialectState::kUnknown;
  Pending row;
  row.call = probe_call(model);
  const bool whole = response.failure == HttpFailure::kNone;
  const StatusRule rule = whole ? rule_of(response.status) : StatusRule::kRetry;
  Answer answer;
  if (rule == StatusRule::kAnswer) answer = read_answer(response.body, row.call);
  Spent spent = cost_of(answer.usage, endpoint.options.prices, response.ms, shared);
  if (rule != StatusRule::kAnswer) spent.gpu_seconds = 0;
  note(row, endpoint, spent, response.ms, status_text(response));
  const bool unknown_there = whole && response.status == 500 && endpoint.probe_tries + 1 >= kProbeTries;
  if (rule == StatusRule::kRetry && !unknown_there) {
    endpoint.breaker.failure(now);
    ++endpoint.failures;
    last_failure_ = cleaned(endpoint.options.name + ": " +
                            (whole ? "status " + status_text(response) : base::printable(response.error)));
    endpoint.probe_at = now + backoff_ms(endpoint.probe_tries++, 0, options_.backoff_ms);
    return;
  }
  endpoint.breaker.success();
  endpoint.probe_tries = 0;
  const std::string words =
      cleaned(base::cat(endpoint.options.url, ": status ", response.status, " ", error_words(response.body)));
  if (rule == StatusRule::kStop) {
    stop(words, kStopGraceMs);
  } else if (response.status == 404) {
    stop(words + " (no such path or model '" + endpoint.model_name(row.call) + "')", kStopGraceMs);
  } else if (rule == StatusRule::kAnswer && probe_passed(answer.text, all_dialects()[endpoint.next_probe])) {
    dialect_found(endpoint, all_dialects()[endpoint.next_probe]);
  } else if (++endpoint.next_probe == all_dialects().size()) {
    dialect_found(endpoint, Dialect::kNone);
  }
}

void Client::Core::dialect_found(Endpoint& endpoint, Dialect dialect) {
  endpoint.dialect = dialect;
  endpoint.dialect_state = DialectState::kKnown;
  remember_dialect(options_.dialect_file, endpoint.options.url, dialect);
}

void Client::Core::note(const Pending& pending, const Endpoint& endpoint, const Spent& spent, double ms,
                        std::string status) {
  LedgerRow row;
  row.id = pending.call.id;
  row.image = pending.call.image;
  row.stage = pending.call.stage;
  row.endpoint = endpoint.options.name;
  row.model = endpoint.model_name(pending.call);
  row.status = std::move(status);
  row.request = pending.id;
  row.spent = spent;
  row.latency_ms = ms;
  row.attempt = std::max(0, pending.result.tries - 1);
  ledger_->add(row);
}

/// Ends a call: first its answer is stored, then those who wait hear of it.
void Client::Core::finish(Pending& pending, Outcome outcome) {
  Result& result = pending.result;
  result.outcome = outcome;
  if (pending.first_sent >= 0) result.latency_ms = base::now_ms() - pending.first_sent;
  if (cache_ != nullptr && is_final(outcome)) cache_->append(pending.id, result);
  deliver(pending);
}

void Client::Core::deliver(Pending& pending) {
  const auto node = pending_.extract(pending.id);
  Pending& ended = *node.mapped();
  ++stats_.outcomes[static_cast<std::size_t>(ended.result.outcome)];
  stats_.mended += ended.result.mended ? 1 : 0;
  for (std::size_t i = 0; i < ended.waiting.size(); ++i) {
    ++stats_.finished;
    if (i > 0) {
      ended.result.cached = true;
      ++stats_.outcomes[static_cast<std::size_t>(ended.result.outcome)];
    }
    ended.waiting[i](i + 1 == ended.waiting.size() ? std::move(ended.result) : ended.result);
  }
}

void Client::Core::stop(const std::string& why, double grace_ms) {
  if (stats_.stopped.empty()) stats_.stopped = why;
  stop_at_ = std::min(stop_at_, base::now_ms() + grace_ms);
  // What is not out now never will be.
  std::vector<Pending*> idle;
  for (const auto& [id, pending] : pending_) {
    if (!pending->sent) idle.push_back(pending.get());
  }
  ready_.clear(), held_.clear();
  later_ = {};
  for (Pending* pending : idle) {
    if (pending->result.message.empty()) pending->result.message = why;
    finish(*pending, Outcome::kCancelled);
  }
}

void Client::Core::cancel_all() {
  if (stats_.stopped.empty()) stats_.stopped = "the client was closed";
  if (sent_out_ > 0) {
    transport_->abort_all();
    sent_out_ = 0;
  }
  ready_.clear(), held_.clear();
  later_ = {};
  while (!pending_.empty()) {
    Pending& pending = *pending_.begin()->second;
    if (pending.result.message.empty()) pending.result.message = stats_.stopped;
    finish(pending, Outcome::kCancelled);
  }
}

void Client::Core::fail(const std::string& why) {
  if (stats_.stopped.empty()) stats_.stopped = why;
  cache_ = nullptr;
  cancel_all();
}

const ClientStats& Client::Core::stats() {
  stats_.in_flight = sent_out_;
  stats_.waiting = static_cast<std::int64_t>(pending_.size()) - sent_out_;
  stats_.spent = ledger_->total();
  stats_.endpoints.clear();
  for (const auto& one : endpoints_) {
    stats_.endpoints.push_back({one->options.name, std::string(dialect_name(one->dialect)),
                                one->window.size(), one->in_flight, one->breaker.open(), one->sent,
                                one->answered, one->slow_downs, one->failures, one->window.cuts(),
                                one->window.p95_ms()});
    if (one->dialect_state != DialectState::kKnown) stats_.endpoints.back().dialect = "unknown";
  }
  return stats_;
}

/// A server may write back what it was sent: no text of it leaves here with a key in it.
std::string Client::Core::cleaned(std::string text) const {
  for (const auto& endpoint : endpoints_) {
    if (endpoint->key.empty()) continue;
    for (std::size_t at = 0; (at = text.find(endpoint->key, at)) != std::string::npos;) {
      text.replace(at, endpoint->key.size(), "[key]");
    }
  }
  return text;
}

}  // namespace moonbeam::llm
