// Throwing errors with messages made of parts; debug assertions.
#pragma once

#include <moonbeam/error.h>

#include <cassert>
#include <string>
#include <string_view>

#include "base/text.h"

#define MB_ASSERT(condition) assert(condition)

namespace moonbeam::base {

/// Throws Error: fail(kCorrupt, path, ": 'text.wte': expected ", 3, ", got ", 2). Numbers are written
/// without regard to the locale.
template <typename... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw Error(code, cat(parts...));
}

}  // namespace moonbeam::base
