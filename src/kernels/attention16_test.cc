// bf16 attention and the storing of keys and values: every table against the scalar one, and that against
// f32.
#include <algorithm>

#include "base/text.h"
#include "kernels/testing.h"
#include "tensor/float16.h"

namespace moonbeam::kernels::testing {
namespace {

class Attention16 : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, Attention16, every_table(), table_name);

constexpr std::uint16_t kNan = 0x7fc0;

// `rows` queries at the end of `keys` positions: the first `prefix` positions see all of the prefix, later
// ones the past and themselves. Places that hold no position are NaN.
struct Case {
  int rows, keys, width;
  std::ptrdiff_t stride;
  std::vector<int> visible;
  Padded q, k, v;  // [rows or keys, stride]
  std::vector<std::vector<std::uint16_t>> memory;
  std::vector<MutableKeyBlock16> to;
  std::vector<KeyBlock16> blocks;

  Case(int query_rows, int positions, int prefix, int head_width, Random random)
      : rows(query_rows),
        keys(positions),
        width(head_width),
        stride(head_width + 5),
        q(static_cast<std::size_t>(query_rows) * static_cast<std::size_t>(head_width + 5), random),
        k(static_cast<std::size_t>(positions) * static_cast<std::size_t>(head_width + 5), random),
        v(static_cast<std::size_t>(positions) * static_cast<std::size_t>(head_width + 5), random) {
    for (int r = 0; r < rows; ++r) visible.push_back(std::min(keys, std::max(prefix, keys - rows + r + 1)));
    for (std::size_t i = 0; i < k.size(); ++i) k[i] *= 3;
    for (int first = 0; first < keys; first += kKeyBlock) {
      memory.emplace_back(key_elements(width) + value_elements(width), kNan);
    }
    for (auto& block : memory) {
      to.push_back({block.data(), block.data() + key_elements(width)});
      blocks.push_back({to.back().k, to.back().v});
    }
  }

  // `step` positions at a time.
  void store(const KernelTable& table, int step) {
    for (int first = 0; first < keys;) {
      const int slot = first % kKeyBlock;
      const int count = std::min({step, keys - first, kKeyBlock - slot});
      table.store_keys16(k.data() + first * stride, v.data() + first * stride, stride, count, width, slot,
                         to[static_cast<std::size_t>(first / kKeyBlock)]);
      first += count;
    }
  }

  // Rows [first, first + count) on their own; [count, width].
  std::vector<float> run(const KernelTable& table, int first, int count) const {
    std::vector<float> scratch(attention16_scratch(keys, width) + 16, std::nanf(""));
    Padded out(static_cast<std::size_t>((count - 1) * stride + width));
    table.attention16(q.data() + first * stride, stride, count, blocks.data(), visible.data() + first, width,
                      scale(), scratch.data(), out.data(), stride);
    EXPECT_TRUE(out.padding_is_whole()) << "width " << width;
    std::vector<float> dense;
    for (int r = 0; r < count; ++r) {
      dense.insert(dense.end(), out.data() + r * stride, out.data() + r * stride + width);
      for (int i = width; i < stride && r + 1 < count; ++i) {
        EXPECT_TRUE(std::isnan(out[static_cast<std::size_t>(r * stride + i)]));
      }
    }
    return dense;
  }

  // The same in double, of queries, keys and values that were never rounded.
  std::vector<float> exact() const {
    std::vector<float> out;
    for (int r = 0; r < rows; ++r) {
      std::vector<double> p;
      for (int j = 0; j < visible[static_cast<std::size_t>(r)]; ++j) {
        double score = 0;
        for (int i = 0; i < width; ++i) score += static_cast<double>(at(q, r, i)) * at(k, j, i);
        p.push_back(score * scale());
      }
      const double largest = *std::max_element(p.begin(), p.end());
      double sum = 0;
      for (double& x : p) sum += x = std::exp(x - largest);
      for (int i = 0; i < width; ++i) {
        double total = 0;
        for (std::size_t j = 0; j < p.size(); ++j) total += p[j] * at(v, static_cast<int>(j), i);
        out.push_back(static_cast<float>(total / sum));
      }
    }
    return out;
  }
  float at(const Padded& values, int row, int i) const {
    return values[static_cast<std::size_t>(row * stride + i)];
  }
  float scale() const { return 1 / std::sqrt(static_cast<float>(width)); }

  // Two tables round the same scores with errors of f32 alone, but a probability near the middle between two
  // bf16 values may go either way: 2^-8 of its share of the result. Shares fall by the square root of the
  // number of keys; values are up to 2.
  double tolerance() const {
    const double score = kEpsilon * (8 + std::sqrt(width)) * 2;
    return 2 * score + kEpsilon * (8 + std::sqrt(keys)) + 0x1p-8 * 2 / (4 + std::sqrt(keys));
  }
};

double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / norm);
}

