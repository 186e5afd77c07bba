// An adapter's product against a double loop, on every table.
#include "ops/low_rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/text.h"
#include "kernels/testing.h"

namespace moonbeam::ops {
namespace {

using kernels::testing::expect_close;
using kernels::testing::expect_equal;
using kernels::testing::kEpsilon;
using kernels::testing::Random;

std::vector<float> random_floats(int n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = random();
  return values;
}

// Owns its factors.
struct Adapter {
  int in, rank, out;
  std::vector<float> a = random_floats(rank * in, 1), b = random_floats(out * rank, 2);
  LowRank layer() const { return {linear(a, rank, in), linear(b, out, rank)}; }
  static Linear linear(const std::vector<float>& values, int n, int k) {
    return {{reinterpret_cast<const std::byte*>(values.data()), tensor::DType::kF32, {n, k}}, nullptr};
  }
};

class LowRankOnEveryTable : public kernels::testing::EveryTable {
 protected:
  std::vector<float> add(const Adapter& adapter, const std::vector<float>& x, int rows,
                         std::vector<float> out) {
    base::ThreadPool pool(2);
    Context context(pool, table());
    std::vector<float> inner(static_cast<std::size_t>(rows * adapter.rank));
    add_low_rank(context, x.data(), rows, adapter.layer(), inner.data(), out.data());
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Tables, LowRankOnEveryTable, kernels::testing::every_table(),
                         kernels::testing::table_name);

TEST_P(LowRankOnEveryTable, MatchesADoubleLoop) {
  for (const int rows : {1, 3, 16, 17, 40}) {
    for (const Adapter& adapter : {Adapter{.in = 128, .rank = 8, .out = 384},
                                   {.in = 33, .rank = 1, .out = 65},
                                   {.in = 64, .rank = 67, .out = 5}}) {
      const std::vector<float> x = random_floats(rows * adapter.in, 3);
      const std::vector<float> before = random_floats(rows * adapter.out, 4);
      std::vector<float> expected;
      for (int r = 0; r < rows; ++r) {
        for (int o = 0; o < adapter.out; ++o) {
          double sum = before[expected.size()];
          for (int j = 0; j < adapter.rank; ++j) {
            double inner = 0;
            for (int i = 0; i < adapter.in; ++i) {
              inner += static_cast<double>(x[static_cast<std::size_t>(r * adapter.in + i)]) *
                       adapter.a[static_cast<std::size_t>(j * adapter.in + i)];
            }
            sum += inner * adapter.b[static_cast<std::size_t>(o * adapter.rank + j)];
          }
          expected.push_back(static_cast<float>(sum));
        }
      }
      // Values have a deviation of about 0.6; so have the sums' terms, of which there are rank * in.
      const double size = std::sqrt(static_cast<double>(adapter.rank) * adapter.in);
      const double tolerance = kEpsilon * (16 + std::sqrt(adapter.in) + std::sqrt(adapter.rank)) * size;
      expect_close(
          add(adapter, x, rows, before), expected, [&](std::size_t) { return tolerance; },
          base::cat(rows, " rows, ", adapter.in, " to ", adapter.rank, " to ", adapter.out));
    }
  }
}

TEST_P(LowRankOnEveryTable, ARowHasTheBitsThatItHasAlone) {
  const Adapter adapter{.in = 128, .rank = 8, .out = 192};
  const std::vector<float> x = random_floats(16 * adapter.in, 5);
  const std::vector<float> before(static_cast<std::size_t>(16 * adapter.out), 1.0f);
  const std::vector<float> together = add(adapter, x, 16, before);
  const std::vector<float> last = add(adapter, {x.end() - adapter.in, x.end()}, 1,
                                      std::vector<float>(static_cast<std::size_t>(adapter.out), 1.0f));
  expect_equal({together.end() - adapter.out, together.end()}, last, "last row");
}

}  // namespace
}  // namespace moonbeam::ops
