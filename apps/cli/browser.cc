#include "cli/browser.h"

#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "base/program.h"

namespace moonbeam::cli {

bool open_browser(const std::string& url) {
  // It says nothing between our lines.
  pid_t child = -1;
  if (base::start_program({"xdg-open", url}, {-1, -1, -1}, child) != 0) return false;
  // Where no desktop is there to pass the page to, xdg-open is the browser until its window is closed.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (std::chrono::steady_clock::now() < end) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) return status == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace moonbeam::cli