TEST_P(Attention16, MatchesScalarForEveryHeadWidthAndLength) {
  for (int width : {1, 2, 7, 8, 16, 17, 32, 64, 72, 80, 96, 128, 133}) {
    for (int keys : {1, 2, 5, 15, 16, 17, 32, 33, 63, 64, 65, 81, 129, 730}) {
      const int rows = std::min(keys, 13);
      Case task(rows, keys, 0, width, Random(static_cast<std::uint64_t>(width * 1000 + keys)));
      task.store(kernels("scalar"), kKeyBlock);
      expect_close(
          task.run(table(), 0, rows), task.run(kernels("scalar"), 0, rows),
          [&](std::size_t) { return task.tolerance(); }, base::cat("width ", width, ", ", keys, " keys"));
    }
  }
}

// Most probabilities round alike in two tables, so that whole results lie much closer than single elements
// may.
TEST_P(Attention16, LiesWithinATenthOfTheRoundingOfScalar) {
  for (int width : {64, 72}) {
    Case task(64, 730, 730, width, Random(7));
    task.store(table(), kKeyBlock);
    EXPECT_LE(relative_error(task.run(table(), 0, 64), task.run(kernels("scalar"), 0, 64)), 4e-4) << width;
  }
}

TEST_P(Attention16, IsWithinHalfAPercentOfExactArithmetic) {
  for (int width : {64, 72}) {
    for (int keys : {64, 730}) {
      Case task(40, keys, keys, width, Random(8));
      task.store(table(), kKeyBlock);
      EXPECT_LE(relative_error(task.run(table(), 0, 40), task.exact()), 0.005)
          << "width " << width << ", " << keys << " keys";
    }
  }
}

TEST_P(Attention16, PrefixSeesAllOfItself) {
  Case task(12, 12, 7, 64, Random(3));
  task.store(table(), kKeyBlock);
  ASSERT_EQ(task.visible[0], 7);
  ASSERT_EQ(task.visible[11], 12);
  expect_close(
      task.run(table(), 0, 12), task.run(kernels("scalar"), 0, 12),
      [&](std::size_t) { return task.tolerance(); }, "prefix of 7");
}

TEST_P(Attention16, RowHasTheSameBitsInAnyCompany) {
  for (int width : {64, 72, 17}) {
    Case task(20, 151, 0, width, Random(static_cast<std::uint64_t>(width)));
    task.store(table(), kKeyBlock);
    const std::vector<float> all = task.run(table(), 0, task.rows);
    for (int first = 0; first < task.rows; ++first) {
      for (int count : {1, 2, 3, 4, 7}) {
        if (first + count > task.rows) continue;
        expect_equal(task.run(table(), first, count),
                     {all.begin() + first * width, all.begin() + (first + count) * width},
                     base::cat("width ", width, ", rows ", first, " + ", count));
      }
    }
  }
}

TEST_P(Attention16, SurvivesScoresFarApart) {
  Case task(6, 70, 70, 64, Random(4));
  for (std::size_t i = 0; i < task.q.size(); ++i) task.q[i] *= 300;
  task.store(table(), kKeyBlock);
  // A score of 1000 has an error of 1e-4, which is the relative error of its probability.
  EXPECT_LE(relative_error(task.run(table(), 0, 6), task.run(kernels("scalar"), 0, 6)), 2e-3);
}

TEST_P(Attention16, KeysAndValuesLieAsScalarLaysThem) {
  for (int width : {1, 7, 16, 33, 64, 72, 133}) {
    for (int step : {1, 2, 3, 13, 16, 17, 64}) {
      for (int keys : {1, 2, 15, 64, 70}) {
        Case expected(1, keys, 0, width, Random(5));
        Case got(1, keys, 0, width, Random(5));
        expected.store(kernels("scalar"), kKeyBlock);
        got.store(table(), step);
        ASSERT_EQ(got.memory, expected.memory) << "width " << width << ", " << keys << " by " << step;
      }
    }
  }
}

TEST(Attention16Layout, PutsPairsSideBySide) {
  Case task(1, 70, 0, 9, Random(6));
  task.store(kernels("scalar"), kKeyBlock);
  const auto half = [](float x) { return tensor::f32_to_bf16(x); };
  EXPECT_EQ(task.to[1].k[(1 * kKeyBlock + 5) * 2 + 1], half(task.at(task.k, 69, 3)));
  EXPECT_EQ(task.to[1].k[(4 * kKeyBlock + 5) * 2], half(task.at(task.k, 69, 8)));
  EXPECT_EQ(task.to[1].k[(4 * kKeyBlock + 5) * 2 + 1], 0);
  EXPECT_EQ(task.to[1].v[(2 * 16 + 8) * 2 + 1], half(task.at(task.v, 69, 8)));
  EXPECT_EQ(task.to[1].v[(3 * 16 + 8) * 2], kNan);
}

}  // namespace
}  // namespace moonbeam::kernels::testing
