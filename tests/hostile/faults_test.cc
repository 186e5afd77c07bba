// A full or broken disk, interrupted and short calls, and kill -9, at each system call that reads or writes a
// file: a clear Error or the right result, the old file or the whole new one, and nothing left lying about
// after the next run. MOONBEAM_FAULTS=all tries every call, else some of them.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "base/sha256.h"
#include "base/test_folder.h"
#include "hostile/traced.h"

namespace moonbeam {
namespace {

namespace fs = std::filesystem;
using base::TestFolder;
using testing::Fault;
using testing::FaultKind;
using testing::points;
using testing::run_traced;
using testing::Traced;

const std::string kModel = MOONBEAM_SOURCE_DIR "/tests/goldens/tiny";
constexpr int kStrange = 99, kFirstCode = 10;

/// Exit status of what happened: 0, or which Error.
int status_of(const std::function<void()>& work) {
  try {
    work();
    return 0;
  } catch (const Error& error) {
    return kFirstCode + static_cast<int>(error.code());
  } catch (...) {
    return kStrange;
  }
}

bool is_error(int status) {
  return status >= kFirstCode && status < kStrange;
}

constexpr Fault kFaults[] = {
    {FaultKind::kError, ENOSPC}, {FaultKind::kError, EIO}, {FaultKind::kError, EINTR}, {FaultKind::kShort}};

std::string what(const Fault& fault, const Traced& traced) {
  const char* kind = fault.kind == FaultKind::kKill    ? "kill"
                     : fault.kind == FaultKind::kShort ? "short"
                                                       : strerrorname_np(fault.error);
  return std::string(kind) + " at call " + std::to_string(fault.at) + ", " + traced.call;
}

/// What is written, and what it must be like.
struct Writing {
  std::function<void()> write;
  std::function<std::string()> state;  ///< sum of what is under the final name; "" if there is none
  std::string before, after;           ///< states: old and new
};

/// Not the content: a message with two models in it helps nobody.
std::string sum_of(const std::string& path) {
  return fs::exists(path) ? base::sha256_hex(base::MappedFile::open(path)->bytes()) : "";
}

class Faults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::can_trace()) GTEST_SKIP() << "no ptrace here";
  }

  /// Each call fails: an Error and the old state, or the new one; no names but `names`.
  void fail_each(const Writing& writing, const std::function<void()>& reset) {
    for (Fault fault : kFaults) {
      const auto run = [&] {
        return run_traced([&] { return status_of(writing.write); }, {testing::writing_calls()}, fault);
      };
      reset();
      const long calls = run().calls;
      ASSERT_GT(calls, fault.kind == FaultKind::kShort ? 0 : 3);
      for (const long n : points(calls)) {
        reset();
        fault.at = n;
        const Traced traced = run();
        EXPECT_TRUE(traced.status == 0 || is_error(traced.status))
            << what(fault, traced) << ": " << traced.status;
        EXPECT_EQ(writing.state(), traced.status == 0 ? writing.after : writing.before)
            << what(fault, traced);
        const bool full = fault.error == ENOSPC && traced.call == "write";
        if (full) {
          EXPECT_EQ(traced.status, kFirstCode + static_cast<int>(ErrorCode::kExhausted))
              << what(fault, traced);
        }
        if (fault.kind == FaultKind::kShort) {
          EXPECT_EQ(traced.status, 0) << what(fault, traced);
        }
        // What cannot be removed stays until the next run.
        const bool removes = traced.call == "unlink" || traced.call == "unlinkat" || traced.call == "rmdir";
        if (!removes) {
          EXPECT_LE(folder_.names().size(), 1u) << what(fault, traced);
        }
      }
    }
  }

  /// Each call is the process's end: the old state or the new one; running again gives the new one and
  /// removes what was left.
  void kill_each(const Writing& writing, const std::function<void()>& reset) {
    const auto run = [&](const Fault& fault) {
      return run_traced([&] { return status_of(writing.write); }, {testing::writing_calls()}, fault);
    };
    reset();
    const long calls = run({}).calls;
    ASSERT_GT(calls, 3);
    for (const long n : points(calls)) {
      reset();
      const Fault fault{FaultKind::kKill, 0, n};
      const Traced traced = run(fault);
      EXPECT_EQ(traced.signal, SIGKILL) << what(fault, traced);
      const std::string state = writing.state();
      EXPECT_TRUE(state == writing.before || state == writing.after) << what(fault, traced);
      if (state == writing.after) reset();
      EXPECT_EQ(run({}).status, 0) << what(fault, traced);
      EXPECT_EQ(writing.state(), writing.after) << what(fault, traced);
      EXPECT_EQ(folder_.names().size(), 1u) << what(fault, traced);
    }
  }

  /// Each process looks for leftovers once: the first one must not be the test's own, which has the others
  /// for children.
  static void in_another_process(const std::function<void()>& work) {
    ASSERT_EQ(run_traced([&] { return status_of(work); }, {}, {}).status, 0);
  }

  TestFolder folder_;
};

