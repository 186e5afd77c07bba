#include "data/pipeline/report/monitors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/pipeline/report/eigenvalues.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {
namespace {

const std::vector<std::string> kLines = {"there is a red car on the street",
                                         "there is a blue car on the street", "a man holds a green umbrella",
                                         "there is a red car on the road"};

TEST(M1, MatchesTheVectors) {
  EXPECT_NEAR(distinct_n(kLines, 1), .466667, 1e-6);
  EXPECT_NEAR(distinct_n(kLines, 2), .576923, 1e-6);
  EXPECT_NEAR(distinct_n(kLines, 3), .636364, 1e-6);
  EXPECT_EQ(distinct_n({}, 1), 0);
}

TEST(M3, MatchesTheVector) {
  EXPECT_NEAR(compression_ratio(kLines), 126.0 / 77, 1e-9);
}

TEST(M5, MatchesTheVector) {
  EXPECT_NEAR(vendi_score({1, .9, .2, .9, 1, .2, .2, .2, 1}, 3), 2.116377, 1e-6);
}

TEST(M5, OfVectorsIsThatOfTheirKernel) {
  // Three of width two: the smaller matrix is used, with the same result.
  const double c = std::cos(0.5), s = std::sin(0.5);
  const std::vector<std::vector<float>> vectors = {
      {2, 0}, {0, 3}, {static_cast<float>(c), static_cast<float>(s)}, {0, 0}};
  EXPECT_NEAR(vendi_score(vectors), vendi_score({1, 0, c, 0, 1, s, c, s, 1}, 3), 1e-6);
  EXPECT_NEAR(vendi_score({{1, 0, 0}, {0, 1, 0}}), 2, 1e-9);
  EXPECT_NEAR(vendi_score({{1, 0}, {1, 0}, {1, 0}}), 1, 1e-9);
}

TEST(Eigenvalues, AreThoseOfMatricesThatAreKnown) {
  EXPECT_TRUE(symmetric_eigenvalues({}, 0).empty());
  EXPECT_EQ(symmetric_eigenvalues({7}, 1), std::vector<double>{7});
  const std::vector<double> two = symmetric_eigenvalues({2, 1, 1, 2}, 2);
  EXPECT_NEAR(two[0], 1, 1e-12);
  EXPECT_NEAR(two[1], 3, 1e-12);
  // The second difference of n points has 2 - 2 cos(k pi / (n + 1)).
  constexpr int n = 40;
  std::vector<double> chain(n * n, 0.0);
  for (int i = 0; i < n; ++i) {
    chain[i * n + i] = 2;
    if (i + 1 < n) chain[i * n + i + 1] = chain[(i + 1) * n + i] = -1;
  }
  const std::vector<double> values = symmetric_eigenvalues(chain, n);
  for (int k = 1; k <= n; ++k)
    EXPECT_NEAR(values[k - 1], 2 - 2 * std::cos(k * std::acos(-1.0) / (n + 1)), 1e-12);
}

TEST(Eigenvalues, KeepTraceAndSquaresOfAFullMatrix) {
  constexpr int n = 60;
  data::Stream stream(3, 0, 0, data::Part::kPipeline);
  std::vector<double> matrix(n * n);
  double trace = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) matrix[i * n + j] = matrix[j * n + i] = stream.uniform(-1, 1);
    trace += matrix[i * n + i];
  }
  for (const double value : matrix) squares += value * value;
  for (const double value : symmetric_eigenvalues(matrix, n)) {
    trace -= value;
    squares -= value * value;
  }
  EXPECT_NEAR(trace, 0, 1e-10);
  EXPECT_NEAR(squares, 0, 1e-9);
}

TEST(M2, IsOneOfEqualTextsAndNothingOfUnlikeOnes) {
  const std::vector<std::string> equal(3, "a red car on the street"), unlike = {"a b c d e", "f g h i j"};
  EXPECT_NEAR(self_bleu(equal), 1, 1e-12);
  EXPECT_EQ(self_bleu(unlike), 0);
  EXPECT_EQ(self_bleu({}), 0);
  // 5, 4, 3, 2 of 6, 5, 4, 3 runs, and both are equally long.
  const std::vector<std::string> near = {"one two three four five six", "one two three four five seven"};
  EXPECT_NEAR(self_bleu(near), std::pow(5.0 / 6 * 4 / 5 * 3 / 4 * 2 / 3, 0.25), 1e-12);
  // The shorter one is held against the longer: all its runs match, and its length counts.
  const std::vector<std::string> shorter = {"one two three four", "one two three four five six"};
  const double of_shorter = std::exp(1 - 6.0 / 4),
               of_longer = std::pow(4.0 / 6 * 3 / 5 * 2 / 4 * 1 / 3, 0.25);
  EXPECT_NEAR(self_bleu(shorter), (of_shorter + of_longer) / 2, 1e-12);
}

TEST(M4, CountsBeginnings) {
  const auto shares = opener_shares(kLines, 2);
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0], std::pair(std::string("there is a red"), 0.5));
  EXPECT_EQ(shares[1].second, 0.25);
}

TEST(M6, SeesNounsThatComeTooOften) {
  const std::vector<std::string> seeds = {"anvil", "ladder", "piano", "violin"};
  std::vector<std::string> nouns = seeds;
  EXPECT_NEAR(noun_shares(nouns, seeds).divergence, 0, 1e-12);
  const std::vector<std::string> dinosaurs(10, "dinosaur");
  nouns.insert(nouns.end(), dinosaurs.begin(), dinosaurs.end());
  const NounShares shares = noun_shares(nouns, seeds);
  EXPECT_EQ(shares.top[0].first, "dinosaur");
  EXPECT_NEAR(shares.top[0].second, 10.0 / 14, 1e-12);
  const double p = 10.0 / 14, q = 1.0 / 14;
  EXPECT_NEAR(shares.divergence, p * std::log(p * 5) + 4 * q * std::log(q * 5), 1e-12);
}

TEST(M7, MeasuresHowAnswersSpread) {
  const std::vector<std::string> answers = {"red", "red", "blue", "green"};
  const AnswerSpread spread = answer_spread(answers);
  EXPECT_NEAR(spread.entropy, 1.5 * std::log(2), 1e-12);
  EXPECT_EQ(spread.top, 0.5);
}

TEST(M10, IsTheLargestDistance) {
  EXPECT_EQ(length_distance({{1, 5}}, {{1, 500}}), 0);
  EXPECT_EQ(length_distance({{1, 5}}, {{2, 5}}), 1);
  EXPECT_NEAR(length_distance({{1, 2}, {2, 2}}, {{1, 1}, {2, 3}}), 0.25, 1e-12);
  EXPECT_EQ(length_distance({}, {{1, 1}}), 1);
}

}  // namespace
}  // namespace moonbeam::pipeline
