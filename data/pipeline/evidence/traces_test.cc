#include "data/pipeline/evidence/traces.h"

#include <gtest/gtest.h>

namespace moonbeam::pipeline {
namespace {

/// Words a second each; the mouse goes round the dog while it is spoken of, then round the cup.
data::Narrative narrative() {
  data::Narrative out;
  const char* words[] = {"we", "see", "a dog", "and", "a", "small", "cup"};
  double t = 0;
  for (const char* word : words) out.words.push_back({word, t, t + 1}), t += 1;
  std::vector<data::TracePoint> trace;
  for (int i = 0; i < 210; ++i) {
    const double at = i / 30.0;
    const double x = at < 3.6 ? 0.2 : 0.8, y = 0.5;
    trace.push_back({x + 0.05 * ((i % 5) - 2) / 2, y + 0.05 * ((i % 3) - 1), at});
  }
  out.traces = {trace};
  return out;
}

std::optional<PhraseTrace> phrase(const std::string& text, const std::string& words,
                                  const data::Narrative& said = narrative()) {
  const SpokenText spoken(text, said, {});
  const std::size_t at = text.find(words);
  return spoken.at(at, at + words.size());
}

TEST(Traces, APhraseHasTheBoxThatWasPointedAt) {
  const auto dog = phrase("We see a dog and a small cup.", "a dog");
  ASSERT_TRUE(dog);
  EXPECT_LT(dog->box[2], 0.3);
  EXPECT_GT(share_inside(dog->points, {0.1, 0.4, 0.3, 0.6}), 0.9);
  EXPECT_NEAR(dog->median[0], 0.2, 0.05);
  EXPECT_GT(dog->hull, 0.001);
  const auto cup = phrase("We see a dog and a small cup.", "a small cup");
  ASSERT_TRUE(cup);
  EXPECT_GT(cup->median[0], 0.7);
}

TEST(Traces, TheTextMayDifferFromWhatWasSaid) {
  const auto cup = phrase("A dog. There is also a tiny little cup here", "little cup");
  ASSERT_TRUE(cup);
  EXPECT_GT(cup->median[0], 0.7);
}

TEST(Traces, APoorTraceShowsNothing) {
  data::Narrative few = narrative();
  few.traces[0].resize(4);
  EXPECT_FALSE(phrase("we see a dog", "a dog", few));
  data::Narrative sparse = narrative();
  std::vector<data::TracePoint> kept;
  for (std::size_t i = 0; i < sparse.traces[0].size(); i += 6) kept.push_back(sparse.traces[0][i]);
  sparse.traces[0] = kept;
  EXPECT_FALSE(phrase("we see a dog", "a dog", sparse));
  data::Narrative wild = narrative();
  for (std::size_t i = 0; i < wild.traces[0].size(); ++i) {
    wild.traces[0][i].x = i % 2 == 0 ? -0.02 : 1.1;
    wild.traces[0][i].y = i % 4 < 2 ? -0.1 : 1;
  }
  EXPECT_FALSE(phrase("we see a dog", "a dog", wild)) << "everywhere";
  EXPECT_FALSE(phrase("we see a dog", "a dog", {}));
  EXPECT_FALSE(phrase("nothing of it at all", "nothing", {}));
}

TEST(Traces, HullOfASquare) {
  EXPECT_NEAR(hull_area({{0, 0}, {1, 0}, {1, 1}, {0, 1}, {.5, .5}, {.5, 0}}), 1, 1e-12);
  EXPECT_EQ(hull_area({{0, 0}, {1, 1}}), 0);
  EXPECT_NEAR(hull_area({{0, 0}, {1, 1}, {2, 2}}), 0, 1e-12);
}

}  // namespace
}  // namespace moonbeam::pipeline
