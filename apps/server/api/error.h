// Refusals that every route of the API can come to.
#pragma once

#include <string>
#include <string_view>

#include "server/http/refusal.h"

namespace moonbeam::server {

/// 400 invalid_value. `got` is cut where it is long, so that no message carries a picture.
[[noreturn]] void fail_value(const std::string& field, const std::string& expected, std::string_view got);
/// 400 missing_field.
[[noreturn]] void fail_missing(const std::string& field);

}  // namespace moonbeam::server
