// The edge of the library: memory that could not be had becomes an Error.
#pragma once

#include <new>

#include "base/error.h"

namespace moonbeam::tasks {

/// What `run` returns; std::bad_alloc turns into Error kExhausted.
template <typename Run>
decltype(auto) or_exhausted(Run&& run) {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    base::fail(ErrorCode::kExhausted, "out of memory");
  }
}

}  // namespace moonbeam::tasks
