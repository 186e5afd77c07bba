// Attention of every table against the scalar one.
#include <algorithm>

#include "base/text.h"
#include "kernels/testing.h"

namespace moonbeam::kernels::testing {
namespace {

class Attention : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, Attention, every_table(), table_name);

// `rows` queries at the end of `keys` positions: the first `prefix` positions see all of the prefix, later
// ones the past and themselves. Slots of the last block that hold no position are NaN.
struct Case {
  int rows, keys, width;
  std::ptrdiff_t stride;
  std::vector<int> visible;
  Padded q;
  std::vector<Padded> k, v;
  std::vector<KeyBlock> blocks;

  Case(int query_rows, int positions, int prefix, int head_width, Random random)
      : rows(query_rows),
        keys(positions),
        width(head_width),
        stride(head_width + 5),
        q(static_cast<std::size_t>(query_rows) * static_cast<std::size_t>(head_width + 5), random) {
    for (int r = 0; r < rows; ++r) visible.push_back(std::min(keys, std::max(prefix, keys - rows + r + 1)));
    const std::size_t size = static_cast<std::size_t>(kKeyBlock) * width;
    for (int first = 0; first < keys; first += kKeyBlock) {
      k.emplace_back(size);
      v.emplace_back(size);
      for (int slot = 0; slot < kKeyBlock && first + slot < keys; ++slot) {
        for (int i = 0; i < width; ++i) {
          k.back()[static_cast<std::size_t>(i) * kKeyBlock + slot] = 3 * random();
          v.back()[static_cast<std::size_t>(slot) * width + i] = random();
        }
      }
    }
    for (std::size_t b = 0; b < k.size(); ++b) blocks.push_back({k[b].data(), v[b].data()});
  }

  // Rows [first, first + count) on their own; [count, width].
  std::vector<float> run(const KernelTable& table, int first, int count) const {
    std::vector<float> scratch(attention_scratch(keys, width), std::nanf(""));
    Padded out(static_cast<std::size_t>((count - 1) * stride + width));
    table.attention(q.data() + first * stride, stride, count, blocks.data(), visible.data() + first, width,
                    1 / std::sqrt(static_cast<float>(width)), scratch.data(), out.data(), stride);
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

  // Scores are sums of `width` products of sizes up to 2 and 6; an error of a score is a relative error of
  // its weight.
  double tolerance() const {
    const double score = kEpsilon * (8 + std::sqrt(width)) * 2;
    return 2 * score + kEpsilon * (8 + std::sqrt(keys));
  }
};

TEST_P(Attention, MatchesScalarForEveryHeadWidthAndLength) {
  for (int width : {1, 7, 8, 16, 17, 32, 64, 72, 80, 128, 133}) {
    for (int keys : {1, 5, 15, 16, 17, 63, 64, 65, 129, 730}) {
      const int rows = std::min(keys, 13);
      const Case task(rows, keys, 0, width, Random(static_cast<std::uint64_t>(width * 1000 + keys)));
      expect_close(
          task.run(table(), 0, rows), task.run(kernels("scalar"), 0, rows),
          [&](std::size_t) { return task.tolerance(); }, base::cat("width ", width, ", ", keys, " keys"));
    }
  }
}

TEST_P(Attention, PrefixSeesAllOfItself) {
  const Case task(12, 12, 7, 64, Random(3));
  ASSERT_EQ(task.visible[0], 7);
  ASSERT_EQ(task.visible[11], 12);
  expect_close(
      task.run(table(), 0, 12), task.run(kernels("scalar"), 0, 12),
      [&](std::size_t) { return task.tolerance(); }, "prefix of 7");
}

TEST_P(Attention, RowHasTheSameBitsInAnyCompany) {
  for (int width : {64, 72}) {
    const Case task(20, 150, 0, width, Random(static_cast<std::uint64_t>(width)));
    const std::vector<float> all = task.run(table(), 0, task.rows);
    for (int first = 0; first < task.rows; ++first) {
      for (int count : {1, 2, 3, 7}) {
        if (first + count > task.rows) continue;
        expect_equal(task.run(table(), first, count),
                     {all.begin() + first * width, all.begin() + (first + count) * width},
                     base::cat("width ", width, ", rows ", first, " + ", count));
      }
    }
  }
}

TEST_P(Attention, SurvivesScoresFarApart) {
  Case task(6, 70, 70, 64, Random(4));
  for (int r = 0; r < task.rows; ++r) {
    for (int i = 0; i < task.width; ++i) task.q[static_cast<std::size_t>(r * task.stride + i)] *= 300;
  }
  const std::vector<float> got = task.run(table(), 0, task.rows);
  // 300 times the score, 300 times its error.
  expect_close(
      got, task.run(kernels("scalar"), 0, task.rows), [&](std::size_t) { return 300 * task.tolerance(); },
      "peaked");
}

}  // namespace
}  // namespace moonbeam::kernels::testing
