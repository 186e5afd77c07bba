// Questions about scenes as the renderer draws them, at the class list that the balance is set for.
#include <gtest/gtest.h>

#include <map>

#include "data/scenes/atlas.h"
#include "data/scenes/blind.h"
#include "data/scenes/question_check.h"
#include "data/scenes/questions.h"

namespace moonbeam::data {
namespace {

constexpr int kScenes = 10'000;

struct Drawn {
  std::vector<Question> questions;
  std::vector<std::string> faults;
};

const Drawn& drawn() {
  static const Drawn all = [] {
    Drawn out;
    const std::filesystem::path folder = find_data_folder();
    const LabelTable labels = LabelTable::load(folder / "labels.tsv");
    const Atlas atlas = Atlas::load(folder, labels);
    SceneOptions options;
    options.height = options.width = 96;
    options.degrade = false;
    options.clutter = 0;
    for (std::uint64_t i = 0; i < kScenes; ++i) {
      const SceneKey key{11, Split::kTrain, i};
      options.repeat = repeat_for(key, options.max_objects);
      const Scene scene = render_scene(key, options, atlas, labels);
      for (Question& question : ask(scene, labels, {})) {
        const std::string fault = find_fault(question, scene, labels);
        if (!fault.empty()) out.faults.push_back(question.text + " -> " + question.answer + ": " + fault);
        out.questions.push_back(std::move(question));
      }
    }
    return out;
  }();
  return all;
}

std::map<std::string, double> answers(Kind kind) {
  std::map<std::string, double> out;
  double all = 0;
  for (const Question& question : drawn().questions) {
    if (question.kind != kind) continue;
    ++out[question.short_answer];
    ++all;
  }
  for (auto& [answer, count] : out) count *= 100 / all;
  return out;
}

TEST(DrawnQuestions, AgreeWithTheTruthInTenThousandScenes) {
  for (std::size_t i = 0; i < std::min<std::size_t>(10, drawn().faults.size()); ++i)
    ADD_FAILURE() << drawn().faults[i];
  EXPECT_TRUE(drawn().faults.empty());
}

TEST(DrawnQuestions, HaveTheSharesOfTheirKinds) {
  constexpr double kShares[] = {12, 22, 10, 10, 10, 8, 14, 8, 0, 2};  // without reading
  std::array<double, kKinds> found{};
  for (const Question& question : drawn().questions) ++found[static_cast<std::size_t>(question.kind)];
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_NEAR(100 * found[k] / static_cast<double>(drawn().questions.size()), kShares[k] / 0.96, 1.0)
        << name(static_cast<Kind>(k));
  }
}

TEST(DrawnQuestions, AreBalancedWithinAPoint) {
  EXPECT_NEAR(answers(Kind::kExist)["yes"], 50, 1);
  std::map<std::string, double> counts = answers(Kind::kCount), colours = answers(Kind::kColour);
  EXPECT_NEAR(counts["0"], 10, 1);
  for (const char* count : {"1", "2", "3", "4", "5"}) EXPECT_NEAR(counts[count], 18, 1) << count;
  EXPECT_EQ(colours.size(), 10U);
  for (const auto& [colour, share] : colours) EXPECT_NEAR(share, 10, 1) << colour;
}

TEST(DrawnQuestions, DoNotGiveTheirAnswersAwayByTheirWords) {
  const auto margin = [](auto wanted, auto answer) {
    std::vector<BlindSample> samples;
    for (const Question& question : drawn().questions) {
      if (wanted(question.kind)) samples.push_back({question.text, answer(question)});
    }
    const BlindScore words = blind_regression(samples), lookup = blind_lookup(samples);
    return std::max(words.margin(), lookup.margin());
  };
  const auto polarity = [](const Question& q) { return std::string(q.positive ? "yes" : "no"); };
  EXPECT_LT(margin([](Kind kind) { return kind == Kind::kExist; }, polarity), 0.02);
  EXPECT_LT(margin([](Kind kind) { return kind == Kind::kDetect || kind == Kind::kPoint; }, polarity), 0.02);
  EXPECT_LT(margin(
                [](Kind kind) {
                  return kind == Kind::kPremise || kind == Kind::kColour || kind == Kind::kRelation ||
                         kind == Kind::kName;
                },
                polarity),
            0.02);
}

}  // namespace
}  // namespace moonbeam::data
