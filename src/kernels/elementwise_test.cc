// Layer norm, GELU and add of every table against the scalar ones.
#include <algorithm>

#include "base/text.h"
#include "kernels/testing.h"

namespace moonbeam::kernels::testing {
namespace {

class Elementwise : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, Elementwise, every_table(), table_name);

constexpr int kRows = 3;

// What a sum of `width` terms of a row of size `largest` may be off by, after the division by the deviation.
double norm_tolerance(int width, float largest, float deviation) {
  return kEpsilon * (8 + std::sqrt(width)) * (1 + largest / deviation);
}

TEST_P(Elementwise, LayerNormMatchesScalarAroundTheVectorLength) {
  for (int width : kSizes) {
    for (float eps : {1e-5f, 1e-6f}) {
      Random random(static_cast<std::uint64_t>(width));
      Padded x(static_cast<std::size_t>(kRows) * width, random);
      Padded weight(width, random);
      Padded bias(width, random);
      for (int i = 0; i < width; ++i) x[static_cast<std::size_t>(width) + i] *= 1e-3f;  // where eps matters
      for (int i = 0; i < width; ++i) x[static_cast<std::size_t>(2) * width + i] += 3;
      Padded expected(x.size());
      Padded got(x.size());
      kernels("scalar").layer_norm(x.data(), weight.data(), bias.data(), expected.data(), kRows, width, eps);
      table().layer_norm(x.data(), weight.data(), bias.data(), got.data(), kRows, width, eps);
      // The rows' smallest deviation is that of eps alone (width 1).
      const auto tolerance = [&](std::size_t i) {
        const int row = static_cast<int>(i) / width;
        float deviation = std::sqrt(eps);
        float largest = 0;
        for (int c = 0; c < width; ++c) {
          largest = std::max(largest, std::abs(x[static_cast<std::size_t>(row) * width + c]));
        }
        if (width > 1) deviation = std::max(deviation, row == 1 ? 3e-4f : 0.3f * std::min(1.0f, largest));
        return norm_tolerance(width, largest, deviation);
      };
      const std::string what = base::cat("layer norm of width ", width);
      expect_close(got.values(), expected.values(), tolerance, what);
      EXPECT_TRUE(got.padding_is_whole()) << what;

      table().layer_norm(x.data(), weight.data(), bias.data(), x.data(), kRows, width, eps);
      expect_equal(x.values(), got.values(), what + " in place");
    }
  }
}

TEST_P(Elementwise, LayerNormRowDoesNotDependOnTheOthers) {
  constexpr int kWidth = 144;
  Random random(1);
  Padded x(kRows * kWidth, random);
  Padded weight(kWidth, random);
  Padded bias(kWidth, random);
  Padded together(x.size());
  Padded alone(x.size());
  table().layer_norm(x.data(), weight.data(), bias.data(), together.data(), kRows, kWidth, 1e-5f);
  for (int r = 0; r < kRows; ++r) {
    table().layer_norm(x.data() + r * kWidth, weight.data(), bias.data(), alone.data() + r * kWidth, 1,
                       kWidth, 1e-5f);
  }
  expect_equal(alone.values(), together.values(), "layer norm row by row");
}

// An ulp of the argument of e^.. is |argument| ulp of the result where the result is about e^..: on the far
// left.
double gelu_tolerance(float x, float y) {
  const double argument = std::abs(1.6 * x * (1 + 0.045 * x * x));
  return kEpsilon * std::abs(y) * (3 + (x < 0 ? 2 * argument : 0)) + 1e-37;
}

TEST_P(Elementwise, GeluIsWithinAFewUlpOfTheTanhFormEverywhere) {
  std::vector<float> x;
  for (int i = -90000; i <= 90000; ++i) x.push_back(static_cast<float>(i) * 1e-4f);
  for (float far : {-1e30f, -1000.0f, -30.0f, 30.0f, 1000.0f, 1e10f, 0.0f, -0.0f, 1e-30f, -1e-30f})
    x.push_back(far);
  std::vector<float> expected = x;
  std::vector<float> got = x;
  kernels("scalar").gelu(expected.data(), static_cast<int>(x.size()));
  table().gelu(got.data(), static_cast<int>(x.size()));
  // Past -10 both are nothing: at most what e^-87 leaves of x.
  const auto tolerance = [&](std::size_t i) {
    return gelu_tolerance(x[i], expected[i]) + (x[i] < -9 ? std::abs(x[i]) * 2e-37 : 0);
  };
  expect_close(got, expected, tolerance, "gelu");
}

TEST_P(Elementwise, GeluKeepsNaN) {
  std::vector<float> x(19, 1.0f);
  x[3] = x[18] = std::nanf("");
  table().gelu(x.data(), static_cast<int>(x.size()));
  EXPECT_TRUE(std::isnan(x[3]));
  EXPECT_TRUE(std::isnan(x[18]));
  EXPECT_FALSE(std::isnan(x[4]));
}

TEST_P(Elementwise, GeluTouchesItsOwnValuesOnly) {
  for (int n : kSizes) {
    Random random(static_cast<std::uint64_t>(n));
    Padded got(n, random);
    std::vector<float> expected = got.values();
    kernels("scalar").gelu(expected.data(), n);
    const std::vector<float> x = got.values();
    table().gelu(got.data(), n);
    expect_close(
        got.values(), expected, [&](std::size_t i) { return gelu_tolerance(x[i], expected[i]); },
        base::cat("gelu of ", n));
    EXPECT_TRUE(got.padding_is_whole()) << n;
  }
}

TEST_P(Elementwise, AddEqualsScalar) {
  for (int n : kSizes) {
    Random random(static_cast<std::uint64_t>(n));
    const Padded x(n, random);
    Padded got(n, random);
    std::vector<float> expected = got.values();
    kernels("scalar").add(x.data(), expected.data(), n);
    table().add(x.data(), got.data(), n);
    expect_equal(got.values(), expected, base::cat("add of ", n));
    EXPECT_TRUE(got.padding_is_whole()) << n;
  }
}

}  // namespace
}  // namespace moonbeam::kernels::testing
