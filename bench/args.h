// Values of the benchmarks' flags: a slip is refused, since a figure of something else is worse than none.
#pragma once

#include <cstdlib>
#include <string>

#include <moonbeam/model.h>

#include "base/error.h"

namespace moonbeam::bench {

/// @throws Error kInvalidArgument (no number from `least` to a million).
inline int number(const std::string& flag, const std::string& value, int least) {
  char* end = nullptr;
  const long n = std::strtol(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0' || n < least || n > 1'000'000) {
    base::fail(ErrorCode::kInvalidArgument, flag, ": expected a number of at least ", least, ", got '", value,
               "'");
  }
  return static_cast<int>(n);
}

/// @throws Error kInvalidArgument (no mode of this name).
inline Mode mode(const std::string& name) {
  const auto found = find_mode(name);
  if (!found) base::fail(ErrorCode::kInvalidArgument, "--mode: no mode '", name, "'");
  return *found;
}

}  // namespace moonbeam::bench
