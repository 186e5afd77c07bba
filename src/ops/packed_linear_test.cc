// Linear layers with packed weights: how far they are from the f32 layer they were packed from (the bars of
// one layer), and what may not change the bits.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/text.h"
#include "kernels/testing.h"
#include "ops/linear.h"
#include "ops/packed_linear.h"
#include "tensor/packed.h"

namespace moonbeam::ops {
namespace {

using kernels::testing::expect_equal;
using kernels::testing::Random;
using tensor::DType;

constexpr DType kTypes[] = {DType::kInt8, DType::kInt4, DType::kBF16Packed};

std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(n);
  for (float& value : values) value = random();
  return values;
}

struct Layer {
  std::vector<float> weights, bias;
  base::Buffer<std::byte> packed;
  Linear linear;

  Layer(DType type, int n, int k, std::uint64_t seed)
      : weights(random_floats(static_cast<std::size_t>(n) * static_cast<std::size_t>(k), seed)),
        bias(random_floats(static_cast<std::size_t>(n), seed + 1)) {
    const tensor::PackedLayout layout = tensor::packed_layout(type, n, k);
    packed = base::Buffer<std::byte>(layout.bytes);
    for (int panel = 0; panel < layout.panels; ++panel) {
      const int first = panel * tensor::kPanelColumns;
      tensor::pack_panel(layout, panel, weights.data() + static_cast<std::ptrdiff_t>(first) * k,
                         std::min(tensor::kPanelColumns, n - first), packed.data());
    }
    linear = {{packed.data(), type, {n, k}}, bias.data()};
  }
};

// Relative L2 distance of the packed layer from the f32 one.
double relative_error(Context& context, const Layer& layer, const std::vector<float>& x, int rows) {
  const int n = layer.linear.out(), k = layer.linear.in();
  std::vector<float> got(static_cast<std::size_t>(rows) * static_cast<std::size_t>(n));
  linear(context, x.data(), rows, layer.linear, got.data());
  double error = 0, size = 0;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < n; ++c) {
      double sum = layer.bias[static_cast<std::size_t>(c)];
      for (int i = 0; i < k; ++i)
        sum += static_cast<double>(x[static_cast<std::size_t>(r * k + i)]) *
               layer.weights[static_cast<std::size_t>(c * k + i)];
      error += std::pow(sum - got[static_cast<std::size_t>(r * n + c)], 2);
      size += sum * sum;
    }
  }
  return std::sqrt(error / size);
}

class PackedLinear : public kernels::testing::EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, PackedLinear, kernels::testing::every_table(), kernels::testing::table_name);

double bar(DType type) {
  return type == DType::kBF16Packed ? 0.004 : type == DType::kInt8 ? 0.016 : 0.09 + 0.016;
}

TEST_P(PackedLinear, StaysWithinTheBarOfALayer) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  for (const DType type : kTypes) {
    for (const int rows : {1, 5, kDecodeRows, kDecodeRows + 1, 40}) {
      for (const auto& [n, k] : {std::pair{70, 147}, {130, 1152}}) {
        const Layer layer(type, n, k, 3);
        const std::vector<float> x = random_floats(static_cast<std::size_t>(rows * k), 4);
        EXPECT_LT(relative_error(context, layer, x, rows), bar(type))
            << tensor::info(type).name << " " << rows << " x " << k << " x " << n;
      }
    }
  }
}

// Values as GELU leaves them: never below -0.17.
TEST_P(PackedLinear, OneSidedActivationsStayWithinTheirBar) {
  base::ThreadPool pool(1);
  Context context(pool, table());
  const Layer layer(DType::kInt8, 64, 1152, 3);
  std::vector<float> x = random_floats(20 * 1152, 4);
  for (float& value : x) {
    value -= 1.5f;
    table().gelu(&value, 1);
  }
  EXPECT_LT(relative_error(context, layer, x, 20), 0.025);
}

TEST_P(PackedLinear, ThreadsDoNotChangeTheBits) {
  for (const DType type : kTypes) {
    const Layer layer(type, 200, 700, 1);
    for (const int rows : {1, 7, 200}) {
      const std::vector<float> x = random_floats(static_cast<std::size_t>(rows) * 700, 2);
      std::vector<float> first;
      for (const int threads : {1, 2, 3}) {
        base::ThreadPool pool(threads);
        Context context(pool, table());
        std::vector<float> out(static_cast<std::size_t>(rows) * 200, 1.0f);
        linear(context, x.data(), rows, layer.linear, out.data(), Epilogue::kAdd);
        if (threads == 1) first = out;
        expect_equal(out, first,
                     base::cat(tensor::info(type).name, " ", rows, " rows, ", threads, " threads"));
      }
    }
  }
}