class GgufFaults : public Faults {
 protected:
  Writing writing() {
    in_another_process([this] { convert_model(kModel, folder_ / "out.gguf"); });
    const std::string after = sum_of(folder_ / "out.gguf");
    reset()();
    return {[this] { convert_model(kModel, folder_ / "out.gguf"); },
            [this] { return sum_of(folder_ / "out.gguf"); }, sum_of(folder_ / "out.gguf"), after};
  }
  std::function<void()> reset() {
    return [this] { folder_.put("out.gguf", "old"); };
  }
};

TEST_F(GgufFaults, EachFailingCallLeavesTheOldFileOrTheNewOne) {
  fail_each(writing(), reset());
}

TEST_F(GgufFaults, EachKillLeavesTheOldFileOrTheNewOne) {
  kill_each(writing(), reset());
}

class FolderFaults : public Faults {
 protected:
  std::string state() const {
    if (!fs::exists(folder_ / "out")) return "";
    std::string all = "folder";
    for (const char* name : {"out/config.json", "out/tokenizer.json", "out/model.safetensors"}) {
      all += " " + sum_of(folder_ / name);
    }
    return all;
  }
  Writing writing() {
    in_another_process([this] { convert_model(kModel, folder_ / "out"); });
    const std::string after = state();
    return {[this] { convert_model(kModel, folder_ / "out"); }, [this] { return state(); }, "", after};
  }
  std::function<void()> reset() {
    return [this] {
      for (const std::string& name : folder_.names()) {
        if (name == "out") fs::remove_all(folder_ / name);
      }
    };
  }
};

TEST_F(FolderFaults, EachFailingCallLeavesNoFolderOrAWholeOne) {
  fail_each(writing(), reset());
}

TEST_F(FolderFaults, EachKillLeavesNoFolderOrAWholeOne) {
  kill_each(writing(), reset());
}

using ReadingFaults = Faults;

TEST_F(ReadingFaults, EachFailingCallOfALoadIsAnErrorOrDoesNoHarm) {
  const Image image{60, 80, std::vector<std::uint8_t>(60 * 80 * 3, 128)};
  CaptionOptions options;
  options.max_tokens = 3;
  const auto answer = [&] {
    const Model model = Model::load(kModel, {.threads = 1});
    return model.caption(model.encode_image(image), options).caption;
  };
  const std::string expected = answer();
  const auto work = [&] {
    return status_of([&] {
      if (answer() != expected) throw std::runtime_error("another answer");
    });
  };
  for (Fault fault : kFaults) {
    if (fault.error == ENOSPC) fault.error = ENOMEM;  // what reading may run out of
    fault.at = -1;
    const long calls = run_traced(work, {testing::reading_calls()}, fault).calls;
    ASSERT_GT(calls, 0);
    for (const long n : points(calls)) {
      fault.at = n;
      const Traced traced = run_traced(work, {testing::reading_calls()}, fault);
      EXPECT_TRUE(traced.status == 0 || is_error(traced.status))
          << what(fault, traced) << ": " << traced.status << ", " << traced.signal;
      if (fault.kind == FaultKind::kShort) {
        EXPECT_EQ(traced.status, 0) << what(fault, traced);
      }
    }
  }
}

}  // namespace
}  // namespace moonbeam
