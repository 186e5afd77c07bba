// Why a request gets no answer, and the answer that says so.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace moonbeam::server {

/// An answer other than success. Handlers may throw it.
class Refusal : public std::runtime_error {
 public:
  /// `code` as in the table of docs/server.md; `param`: the field that is wrong, if it is one.
  Refusal(int status_of, std::string code_of, const std::string& message, std::string param_of = {})
      : std::runtime_error(message),
        status(status_of),
        code(std::move(code_of)),
        param(std::move(param_of)) {}

  int status;
  std::string code;
  std::string param;
  int retry_after_s = 0;  ///< 0: no such header, except with 429 and 503, which always have one
  Headers headers = {};   ///< added to the answer
};

/// "invalid_request_error", "server_error", ...
std::string_view error_type(int status) noexcept;

/// {"error": {"message", "type", "param", "code"}}; below /api/, as Ollama's callers want it,
/// {"error": "message"}.
Response error_response(const Refusal& refusal, std::string_view path);

/// What was thrown, as an answer: a Refusal as it is, QueueFull 429, Error by its code, anything else 500
/// without its words.
Refusal refusal_of(std::exception_ptr error) noexcept;

/// Text of `status`: "Not Found".
std::string_view reason_phrase(int status) noexcept;

}  // namespace moonbeam::server
