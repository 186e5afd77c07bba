// What the tests of the kernels share: seeded numbers, arrays with poison around them, the worst element.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace moonbeam::kernels::testing {

inline constexpr float kEpsilon = std::numeric_limits<float>::epsilon();

/// Round the vector lengths of 8 and 16, and the widths of the model.
inline const std::vector<int> kSizes = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 72, 144, 588, 1152};

/// Seeded, about normal: the sum of four uniform numbers.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  float operator()() {
    float sum = 0;
    for (int i = 0; i < 4; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      sum += static_cast<float>(state_ >> 40) / 16777216.0f - 0.5f;
    }
    return sum;
  }

 private:
  std::uint64_t state_;
};

/// Floats with NaN before and after them: a kernel that uses what is not its own shows it.
class Padded {
 public:
  static constexpr std::size_t kPad = 80;
  explicit Padded(std::size_t size) : size_(size), all_(size + 2 * kPad, std::nanf("")) {}
  Padded(std::size_t size, Random& random) : Padded(size) {
    for (std::size_t i = 0; i < size; ++i) data()[i] = random();
  }
  float* data() { return all_.data() + kPad; }
  const float* data() const { return all_.data() + kPad; }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data()[i]; }
  float operator[](std::size_t i) const { return data()[i]; }
  std::vector<float> values() const { return {data(), data() + size_}; }
  bool padding_is_whole() const {
    for (std::size_t i = 0; i < kPad; ++i) {
      if (!std::isnan(all_[i]) || !std::isnan(all_[kPad + size_ + i])) return false;
    }
    return true;
  }

 private:
  std::size_t size_;
  std::vector<float> all_;
};

/// Each element of `got` within tolerance(i) of `expected`; a failure names the worst one.
inline void expect_close(const std::vector<float>& got, const std::vector<float>& expected,
                         const std::function<double(std::size_t)>& tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    double ratio = std::abs(static_cast<double>(got[i]) - expected[i]) / tolerance(i);
    if (std::isnan(ratio)) ratio = std::numeric_limits<double>::infinity();
    if (ratio > worst) {
      worst = ratio;
      at = i;
    }
  }
  EXPECT_LE(worst, 1.0) << what << ": worst element " << at << " of " << got.size() << ": expected "
                        << expected[at] << " +- " << tolerance(at) << ", got " << got[at];
}

/// The same bits.
inline void expect_equal(const std::vector<float>& got, const std::vector<float>& expected,
                         const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &expected[i], sizeof(float)) != 0) {
      FAIL() << what << ": element " << i << " of " << got.size() << ": expected " << expected[i] << ", got "
             << got[i];
    }
  }
}

/// A test that runs on every table of this CPU.
class EveryTable : public ::testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table() const { return *GetParam(); }
};
inline std::string table_name(const ::testing::TestParamInfo<const KernelTable*>& info) {
  return std::string(info.param->isa);
}
inline auto every_table() {
  return ::testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end());
}

}  // namespace moonbeam::kernels::testing
