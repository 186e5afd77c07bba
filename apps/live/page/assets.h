// The files of apps/live/web, compiled in.
#pragma once

#include <string_view>

namespace moonbeam::live {

/// "live.html", "live.css", "live.js"; empty for others.
std::string_view asset(std::string_view name) noexcept;

}  // namespace moonbeam::live
