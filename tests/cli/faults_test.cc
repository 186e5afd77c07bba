// Runs over pictures that are killed, or whose disk fills up, at each call that changes a file.
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "tests/cli/fixtures.h"
#include "tests/hostile/traced.h"

namespace moonbeam::test {
namespace {

using testing::Fault;
using testing::FaultKind;
using testing::points;
using testing::run_traced;
using testing::Traced;

/// Calls from the opening of the weights on: what comes before is the system's loader.
testing::Watched watched() {
  return {testing::writing_calls(), "model.safetensors"};
}

class BatchFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::can_trace()) GTEST_SKIP() << "no ptrace here";
    for (const char* name : {"s2.png", "s3.png", "s4.png"}) {
      std::filesystem::create_directories(folder_.path("in"));
      std::filesystem::copy_file(sample(name), folder_.path(std::string("in/") + name));
    }
  }

  Traced run_batch(const std::vector<std::string>& more, const Fault& fault) const {
    std::vector<std::string> words =
        with_model({"caption", folder_.path("in"), "--json", "--length", "short"});
    words.insert(words.begin(), MOONBEAM_PROGRAM);
    words.insert(words.end(), {"--threads", "1", "-o", folder_.path("out.jsonl")});
    words.insert(words.end(), more.begin(), more.end());
    return run_traced(
        [&] {
          std::vector<char*> pointers;
          for (std::string& word : words) pointers.push_back(word.data());
          pointers.push_back(nullptr);
          const int nowhere = ::open("/dev/null", O_RDWR);
          for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
          ::execv(MOONBEAM_PROGRAM, pointers.data());
          return 127;
        },
        watched(), fault);
  }

  /// Name and caption of each line, sorted: a picture that failed is answered after the others. A half line
  /// is an error.
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    if (!folder_.has("out.jsonl")) return out;
    for (const json& line : json_lines(folder_.get("out.jsonl"))) {
      out.push_back(std::filesystem::path(line["image"].get<std::string>()).filename().string() + " " +
                    line["caption"].get<std::string>());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  /// Files of the output, finished or not.
  std::size_t outputs() const { return folder_.entries() - 1; }
  void reset() const {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path(""))) {
      if (!entry.is_directory()) std::filesystem::remove(entry.path(), ignored);
    }
  }

  const TestFolder folder_;
};

TEST_F(BatchFaults, AResumedRunRepeatsAtMostOnePicture) {
  ASSERT_EQ(run_batch({"--resume"}, {}).status, 0);
  const std::vector<std::string> expected = lines();
  ASSERT_EQ(expected.size(), 3u);
  reset();
  const long calls = run_batch({"--resume"}, {}).calls;
  ASSERT_GT(calls, 3);
  for (const long n : points(calls)) {
    reset();
    const Traced traced = run_batch({"--resume"}, {FaultKind::kKill, 0, n});
    EXPECT_EQ(traced.signal, SIGKILL) << n << ", " << traced.call;
    EXPECT_EQ(run_batch({"--resume"}, {}).status, 0) << n << ", " << traced.call;
    EXPECT_EQ(lines(), expected) << n << ", " << traced.call;
    EXPECT_EQ(outputs(), 1u) << n << ", " << traced.call;
  }
}

TEST_F(BatchFaults, AKilledRunLeavesTheOldOutputAndTheNextOneClearsUp) {
  ASSERT_EQ(run_batch({}, {}).status, 0);
  const std::vector<std::string> expected = lines();
  const std::string old = folder_.get("out.jsonl").substr(0, folder_.get("out.jsonl").find('\n') + 1);
  reset();
  const long calls = run_batch({}, {}).calls;
  for (const long n : points(calls)) {
    reset();
    folder_.put("out.jsonl", old);
    const Traced traced = run_batch({}, {FaultKind::kKill, 0, n});
    EXPECT_EQ(traced.signal, SIGKILL) << n << ", " << traced.call;
    EXPECT_TRUE(folder_.get("out.jsonl") == old || lines() == expected) << n << ", " << traced.call;
    EXPECT_EQ(run_batch({}, {}).status, 0) << n << ", " << traced.call;
    EXPECT_EQ(lines(), expected) << n << ", " << traced.call;
    EXPECT_EQ(outputs(), 1u) << n << ", " << traced.call;
  }
}

TEST_F(BatchFaults, AFullDiskIsSaidAndResumed) {
  ASSERT_EQ(run_batch({"--resume"}, {}).status, 0);
  const std::vector<std::string> expected = lines();
  for (const int error : {ENOSPC, EIO, EINTR}) {
    reset();
    const long calls = run_batch({"--resume"}, {}).calls;
    for (const long n : points(calls)) {
      reset();
      const Traced traced = run_batch({"--resume"}, {FaultKind::kError, error, n});
      EXPECT_EQ(traced.signal, 0) << error << " " << n << ", " << traced.call;
      EXPECT_TRUE(traced.status == 0 || (traced.status >= 1 && traced.status <= 6))
          << error << " " << n << ", " << traced.call << ": " << traced.status;
      if (traced.call == "write" && error == ENOSPC) {
        EXPECT_EQ(traced.status, 6) << n;
      }
      EXPECT_EQ(run_batch({"--resume"}, {}).status, 0) << error << " " << n << ", " << traced.call;
      EXPECT_EQ(lines(), expected) << error << " " << n << ", " << traced.call;
    }
  }
}

}  // namespace
}  // namespace moonbeam::test
