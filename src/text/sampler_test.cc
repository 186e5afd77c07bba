#include "text/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "text/test_tokenizers.h"

namespace moonbeam::text {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// f32 tensors of the operator goldens, by name.
std::vector<float> golden(const std::string& name) {
  static const std::string file = testing::read_text("tests/goldens/ops/ops.safetensors");
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  static const auto entries = nlohmann::json::parse(file.substr(8, header));
  const std::size_t begin = entries.at(name).at("data_offsets").at(0),
                    end = entries.at(name).at("data_offsets").at(1);
  std::vector<float> values((end - begin) / 4);
  std::memcpy(values.data(), file.data() + 8 + header + begin, end - begin);
  return values;
}

TEST(Sampler, FiltersAsTheReferenceDoes) {
  struct Case {
    const char* name;
    float temperature, top_p;
  };
  const auto logits = golden("topp_logits");
  for (const Case& c : {Case{"topp_T0.5_p0.3", 0.5f, 0.3f}, Case{"topp_T0.2_p0.95", 0.2f, 0.95f},
                        Case{"topp_T1.0_p0.0", 1.0f, 0.0f}, Case{"topp_T1.0_p0.9", 1.0f, 0.9f},
                        Case{"topp_T1.0_p1.0", 1.0f, 1.0f}}) {
    const auto expected = golden(c.name);
    ASSERT_EQ(expected.size(), 6u * 64u);
    for (std::size_t row = 0; row < 6; ++row) {
      std::vector<float> ours(64);
      ASSERT_TRUE(
          filtered_probabilities(std::span(logits).subspan(row * 64, 64), c.temperature, c.top_p, ours));
      std::vector<float> theirs(expected.begin() + static_cast<std::ptrdiff_t>(row * 64),
                                expected.begin() + static_cast<std::ptrdiff_t>(row * 64 + 64));
      // Which of equal entries survive is up to the sort: compare sorted.
      std::sort(ours.begin(), ours.end());
      std::sort(theirs.begin(), theirs.end());
      for (std::size_t i = 0; i < 64; ++i) {
        EXPECT_NEAR(ours[i], theirs[i], 1e-6f + 1e-5f * theirs[i])
            << c.name << " row " << row << " rank " << i;
        EXPECT_EQ(ours[i] == 0.0f, theirs[i] == 0.0f) << c.name << " row " << row << " rank " << i;
      }
    }
  }
}

TEST(Sampler, TakesTheLowestIdAmongEqualsWhenGreedy) {
  Sampler greedy({});
  EXPECT_EQ(greedy.sample(std::vector<float>{1, 3, 3, 2}), 1);
  EXPECT_EQ(greedy.sample(std::vector<float>{-kInf, -5, -kInf}), 1);
  EXPECT_EQ(greedy.sample(std::vector<float>{-kInf, -3e38f}), 1);
}

TEST(Sampler, ReportsLogitsThatNothingCanBeDrawnFrom) {
  for (const float temperature : {0.0f, 0.7f}) {
    Sampler sampler({.temperature = temperature, .top_p = 0.9f});
    EXPECT_EQ(sampler.sample(std::vector<float>{1, kNan, 2}), Sampler::kNoToken);
    EXPECT_EQ(sampler.sample(std::vector<float>{kNan}), Sampler::kNoToken);
    EXPECT_EQ(sampler.sample(std::vector<float>{1, kInf}), Sampler::kNoToken);
    EXPECT_EQ(sampler.sample(std::vector<float>{-kInf, -kInf}), Sampler::kNoToken);
    EXPECT_EQ(sampler.sample(std::vector<float>{}), Sampler::kNoToken);
    EXPECT_EQ(sampler.sample(std::vector<float>{-kInf, 1}), 1) << "and goes on";
  }
}

TEST(Sampler, DrawsEachTokenAsOftenAsItsProbabilitySays) {
  const std::vector<float> logits{0.0f, std::log(2.0f), -kInf, std::log(5.0f)};
  for (const float top_p : {1.0f, 0.999f}) {
    Sampler sampler({.temperature = 1.0f, .top_p = top_p, .seed = 11});
    int counts[4] = {};
    constexpr int kDraws = 80'000;
    for (int i = 0; i < kDraws; ++i) ++counts[sampler.sample(logits)];
    // Four standard deviations of a share of 5/8 are 0.007.
    EXPECT_NEAR(counts[0] / double{kDraws}, 1 / 8.0, 0.007);
    EXPECT_NEAR(counts[1] / double{kDraws}, 2 / 8.0, 0.007);
    EXPECT_NEAR(counts[3] / double{kDraws}, 5 / 8.0, 0.007);
    EXPECT_EQ(counts[2], 0);
  }
}

TEST(Sampler, NeverDrawsWhatTopPRemoved) {
  std::vector<float> logits(51200), kept(51200);
  RandomGenerator random(5);
  for (float& logit : logits) logit = static_cast<float>(6 * random.uniform());
  // 0.5 of so flat a distribution is thousands of tokens: more than is sorted at first.
  ASSERT_TRUE(filtered_probabilities(logits, 1.0f, 0.5f, kept));
  const auto survivors = std::count_if(kept.begin(), kept.end(), [](float p) { return p > 0; });
  EXPECT_GT(survivors, 1000);
  EXPECT_LT(survivors, 20'000);
  float lowest_kept = kInf, highest_dropped = -kInf;
  double sum = 0;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    sum += kept[id];
    if (kept[id] > 0) lowest_kept = std::min(lowest_kept, logits[id]);
    if (kept[id] == 0) highest_dropped = std::max(highest_dropped, logits[id]);
  }
  EXPECT_GE(lowest_kept, highest_dropped);
  EXPECT_NEAR(sum, 1.0, 1e-4);
  Sampler sampler({.temperature = 1.0f, .top_p = 0.5f, .seed = 1});
  for (int i = 0; i < 50; ++i) EXPECT_GT(kept[static_cast<std::size_t>(sampler.sample(logits))], 0.0f);
}

TEST(Sampler, KeepsOneTokenAtTopPZeroAndAtTinyTemperatures) {
  const std::vector<float> logits{1, 4, 4, 3};
  Sampler none({.temperature = 1.0f, .top_p = 0.0f});
  Sampler cold({.temperature = 1e-30f, .top_p = 0.5f});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(none.sample(logits), 1);
    EXPECT_EQ(cold.sample(std::vector<float>{1, 4, 3.99f, 3}), 1);
  }
}

