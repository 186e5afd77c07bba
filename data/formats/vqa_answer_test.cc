#include "data/formats/vqa_answer.h"

#include <gtest/gtest.h>

namespace moonbeam::data {
namespace {

TEST(NormalisedAnswer, MatchesTheVectors) {
  const std::pair<const char*, const char*> kVectors[] = {
      {"The Red, Car", "red car"},
      {"1,000", "1000"},
      {"1,000-2,000", "10002000"},
      {"two", "2"},
      {"none", "0"},
      {"semi-truck", "semi truck"},
      {"t-shirt and jeans", "t shirt and jeans"},
      {"dont", "don't"},
      {"10.5 ft.", "10.5 ft"},
      {"yes.", "yes"},
      {"U.S.A.", "usa"},
      {"Dr. Who", "dr who"},
      {"what?now", "what now"},
      {"half/half", "half half"},
      {"no_one", "no 1"},
      {"$5", "$5"},
      {"3:30 pm", "3:30 pm"},
      {"50%", "50%"},
      {"A man's dog", "man's dog"},
  };
  for (const auto& [text, expected] : kVectors) EXPECT_EQ(normalised_answer(text), expected) << text;
}

TEST(NormalisedAnswer, LooksAtMarksInTheTextAsItCame) {
  // One comma beside a space takes all commas away without a trace.
  EXPECT_EQ(normalised_answer("a,b, c"), "ab c");
  EXPECT_EQ(normalised_answer("red\n\tcar "), "red car");
  EXPECT_EQ(normalised_answer(""), "");
  EXPECT_EQ(normalised_answer("The"), "");
  EXPECT_EQ(normalised_answer(std::string(40, '.')), std::string(8, '.'));
}

TEST(NormalisedAnswer, KnowsTheReferencesContractions) {
  EXPECT_EQ(contractions().size(), 120u);
  EXPECT_EQ(normalised_answer("shouldntve"), "shouldntve");
  EXPECT_EQ(normalised_answer("shouldnt've"), "shouldn't've");
  EXPECT_EQ(normalised_answer("shed've"), "she'd've");
  EXPECT_EQ(normalised_answer("Im"), "im");  // an entry with a capital letter is never met
  EXPECT_EQ(normalised_answer("somebody'd"), "somebodyd");
}

TEST(NormalisedAnswer, DiffersWhereEvalAiDoes) {
  EXPECT_EQ(normalised_answer_evalai("1,000-2,000"), "1000 2000");
  EXPECT_EQ(normalised_answer_evalai("A man's dog?"), "man 's dog");
  EXPECT_EQ(normalised_answer_evalai("Two"), "2");
}

}  // namespace
}  // namespace moonbeam::data
