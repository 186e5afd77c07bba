#include "data/pipeline/reduce/s14_balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "data/pipeline/reduce/test_work.h"
#include "data/pipeline/reduce/text.h"

namespace moonbeam::pipeline {
namespace {

struct Made {
  std::vector<Pair> pairs;
  std::vector<BalanceRow> rows;

  void add(std::string type, std::string q, std::string a, std::string about = {}, double weight = 1) {
    Pair pair = test_pair(type + ":" + std::to_string(pairs.size()), std::move(q), std::move(a));
    pair.about = std::move(about);
    pair.weight = weight;
    rows.push_back(balance_row(pair, static_cast<std::uint32_t>(pairs.size()), "coco-0#query:" + pair.id));
    pairs.push_back(std::move(pair));
  }
  std::map<std::string, int> answers(const std::vector<Why>& why) const {
    std::map<std::string, int> out;
    for (std::size_t i = 0; i < why.size(); ++i) out[pairs[i].a_short] += why[i] == Why::kKept;
    return out;
  }
};

BalanceOptions only(double answer_share) {
  BalanceOptions options;
  options.template_share = 1;
  options.answer_share = answer_share;
  options.least = 0;
  return options;
}

TEST(QuestionShape, LeavesTheThingAndNumbersOpen) {
  EXPECT_EQ(question_shape("Is there an apple?", "apple"), "is there a _");
  EXPECT_EQ(question_shape("How many red cups are there?", "red cup"), "how many _ are there");
  EXPECT_EQ(question_shape("Are there 3 dogs?", "dog"), "are there # _");
  EXPECT_EQ(opener_of("What is in the middle?"), "what is in the");
}

TEST(CapOf, IsTheLargestThatKeepsItsShare) {
  const std::vector<std::int64_t> counts = {100, 10, 10, 10, 10};
  const std::int64_t cap = cap_of(counts, 0.25, 0);
  EXPECT_EQ(cap, 13);  // 13 of 53; 14 of 54 would be more
  EXPECT_EQ(cap_of(counts, 0.25, 50), 50);
  EXPECT_EQ(cap_of(counts, 1, 0), 100);
  EXPECT_EQ(cap_of({}, 0.5, 7), 7);
}

TEST(Balance, FewAnswersMayHaveTheirPart) {
  Made made;
  for (int i = 0; i < 400; ++i) {
    const char* sides[] = {"left", "right", "above", "below"};
    made.add("relation", "Where is thing " + std::to_string(i) + "?", sides[i % 4]);
  }
  const std::vector<Why> why = balance(made.rows, only(0.1));
  EXPECT_EQ(std::count(why.begin(), why.end(), Why::kKept), 400) << "a quarter each is no collapse";
}

TEST(Balance, AbsurdQuestionsAreFewOfThoseThatBeginLikeThem) {
  Made made;
  for (int i = 0; i < 90; ++i) made.add("where", "Where is the dog?", "place " + std::to_string(i), "dog");
  for (int i = 0; i < 60; ++i) made.add("premise", "Where is the cat?", "There is no cat.", "cat");
  for (int i = 0; i < 10; ++i) made.add("premise", "Who holds the cat?", "There is no cat.", "cat");
  BalanceOptions options = only(1);
  options.refusal_ratio = 0.5;
  const std::vector<Why> why = balance(made.rows, options);
  int kept = 0, alone = 0;
  for (std::size_t i = 90; i < why.size(); ++i) {
    (made.pairs[i].q[1] == 'h' && made.pairs[i].q[2] == 'e' ? kept : alone) += why[i] == Why::kKept;
  }
  EXPECT_EQ(kept, 45) << "one for each two that are answered";
  EXPECT_EQ(alone, 0) << "its words alone would tell it";
}

TEST(Balance, CapsAnswersOfAType) {
  Made made;
  for (int i = 0; i < 60; ++i) made.add("colour", "What color is thing " + std::to_string(i) + "?", "white");
  for (int i = 0; i < 100; ++i) {
    made.add("colour", "Which color has it?", "colour " + std::to_string(i % 10));
    made.add("count", "How many?", std::to_string(i % 2));
  }
  BalanceOptions options = only(0.1);
  options.least = 20;
  const std::vector<Why> why = balance(made.rows, options);
  const auto answers = made.answers(why);
  EXPECT_EQ(answers.at("white"), 20);  // 12 % of 113 is less, and 20 are never cut
  EXPECT_EQ(answers.at("colour 1"), 10);
  options.least = 0;
  EXPECT_EQ(made.answers(balance(made.rows, options)).at("white"), 13);
  // Two answers of counts cannot each have a quarter: no cut would help, unless all went.
}

TEST(Balance, EqualisesYesAndNoOfEachThingAndOpening) {
  Made made;
  const char* const things[] = {"dog", "cat", "person"};
  for (int i = 0; i < 300; ++i) {
    const std::string thing = things[i % 3];
    const bool yes = thing == "person" ? i % 10 != 0 : i % 3 == i % 2;
    made.add(yes ? "yesno" : "absent", (i % 7 < 4 ? "Is there a " : "Can you see the ") + thing + "?",
             yes ? "yes" : "No", thing);
  }
  const std::vector<Why> why = balance(made.rows, only(1));
  std::map<std::string, int> by_thing, by_opener;
  int kept = 0;
  for (std::size_t i = 0; i < why.size(); ++i) {
    if (why[i] != Why::kKept) continue;
    ++kept;
    const int sign = made.rows[i].yes == 1 ? 1 : -1;
    by_thing[made.pairs[i].about] += sign;
    by_opener[made.pairs[i].q.substr(0, 3)] += sign;
  }
  EXPECT_GT(kept, 100);
  for (const auto& [thing, sum] : by_thing) EXPECT_EQ(sum, 0) << thing;
  for (const auto& [opener, sum] : by_opener) EXPECT_LE(std::abs(sum), 2) << opener;
}

TEST(Balance, DrawsTheSameWhateverTheOrder) {
  Made made;
  for (int i = 0; i < 400; ++i) {
    made.add("what", "What is it?", i % 3 == 0 ? "dog" : "thing " + std::to_string(i), "",
             i % 2 == 0 ? 1 : 0.5);
  }
  std::vector<BalanceRow> reversed(made.rows.rbegin(), made.rows.rend());
  std::vector<Why> there = balance(made.rows, only(0.1)), back = balance(reversed, only(0.1));
  std::reverse(back.begin(), back.end());
  EXPECT_EQ(there, back);
  const auto thinned = std::count(there.begin(), there.end(), Why::kWeight);
  EXPECT_NEAR(static_cast<double>(thinned), 100, 30);
  BalanceOptions other = only(0.1);
  other.seed = 1;
  EXPECT_NE(balance(made.rows, other), there);
}

TEST(Balance, CapsAQuestionWithItsAnswer) {
  Made made;
  for (int i = 0; i < 50; ++i) made.add("what", "What is the dog doing?", "standing", "dog");
  for (int i = 0; i < 50; ++i)
    made.add("where", "Where is thing " + std::string(1, static_cast<char>('a' + i % 25)) + "x?", "left");
  BalanceOptions options = only(1);
  options.template_share = 0.1;
  const auto answers = made.answers(balance(made.rows, options));
  EXPECT_EQ(answers.at("standing"), 5);
  EXPECT_EQ(answers.at("left"), 50);
}

}  // namespace
}  // namespace moonbeam::pipeline
