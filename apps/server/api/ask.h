// From a request to the scheduler and back: whose turn, until when, what it cost, how it ended.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <moonbeam/scheduler.h>

#include "server/api/json_out.h"
#include "server/api/picture.h"
#include "server/api/service.h"
#include "server/http/exchange.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

using Task = decltype(TaskRequest::task);

/// What a route asks of the model for one request.
struct Asked {
  Task task;
  std::optional<Picture> picture = {};
  std::optional<double> timeout_seconds = {};  ///< of the request; lowers the server's limit
};

/// What came of it. `account` is complete, and told to the exchange already.
struct Answered {
  Outcome outcome;                      ///< its result, where there is no refusal
  std::optional<Refusal> refusal = {};  ///< why there is none; never for a reader that went away
  Account account = {};
};

/// Submits a task for an exchange; a reader that goes away cancels it. `answered` writes the answer: it is
/// called once, on the scheduler's thread, possibly before this returns, and not at all where the reader has
/// gone. It is to be short.
/// @throws Refusal 400, 429, 501, 503: then nothing was submitted.
void ask(Service& service, const std::shared_ptr<Exchange>& exchange, Asked asked,
         std::function<void(Answered)> answered);

/// "caption", "query", "detect", "point"
const char* task_name(const Task& task) noexcept;

/// `metrics` of the makers' answers.
JsonOut metrics_of(const Account& account);

/// Runs the part of a handler that may refuse: what it throws becomes the answer, with its code in the log.
void or_refuse(const std::shared_ptr<Exchange>& exchange, const std::string& task,
               const std::function<void()>& work);

/// Ends an exchange that got no further than this.
void refuse(const std::shared_ptr<Exchange>& exchange, const Refusal& refusal, Account account = {});

}  // namespace moonbeam::server