TEST(Sampler, RepeatsItselfWithASeedAndDiffersWithAnother) {
  const std::vector<float> logits(100, 0.0f);
  const auto run = [&](std::uint64_t seed) {
    Sampler sampler({.temperature = 1.0f, .top_p = 0.9f, .seed = seed});
    std::vector<int> ids;
    for (int i = 0; i < 32; ++i) ids.push_back(sampler.sample(logits));
    return ids;
  };
  EXPECT_EQ(run(42), run(42));
  EXPECT_NE(run(42), run(43));
}

// splitmix64 and xoshiro256** by their published definitions, in Python with whole numbers.
TEST(RandomGenerator, GivesTheSameNumbersOnEveryMachine) {
  RandomGenerator random(0);
  EXPECT_EQ(random.next(), 0x99EC5F36CB75F2B4ull);
  EXPECT_EQ(random.next(), 0xBF6E1F784956452Aull);
  EXPECT_EQ(random.next(), 0x1A5F849D4933E6E0ull);
  RandomGenerator other(0);
  EXPECT_EQ(other.uniform(), 0x1.33D8BE6D96EBEp-1);
}

TEST(SamplingOptions, AreChecked) {
  for (const SamplingOptions& bad : {SamplingOptions{.temperature = -1}, SamplingOptions{.temperature = kNan},
                                     SamplingOptions{.temperature = kInf}, SamplingOptions{.top_p = -0.1f},
                                     SamplingOptions{.top_p = 1.1f}, SamplingOptions{.top_p = kNan}}) {
    try {
      const Sampler sampler(bad);
      ADD_FAILURE() << bad.temperature << " " << bad.top_p;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
  std::vector<float> out(2);
  EXPECT_THROW(filtered_probabilities(std::vector<float>(3), 1.0f, 1.0f, out), Error);
  EXPECT_FALSE(filtered_probabilities(std::vector<float>{kNan, 0}, 1.0f, 1.0f, out));
}

}  // namespace
}  // namespace moonbeam::text
