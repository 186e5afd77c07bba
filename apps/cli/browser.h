// Showing a page to whoever sits at this machine.
#pragma once

#include <string>

namespace moonbeam::cli {

/// Starts the desktop's browser, and waits no longer than a second for word of it; false where there is none.
bool open_browser(const std::string& url);

}  // namespace moonbeam::cli
