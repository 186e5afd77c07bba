#include "eval/metrics/vqa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "eval/metrics/pope.h"

namespace moonbeam::eval {
namespace {

std::vector<std::string> ten(int matching) {
  std::vector<std::string> out(static_cast<std::size_t>(matching), "red");
  for (int i = matching; i < 10; ++i) out.push_back("other " + std::to_string(i));
  return out;
}

TEST(VqaAccuracy, FollowsTheNumberOfMatchingAnswers) {
  const double kOfficial[] = {0, .3, .6, .9, 1};
  const double kMin3[] = {0, 1.0 / 3, 2.0 / 3, 1, 1};
  for (int k = 0; k <= 4; ++k) {
    EXPECT_NEAR(vqa_accuracy("Red.", ten(k)), kOfficial[k], 1e-12) << k;
    EXPECT_NEAR(vqa_accuracy("red", ten(k), VqaRule::kEvalAi), kOfficial[k], 1e-12) << k;
    EXPECT_NEAR(vqa_accuracy("red", ten(k), VqaRule::kMin3), kMin3[k], 1e-12) << k;
  }
}

TEST(VqaAccuracy, ComparesAnswersThatAllGaveAlikeAsTheyStand) {
  const std::vector<std::string> yes(10, "yes"), marked(10, "Yes.");
  EXPECT_EQ(vqa_accuracy("Yes", yes), 0);
  EXPECT_EQ(vqa_accuracy("yes", yes), 1);
  EXPECT_EQ(vqa_accuracy(" yes\n", yes), 1);
  EXPECT_EQ(vqa_accuracy("Yes", yes, VqaRule::kEvalAi), 1);
  EXPECT_EQ(vqa_accuracy("Yes", yes, VqaRule::kMoondream), 1);
  EXPECT_EQ(vqa_accuracy("yes", marked, VqaRule::kMoondream), 0);
  EXPECT_EQ(vqa_accuracy("yes", marked, VqaRule::kMin3), 1);
  EXPECT_EQ(vqa_accuracy("yes", {}), 0);
}

TEST(Gqa, ForgivesCaseMarksAndSpace) {
  EXPECT_TRUE(gqa_correct("Brown.", "brown"));
  EXPECT_TRUE(gqa_correct(" traffic  light ", "Traffic light"));
  EXPECT_FALSE(gqa_correct("browns", "brown"));
}

TEST(Anls, MatchesTheVectors) {
  const auto of = [](const char* prediction, std::vector<std::string> golds) {
    return anls(prediction, golds);
  };
  EXPECT_NEAR(of("12 May 1998", {"May 12, 1998", "12 may 1998"}), 1, 1e-9);
  EXPECT_NEAR(of("ITC Limited", {"itc limited"}), 1, 1e-9);
  EXPECT_NEAR(of("$ 1,250", {"$1,250.00"}), 0.555556, 1e-6);
  EXPECT_NEAR(of("Brand A", {"Brand B"}), 0.857143, 1e-6);
  EXPECT_EQ(of("unknown", {"1998"}), 0);
  EXPECT_EQ(of("", {""}), 1);
  EXPECT_EQ(of("é", {"e"}), 0);  // code points, not bytes
}

TEST(Relaxed, MatchesTheVectors) {
  struct Vector {
    const char *gold, *prediction;
    bool correct;
  };
  const Vector kVectors[] = {{"100", "105", true},
                             {"100", "105.1", false},
                             {"50%", "0.5", true},
                             {"50", "50%", false},
                             {"0", "0", true},
                             {"0", "0.0", false},
                             {"Yes", "yes", true},
                             {"1,000", "1000", false},
                             {"2019", "2015", true},
                             {"[1, 2]", "[1, 2]", true},
                             {"[100, \"a\"]", "[104, \"A\"]", true},
                             {"[1, 2]", "[1, 3]", false}};
  for (const Vector& one : kVectors) {
    EXPECT_EQ(relaxed_correct(one.prediction, one.gold), one.correct) << one.gold << " " << one.prediction;
  }
  EXPECT_FALSE(strict_correct("2015", "2019"));
}

TEST(Counts, AreExact) {
  EXPECT_TRUE(count_correct(" 4\n", 4));
  EXPECT_FALSE(count_correct("four", 4));
  EXPECT_EQ(count_error("6", 4), 2);
  EXPECT_EQ(count_error("many", 4), -1);
}

TEST(PopeAnswer, IsReadInThreeWays) {
  using enum PopeParser;
  EXPECT_EQ(pope_answer("No, there is none.", kOfficial), false);
  EXPECT_EQ(pope_answer("It is not. Yes", kOfficial), false);
  EXPECT_EQ(pope_answer("NO", kOfficial), true);  // anything else counts as yes
  EXPECT_EQ(pope_answer("", kOfficial), true);
  EXPECT_EQ(pope_answer(" Yes\n", kStrict), true);
  EXPECT_EQ(pope_answer("no", kStrict), false);
  EXPECT_EQ(pope_answer("Yes.", kStrict), std::nullopt);
  EXPECT_EQ(pope_answer("Yes, it is.", kToken), true);
  EXPECT_EQ(pope_answer("no: yes", kToken), std::nullopt);
  EXPECT_EQ(pope_answer("nobody", kToken), std::nullopt);
}

TEST(PopeCounts, MatchTheVector) {
  const PopeCounts counts{.true_yes = 1264, .false_yes = 575, .true_no = 925, .false_no = 236};
  EXPECT_NEAR(counts.accuracy(), 0.7297, 5e-5);
  EXPECT_NEAR(counts.precision(), 0.6873, 5e-5);
  EXPECT_NEAR(counts.recall(), 0.8427, 5e-5);
  EXPECT_NEAR(counts.f1(), 0.7571, 5e-5);
  EXPECT_NEAR(counts.yes_ratio(), 0.613, 5e-4);
  PopeCounts unread;
  unread.add(std::nullopt, true);
  unread.add(true, true);
  EXPECT_EQ(unread.accuracy(), 0.5);
  EXPECT_EQ(unread.recall(), 0.5);
}

std::vector<std::vector<std::string>> pope_pictures() {
  return {
      {"dog", "cat", "apple"}, {"dog", "cat", "car", "bus"}, {"dog", "bus", "car"}, {"dog", "cat"}, {"dog"}};
}

TEST(PopeQuestions, AskThreeThatAreThereAndThreeThatAreNot) {
  const auto pictures = pope_pictures();
  for (const PopeKind kind : {PopeKind::kRandom, PopeKind::kPopular, PopeKind::kAdversarial}) {
    const auto questions = pope_questions(pictures, kind, 1);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto& names = pictures[questions[i].picture];
      EXPECT_EQ(questions[i].yes, i % 2 == 0);
      EXPECT_EQ(std::find(names.begin(), names.end(), questions[i].object) != names.end(), questions[i].yes);
    }
    EXPECT_EQ(questions.size(), pope_questions(pictures, kind, 1).size());
  }
}

TEST(PopeQuestions, ChooseTheFrequentAndTheLikely) {
  const std::vector<std::vector<std::string>> pictures = {{"dog", "cat", "apple"}, {"car", "bus", "truck"},
                                                          {"car", "bus", "truck"}, {"dog", "leash"},
                                                          {"cat", "leash"},        {"apple", "leash"}};
  const auto popular = pope_questions(pictures, PopeKind::kPopular, 1);
  ASSERT_GE(popular.size(), 2u);
  EXPECT_EQ(popular[1].object, "leash");  // three pictures have it
  const auto likely = pope_questions(pictures, PopeKind::kAdversarial, 1);
  EXPECT_EQ(likely[1].object, "leash");
  const auto vowel = std::find_if(popular.begin(), popular.end(),
                                  [](const PopeQuestion& one) { return one.object == "apple"; });
  ASSERT_NE(vowel, popular.end());
  EXPECT_EQ(vowel->text, "Is there an apple in the image?");
}

}  // namespace
}  // namespace moonbeam::eval
