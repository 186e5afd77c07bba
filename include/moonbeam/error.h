// The one error type of the library.
#pragma once

#include <stdexcept>
#include <string>

namespace moonbeam {

enum class ErrorCode {
  kInvalidArgument,  ///< the caller asked for something that makes no sense
  kNotFound,         ///< a file, model or directory that is not there or may not be read
  kCorrupt,          ///< a file that contradicts itself or its format
  kUnsupported,      ///< well-formed, but nothing this build or this variant can do
  kExhausted,        ///< memory, disk, context positions
  kCancelled,        ///< a progress callback returned false before there was a result
};

/// What a caller catches. The message says what, where, expected and got, in one line without a trailing
/// newline, e.g. `model.safetensors: 'text.wte': expected [51200,2048], got [51200,1024]`.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// "invalid argument", "not found", ...
const char* error_code_name(ErrorCode code) noexcept;

}  // namespace moonbeam
