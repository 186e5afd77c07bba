#include "cli/resume.h"

#include <gtest/gtest.h>

#include <functional>

namespace moonbeam::cli {
namespace {

std::string difference(Task task, const std::function<void(Options&)>& change) {
  Options changed;
  change(changed);
  const std::string line = run_options(changed, task, "synth:tiny");
  EXPECT_EQ(options_difference(line, line), "");
  // Both ways: what a line has and the run has not counts as well.
  EXPECT_EQ(options_difference(run_options({}, task, "synth:tiny"), line).empty(),
            options_difference(line, run_options({}, task, "synth:tiny")).empty());
  return options_difference(line, run_options({}, task, "synth:tiny"));
}

TEST(Resume, NamesTheOptionThatDiffers) {
  EXPECT_EQ(difference(Task::kCaption, [](Options& o) { o.ask.length = "short"; }),
            "length is \"short\", not \"normal\"");
  EXPECT_EQ(difference(Task::kCaption, [](Options& o) { o.sampling.temperature = 0.5; }),
            "temperature is 0.5, not the default");
  EXPECT_EQ(difference(Task::kQuery, [](Options& o) { o.ask.refs = {"0.1,0.2"}; }),
            "ref is [\"0.1,0.2\"], not the default");
  EXPECT_EQ(options_difference(run_options({}, Task::kDetect, "synth:tiny"),
                               run_options({}, Task::kDetect, "synth:other")),
            "model is \"synth:tiny\", not \"synth:other\"");
}

TEST(Resume, ComparesWhatChangesAnAnswer) {
  const std::vector<std::pair<Task, std::function<void(Options&)>>> changes = {
      {Task::kCaption, [](Options& o) { o.sampling.top_p = 0.5; }},
      {Task::kCaption, [](Options& o) { o.sampling.seed = 7; }},
      {Task::kCaption, [](Options& o) { o.sampling.stop = {"."}; }},
      {Task::kCaption, [](Options& o) { o.pictures.no_orientation = true; }},
      {Task::kCaption, [](Options& o) { o.model.variant = "moondream2"; }},
      {Task::kQuery, [](Options& o) { o.sampling.max_tokens = 7; }},
      {Task::kQuery, [](Options& o) { o.ask.schema = "{}"; }},
      {Task::kQuery, [](Options& o) { o.ask.reasoning = true; }},
      {Task::kDetect, [](Options& o) { o.ask.max_objects = 7; }},
      {Task::kPoint, [](Options& o) { o.ask.clamp = true; }},
      {Task::kGaze, [](Options& o) { o.ask.eye = "0.5,0.5"; }},
      {Task::kGaze, [](Options& o) { o.ask.face = "0,0,1,1"; }},
      {Task::kGaze, [](Options& o) { o.ask.force = true; }}};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_NE(difference(changes[i].first, changes[i].second), "") << i;
  }
}

TEST(Resume, LeavesOutWhatDoesNot) {
  EXPECT_EQ(difference(Task::kDetect, [](Options& o) { o.model.threads = 3; }), "");
  EXPECT_EQ(difference(Task::kCaption, [](Options& o) { o.output.quiet = true; }), "");
  EXPECT_EQ(difference(Task::kDetect, [](Options& o) { o.ask.length = "short"; }), "");
}

TEST(Resume, KnowsAModelByEverySpelling) {
  EXPECT_EQ(run_options({}, Task::kCaption, "/tmp/../tmp/."), run_options({}, Task::kCaption, "/tmp"));
}

TEST(Resume, TakesNoLineWithoutOptions) {
  for (const char* line : {"null", "", "[]", "3"}) {
    EXPECT_NE(options_difference(line, run_options({}, Task::kCaption, "x")), "") << line;
  }
}

}  // namespace
}  // namespace moonbeam::cli
