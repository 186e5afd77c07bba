#include "data/scenes/noise.h"

#include <gtest/gtest.h>

namespace moonbeam::data {
namespace {

TEST(UserNoise, CallsNothingCleanThatItChanged) {
  int typos = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    Stream stream(1, 0, i, Part::kNoise);
    // One word is long enough for a typo, and no longer is where the first one takes a letter from it.
    std::string text = "is it red";
    const std::string profile = add_user_noise(text, "", stream);
    EXPECT_EQ(profile.empty() && text != "is it red", false) << text;
    typos += profile == "typo";
  }
  EXPECT_GT(typos, 500);
}

TEST(UserNoise, LeavesAloneWhatDecidesTheAnswer) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Stream stream(1, 0, i, Part::kNoise);
    std::string text = "is it red";
    EXPECT_NE(add_user_noise(text, "red", stream), "typo") << text;
  }
}

}  // namespace
}  // namespace moonbeam::data
