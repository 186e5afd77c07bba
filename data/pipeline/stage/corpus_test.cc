#include "data/pipeline/stage/corpus.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace moonbeam::pipeline {
namespace {

TEST(CorpusStats, CountsAPictureOnceForEachOfItsClasses) {
  CorpusStats stats;
  stats.add({"dog", "cat", "dog"});
  stats.add({"cat"});
  stats.add({});
  EXPECT_EQ(stats.pictures(), 3);
  EXPECT_EQ(stats.count("dog"), 1);
  EXPECT_EQ(stats.count("cat"), 2);
  EXPECT_EQ(stats.count("cow"), 0);
  EXPECT_EQ(stats.together("dog", "cat"), 1);
  EXPECT_EQ(stats.together("cat", "dog"), 1);
  EXPECT_EQ(stats.together("cat", "cow"), 0);
  EXPECT_EQ(CorpusStats::of(stats.json(), "plan.json").json(), stats.json());
  EXPECT_THROW(CorpusStats::of({{"pictures", 1}}, "plan.json"), Error);
}

}  // namespace
}  // namespace moonbeam::pipeline
