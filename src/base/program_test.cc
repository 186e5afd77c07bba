#include "base/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace moonbeam::base {
namespace {

int ended(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(Program, WritesToTheStreamItIsGiven) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  pid_t child = -1;
  // Its input is empty: cat would wait for ours.
  ASSERT_EQ(start_program({"sh", "-c", "cat; echo \"$0\"", "a b"}, {-1, ends[1], STDERR_FILENO}, child), 0);
  ::close(ends[1]);
  char text[16] = {};
  EXPECT_EQ(::read(ends[0], text, sizeof text - 1), 4);
  EXPECT_STREQ(text, "a b\n");
  ::close(ends[0]);
  EXPECT_EQ(ended(child), 0);
}

TEST(Program, TakesSignalsThatThisProcessKeepsForItself) {
  sigset_t terminate, before;
  sigemptyset(&terminate);
  sigaddset(&terminate, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &terminate, &before), 0);
  pid_t child = -1;
  ASSERT_EQ(start_program({"sleep", "60"}, {-1, -1, -1}, child), 0);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::kill(child, SIGTERM);
  const int status = ended(child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
}

TEST(Program, SaysWhyItCannotBeStarted) {
  pid_t child = -1;
  EXPECT_EQ(start_program({"no-such-program-anywhere"}, {-1, -1, -1}, child), ENOENT);
}

}  // namespace
}  // namespace moonbeam::base