TEST_P(PackedLinear, RowsGiveTheSameBitsInAnyCompany) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  for (const DType type : kTypes) {
    // int4 weights are widened for more than kDecodeRows rows, which rounds them anew.
    const int rows = type == DType::kInt4 ? kDecodeRows : 50;
    const Layer layer(type, 100, 320, 4);
    const std::vector<float> x = random_floats(static_cast<std::size_t>(rows) * 320, 5);
    std::vector<float> all(static_cast<std::size_t>(rows) * 100);
    linear(context, x.data(), rows, layer.linear, all.data(), Epilogue::kGelu);
    for (int some = 1; some < rows; some += 3) {
      const int first = rows - some;
      std::vector<float> out(static_cast<std::size_t>(some) * 100);
      linear(context, x.data() + static_cast<std::ptrdiff_t>(first) * 320, some, layer.linear, out.data(),
             Epilogue::kGelu);
      expect_equal(out, {all.begin() + static_cast<std::ptrdiff_t>(first) * 100, all.end()},
                   base::cat(tensor::info(type).name, " ", some, " rows"));
    }
  }
}

TEST_P(PackedLinear, SomeOutputsAreAsInTheWhole) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  for (const DType type : kTypes) {
    const Layer layer(type, 200, 144, 6);
    for (const int rows : {3, 20}) {
      const std::vector<float> x = random_floats(static_cast<std::size_t>(rows) * 144, 7);
      std::vector<float> all(static_cast<std::size_t>(rows) * 200);
      linear(context, x.data(), rows, layer.linear, all.data());
      for (const auto& [begin, count] : {std::pair{77, 90}, {64, 64}, {0, 1}, {199, 1}, {70, 5}}) {
        std::vector<float> part(static_cast<std::size_t>(rows * count));
        linear_rows(context, x.data(), rows, layer.linear, begin, count, part.data());
        for (int r = 0; r < rows; ++r) {
          expect_equal({part.begin() + r * count, part.begin() + (r + 1) * count},
                       {all.begin() + r * 200 + begin, all.begin() + r * 200 + begin + count},
                       base::cat(tensor::info(type).name, " ", begin, " + ", count));
        }
      }
    }
  }
}

TEST_P(PackedLinear, SeveralLayersAtOnceAreAsOneAfterAnother) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  for (const int rows : {1, 7, 40}) {
    const Layer a(DType::kInt8, 100, 96, 1), b(DType::kInt4, 200, 96, 2), c(DType::kBF16Packed, 100, 64, 3),
        d(DType::kInt8, 100, 200, 4);
    const std::vector<float> x = random_floats(static_cast<std::size_t>(rows) * 96, 5);
    const std::vector<float> y = random_floats(static_cast<std::size_t>(rows) * 64, 6);
    const auto floats = [&](int n) { return std::vector<float>(static_cast<std::size_t>(rows * n), 0.5f); };
    std::vector<float> out_a = floats(100), out_b = floats(200), sum = floats(100);
    const LinearTask first[] = {{x.data(), &a.linear, out_a.data()},
                                {x.data(), &b.linear, out_b.data(), Epilogue::kGelu}};
    linear(context, first, rows);
    const LinearTask second[] = {{y.data(), &c.linear, sum.data(), Epilogue::kAdd},
                                 {out_b.data(), &d.linear, sum.data(), Epilogue::kAdd}};
    linear(context, second, rows);

    std::vector<float> want_a = floats(100), want_b = floats(200), want = floats(100);
    linear(context, x.data(), rows, a.linear, want_a.data());
    linear(context, x.data(), rows, b.linear, want_b.data(), Epilogue::kGelu);
    linear(context, y.data(), rows, c.linear, want.data(), Epilogue::kAdd);
    linear(context, want_b.data(), rows, d.linear, want.data(), Epilogue::kAdd);
    expect_equal(out_a, want_a, base::cat(rows, " rows, first"));
    expect_equal(out_b, want_b, base::cat(rows, " rows, second"));
    expect_equal(sum, want, base::cat(rows, " rows, sum"));
  }
}

TEST_P(PackedLinear, MoreLayersThanAJobHoldsAreAddedInTheirOrder) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  const int rows = 3;
  std::vector<Layer> layers;
  for (std::uint64_t i = 0; i < 2 * kMostProducts + 1; ++i) layers.emplace_back(kTypes[i % 3], 70, 96, i);
  const std::vector<float> x = random_floats(rows * 96, 5);
  std::vector<float> sum(rows * 70, 0.5f), want = sum;
  std::vector<LinearTask> tasks;
  for (const Layer& layer : layers) tasks.push_back({x.data(), &layer.linear, sum.data(), Epilogue::kAdd});
  linear(context, tasks, rows);
  for (const Layer& layer : layers)
    linear(context, x.data(), rows, layer.linear, want.data(), Epilogue::kAdd);
  expect_equal(sum, want, "sum");
}

TEST_P(PackedLinear, LongSumsOfBf16AreTakenInParts) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  const Layer layer(DType::kBF16Packed, 66, 8192, 3);
  const std::vector<float> x = random_floats(8192 * 20, 4);
  EXPECT_LT(relative_error(context, layer, x, 20), 0.004);
}

}  // namespace
}  // namespace moonbeam::ops
