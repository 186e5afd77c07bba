// slowhttptest, Debian's tool against slow clients, run after run until told to stop.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/serve/serving.h"

namespace moonbeam::test {

/// Slow heads, slow bodies and slow readers, each as many at once as is said; a server that gives them up
/// meets the next ones within a second. Each moves once a second. The tool asks the kernel without a pause
/// what it may do next, which takes a core and more: it is to take what others leave.
class SlowHttpTest {
 public:
  struct Counts {
    int heads, bodies, readers;
  };

  static bool is_installed() { return std::system("command -v slowhttptest > /dev/null") == 0; }

  SlowHttpTest(std::uint16_t port, Counts counts) {
    const std::string url = "http://127.0.0.1:" + std::to_string(port);
    start("-H", counts.heads, "-i 1 -u " + url + "/health");
    start("-B", counts.bodies, "-i 1 -s 1000000 -u " + url + "/v1/query");
    start("-X", counts.readers, "-k 10 -w 1 -y 512 -n 1 -z 1 -u " + url + "/metrics");
  }
  ~SlowHttpTest() {
    for (const pid_t group : groups_) ::kill(-group, SIGKILL);
    for (const pid_t group : groups_) ::waitpid(group, nullptr, 0);
  }
  SlowHttpTest(const SlowHttpTest&) = delete;
  SlowHttpTest& operator=(const SlowHttpTest&) = delete;

 private:
  void start(const std::string& kind, int count, const std::string& more) {
    const std::string number = std::to_string(count);
    // Beside the other tests it would never come to its turn.
    const char* leftover = full_counts() ? "chrt --idle 0 " : "nice -n 19 ";
    const std::string command = "while :; do " + std::string(leftover) + "slowhttptest " + kind + " -c " +
                                number + " -r " + number + " -l 60 -v 0 " + more +
                                " > /dev/null 2>&1; sleep 0.1; done";
    const pid_t child = ::fork();
    if (child < 0) return;
    if (child == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the tool itself ends after a minute
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    ::setpgid(child, child);
    groups_.push_back(child);
  }

  std::vector<pid_t> groups_;
};

}  // namespace moonbeam::test
