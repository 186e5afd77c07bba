// What a benchmark reports; how fast things are is not tested.
#include <moonbeam/bench.h>
#include <moonbeam/error.h>

#include <gtest/gtest.h>

#include "tasks/bench.h"

namespace moonbeam {
namespace {

TEST(Bench, CountsTheOperationsOfTheFullSizeModel) {
  const vision::VisionConfig vision;  // the defaults are Moondream 2's
  const text::TextConfig text;
  EXPECT_NEAR(tasks::encode_operations(vision), (666.5 + 52.0) * 1e9, 0.3e9);
  EXPECT_NEAR(tasks::prefill_operations(text, 730), 1868.4e9, 0.3e9);
}

TEST(Bench, ReportsEveryStageInEachMode) {
  for (const Mode mode : {Mode::kF32, Mode::kBF16, Mode::kInt8, Mode::kInt4}) {
    std::vector<std::string> heard;
    BenchOptions options{.load = {.mode = mode, .threads = 1}, .repeat = 2, .limits = false};
    options.on_stage = [&](const std::string& what) {
      heard.push_back(what);
      return true;
    };
    const BenchReport report = run_bench(MOONBEAM_SOURCE_DIR "/models/tiny/tiny-bf16.gguf", options);
    EXPECT_EQ(report.model.mode, mode_name(mode));
    ASSERT_EQ(report.stages.size(), 6u);
    EXPECT_EQ(heard.size(), 5u) << "loading is not announced";
    for (const BenchStage& stage : report.stages) {
      EXPECT_GT(stage.median_ms, 0) << stage.name;
      EXPECT_LE(stage.min_ms, stage.median_ms) << stage.name;
      EXPECT_LE(stage.median_ms, stage.max_ms) << stage.name;
      EXPECT_EQ(stage.share, 0) << stage.name;
    }
    EXPECT_GT(report.peak_bytes, 0);
  }
}

TEST(Bench, StopsWhereItIsToldTo) {
  BenchOptions options{.load = {.threads = 1}, .repeat = 1};
  options.on_stage = [](const std::string& what) { return what != "decode"; };
  const BenchReport report = run_bench(MOONBEAM_SOURCE_DIR "/models/tiny/tiny-bf16.gguf", options);
  EXPECT_EQ(report.stages.size(), 3u);
  EXPECT_EQ(report.limits.read_gb_s, 0);
}

TEST(Bench, NoRunsAreRefused) {
  EXPECT_THROW(run_bench(MOONBEAM_SOURCE_DIR "/models/tiny/tiny-bf16.gguf", {.repeat = 0}), Error);
}

}  // namespace
}  // namespace moonbeam
