#include "train/report/report.h"

#include <gtest/gtest.h>

#include <moonbeam/error.h>

#include "base/test_folder.h"
#include "train/report/chart.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;

constexpr const char* kLog =
    "{\"step\":1,\"stage\":\"see\",\"rate\":0.1,\"loss\":{\"total\":3,\"text\":2}}\n"
    "{\"step\":2,\"stage\":\"see\",\"rate\":0.2,\"loss\":{\"total\":2,\"text\":1}}\n"
    "{\"step\":2,\"validation\":{\"patch_accuracy\":0.5}}\n"
    "{\"step\":2,\"classes\":50}\n"
    "not json\n"
    "{\"step\":3,\"stage\":\"answer\",\"seconds\":90,\"loss\":{\"total\":1}}\n"
    "{\"step\":3,\"sample\":{\"scene\":7,\"task\":\"query\",\"prompt\":\"Is it <b>?\",\"answer\":\"yes\","
    "\"truth\":\"no\",\"boxes\":[[0.1,0.2,0.3,0.4]]}}\n"
    "{\"step\":4,\"loss\":{\"tot";

TEST(RunLog, ReadsCurvesMarksAndSamplesAndPassesOverTheRest) {
  const TestFolder folder;
  folder.put("log.jsonl", kLog);
  const RunLog log = read_run_log(folder / "log.jsonl");
  EXPECT_EQ(log.training.at("loss.total"), (RunLog::Points{{1, 3}, {2, 2}, {3, 1}}));
  EXPECT_EQ(log.validation.at("patch_accuracy"), (RunLog::Points{{2, 0.5}}));
  ASSERT_EQ(log.marks.size(), 3u);
  EXPECT_EQ(log.marks[1].second, "50 classes");
  EXPECT_EQ(log.marks[2], (std::pair<double, std::string>{3, "answer"}));
  ASSERT_EQ(log.samples.size(), 1u);
  EXPECT_EQ(log.samples[0].scene, 7u);
  EXPECT_EQ(log.seconds, 90);
}

TEST(Report, IsOnePageThatNeedsNothingElse) {
  const TestFolder folder;
  folder.put("log.jsonl", kLog);
  ReportOptions options;
  options.title = "a run & more";
  options.recipe = "[run]\nseed = 1 # <x>\n";
  options.picture = [](const Sample& sample) {
    EXPECT_EQ(sample.scene, 7u);
    return Image{2, 2, std::vector<std::uint8_t>(12, 200)};
  };
  const std::string page = report_html(read_run_log(folder / "log.jsonl"), options);
  EXPECT_NE(page.find("a run &amp; more"), std::string::npos);
  EXPECT_NE(page.find("Is it &lt;b&gt;?"), std::string::npos);
  EXPECT_NE(page.find("seed = 1 # &lt;x&gt;"), std::string::npos);
  EXPECT_NE(page.find("data:image/png;base64,iVBORw0KGgo"), std::string::npos);
  EXPECT_NE(page.find("<polyline"), std::string::npos);
  EXPECT_NE(page.find("truth: no"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(Report, OfAnEmptyLogIsStillAPage) {
  const std::string page = report_html({}, {.title = "none", .recipe = ""});
  EXPECT_NE(page.find("</html>"), std::string::npos);
}

TEST(Chart, ThinsToMeans) {
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i < 1000; ++i) points.emplace_back(i, i % 2);
  const auto few = thinned(points, 100);
  ASSERT_EQ(few.size(), 100u);
  EXPECT_DOUBLE_EQ(few[0].first, 4.5);
  EXPECT_DOUBLE_EQ(few[99].second, 0.5);
}

}  // namespace
}  // namespace moonbeam::train
