// Every allocation fails once: loading, encoding and answering give Error kExhausted, never a crash or an
// answer that lacks something, and what was there before still works. Memory of base::Buffer does not come
// from `new` and is not failed here: it throws kExhausted itself. The sanitizer presets look for leaks.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "hostile/watched_new.h"

namespace moonbeam {
namespace {

const std::string kModel = MOONBEAM_SOURCE_DIR "/models/tiny/tiny-bf16.gguf";

// Two threads: a worker of the pool that allocated would end the program.
Model load() {
  return Model::load(kModel, {.threads = 2});
}

// How a load in a process of its own ends.
constexpr int kLoaded = 0, kRefused = 10, kFailed = 11;

Image grey() {
  return {60, 80, std::vector<std::uint8_t>(60 * 80 * 3, 128)};
}

/// Runs `run` with the n-th allocation failing, for n = 0, 1, ... Each run ends with kExhausted or, where the
/// allocation could be done without, as if nothing had happened.
/// @return runs that ended with the error.
int fail_each(const std::function<void()>& run) {
  testing::fail_new(-1);
  run();
  const long total = testing::stop_failing_new();
  ::testing::Test::RecordProperty("allocations", static_cast<int>(total));
  int failed = 0;
  for (long n = 0; n < total; ++n) {
    testing::fail_new(n);
    std::optional<ErrorCode> code;
    bool strange = false;
    try {
      run();
    } catch (const Error& error) {
      code = error.code();
    } catch (...) {
      strange = true;
    }
    testing::stop_failing_new();
    EXPECT_FALSE(strange) << "allocation " << n << ": not an Error";
    if (!code) continue;
    EXPECT_EQ(error_code_name(*code), std::string("exhausted")) << "allocation " << n;
    ++failed;
  }
  return failed;
}

/// Loads in a process of its own. @return its exit status, -1 if it was ended.
int load_apart(long n) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    testing::fail_new(n);
    int status = kFailed;
    try {
      load();
      status = kLoaded;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kExhausted) status = kRefused;
    } catch (...) {
    }
    testing::stop_failing_new();
    _exit(status);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// In processes of their own: an allocation that fails in a destructor would end the program.
TEST(AllocationFailure, WhileLoadingIsAnError) {
  testing::fail_new(-1);
  load();
  const long total = testing::stop_failing_new();
  ::testing::Test::RecordProperty("allocations", static_cast<int>(total));
  int refused = 0;
  for (long n = 0; n < total; n += 1 + n / 64) {
    const int status = load_apart(n);
    EXPECT_TRUE(status == kRefused || status == kLoaded) << "allocation " << n << ": " << status;
    refused += status == kRefused;
  }
  EXPECT_GT(refused, 100);
}

TEST(AllocationFailure, WhileEncodingIsAnErrorAndTheModelStaysUsable) {
  const Model model = load();
  const Image image = grey();
  EXPECT_GT(fail_each([&] { model.encode_image(image); }), 32);
  EXPECT_EQ(model.encode_image(image).prefix_tokens(), 50);
}

TEST(AllocationFailure, WhileAnsweringIsAnErrorAndThePictureStaysUsable) {
  const Model model = load();
  const EncodedImage picture = model.encode_image(grey());
  CaptionOptions options;
  options.max_tokens = 3;
  const std::string caption = model.caption(picture, options).caption;
  // Not compared while an allocation may fail: GoogleTest's messages need memory too.
  int others = 0;
  const int failed = fail_each([&] {
    if (model.caption(picture, options).caption != caption) ++others;
  });
  EXPECT_GT(failed, 32);
  EXPECT_EQ(others, 0);
  EXPECT_GT(fail_each([&] { model.query(picture, "Is there a dog?", {options}); }), 32);
  EXPECT_GT(fail_each([&] { model.detect(picture, "dog"); }), 32);
  EXPECT_GT(fail_each([&] { model.point(picture, "dog"); }), 32);
  EXPECT_EQ(model.caption(picture, options).caption, caption);
}

}  // namespace
}  // namespace moonbeam
