// From errors to answers: the table of api.md section 2.9.
#include "server/http/refusal.h"

#include <moonbeam/scheduler.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <nlohmann/json.hpp>

namespace moonbeam::server {

namespace {

struct Status {
  int number;
  std::string_view phrase;
};
constexpr std::array kStatuses = std::to_array<Status>({
    {101, "Switching Protocols"},
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
});

Refusal of_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return {400, "invalid_value", error.what()};
    case ErrorCode::kNotFound:
      return {404, "not_found", error.what()};
    case ErrorCode::kCorrupt:
      return {400, "invalid_value", error.what()};
    case ErrorCode::kUnsupported:
      return {501, "unsupported_task", error.what()};
    case ErrorCode::kExhausted:
      return {413, "too_large", error.what()};
    case ErrorCode::kCancelled:
      return {503, "shutting_down", error.what()};
  }
  return {500, "internal", "internal error"};
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  const auto found = std::find_if(kStatuses.begin(), kStatuses.end(),
                                  [&](const Status& known) { return known.number == status; });
  return found == kStatuses.end() ? "Unknown" : found->phrase;
}

std::string_view error_type(int status) noexcept {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 408:
    case 504:
      return "timeout_error";
    case 429:
      return "rate_limit_error";
    case 500:
    case 503:
      return "server_error";
    default:
      return "invalid_request_error";
  }
}

Response error_response(const Refusal& refusal, std::string_view path) {
  nlohmann::ordered_json body;
  if (path.starts_with("/api/")) {
    body["error"] = refusal.what();
  } else {
    const nlohmann::ordered_json null;
    body["error"] = {{"message", refusal.what()},
                     {"type", error_type(refusal.status)},
                     {"param", refusal.param.empty() ? null : nlohmann::ordered_json(refusal.param)},
                     {"code", refusal.code}};
  }
  Response response{.status = refusal.status, .headers = refusal.headers};
  response.body = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  const bool busy = refusal.status == 429 || refusal.status == 503;
  if (busy || refusal.retry_after_s > 0)
    response.headers.add("Retry-After", std::to_string(std::max(refusal.retry_after_s, 1)));
  if (refusal.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  return response;
}

Refusal refusal_of(std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Refusal& refusal) {
    return refusal;
  } catch (const QueueFull& full) {
    Refusal refusal(429, "queue_full", full.what());
    refusal.retry_after_s = static_cast<int>(std::clamp(std::ceil(full.retry_after_ms() / 1000), 1.0, 600.0));
    return refusal;
  } catch (const Error& known) {
    return of_error(known);
  } catch (const std::bad_alloc&) {
    return {503, "out_of_memory", "out of memory"};
  } catch (...) {
    return {500, "internal", "internal error"};
  }
}

}  // namespace moonbeam::server
