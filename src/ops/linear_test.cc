// Linear layers against a double loop, for every table, type and epilogue; and what may not change the bits.
#include "ops/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.h"
#include "kernels/testing.h"
#include "tensor/float16.h"

namespace moonbeam::ops {
namespace {

using kernels::testing::expect_close;
using kernels::testing::expect_equal;
using kernels::testing::kEpsilon;
using kernels::testing::Random;
using tensor::DType;

std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(n);
  for (float& value : values) value = random();
  return values;
}

// Types that weights come in: the floats with kernels of their own, and every quantised type that can be
// read.
std::vector<DType> weight_types() {
  std::vector<DType> types = {DType::kF32, DType::kBF16, DType::kF16};
  for (const tensor::DTypeInfo& info : tensor::dtypes()) {
    if (info.block > 1 && info.dequantize) types.push_back(info.type);
  }
  return types;
}

// Random bytes make every quantised block valid but for its f16 scales, which are set to something sane: two
// at the start, but one at the end of q6_k.
std::vector<std::byte> random_blocks(DType type, std::int64_t count, std::uint64_t seed) {
  const tensor::DTypeInfo& info = tensor::info(type);
  Random random(seed);
  std::vector<std::byte> bytes(static_cast<std::size_t>(count / info.block * info.bytes));
  if (info.block == 1) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = random();
      const std::uint16_t half =
          type == DType::kBF16 ? tensor::f32_to_bf16(value) : tensor::f32_to_f16(value);
      std::memcpy(bytes.data() + i * info.bytes,
                  type == DType::kF32 ? static_cast<const void*>(&value) : &half,
                  static_cast<std::size_t>(info.bytes));
    }
    return bytes;
  }
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(static_cast<int>(random() * 1e6f) & 0xff);
  const std::uint16_t scales[2] = {tensor::f32_to_f16(0.01f), tensor::f32_to_f16(0.02f)};
  const bool two =
      type == DType::kQ4_1 || type == DType::kQ5_1 || type == DType::kQ4_K || type == DType::kQ5_K;
  for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(info.bytes)) {
    std::memcpy(bytes.data() + at + (type == DType::kQ6_K ? info.bytes - 2 : 0), scales, two ? 4 : 2);
  }
  return bytes;
}

// A layer that owns its tensors; the weights lie at an odd address.
struct Layer {
  std::vector<std::byte> bytes;
  std::vector<float> bias;
  std::vector<float> weights;  // widened
  Linear linear;

  Layer(DType type, int n, int k, std::uint64_t seed)
      : bias(random_floats(static_cast<std::size_t>(n), seed + 1)) {
    bytes = random_blocks(type, static_cast<std::int64_t>(n) * k, seed);
    bytes.insert(bytes.begin(), std::byte{0});
    linear = {{bytes.data() + 1, type, {n, k}}, bias.data()};
    weights.resize(static_cast<std::size_t>(n) * k);
    tensor::info(type).dequantize(linear.weight.data, weights.data(), static_cast<std::int64_t>(n) * k);
  }
};

double gelu(double v) {
  return v / (1 + std::exp(-1.5957691216057308 * (v + 0.044715 * v * v * v)));
}

struct Expected {
  std::vector<float> values;
  std::vector<double> tolerance;
};

Expected double_loop(const std::vector<float>& x, int rows, const Layer& layer,
                     const std::vector<float>& before, Epilogue epilogue) {
  const int k = layer.linear.in();
  const int n = layer.linear.out();
  Expected expected;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < n; ++c) {
      double sum = layer.bias[static_cast<std::size_t>(c)];
      double squares = sum * sum;
      for (int i = 0; i < k; ++i) {
        const double product = static_cast<double>(x[static_cast<std::size_t>(r) * k + i]) *
                               layer.weights[static_cast<std::size_t>(c) * k + i];
        sum += product;
        squares += product * product;
      }
      double error = kEpsilon * (8 + std::sqrt(k)) * std::sqrt(squares);
      if (epilogue == Epilogue::kGelu) {
        sum = gelu(sum);
        error = 1.2 * error + 4 * kEpsilon * std::abs(sum);  // GELU is nowhere steeper than 1.13
      }
      if (epilogue == Epilogue::kAdd) {
        sum += before[expected.values.size()];
        error += kEpsilon * std::abs(sum);
      }
      expected.values.push_back(static_cast<float>(sum));
      expected.tolerance.push_back(error);
    }
  }
  return expected;
}

class LinearOnEveryTable : public kernels::testing::EveryTable {
 protected:
  void expect_double_loop(DType type, int rows, int k, int n, Epilogue epilogue) {
    base::ThreadPool pool(2);
    Context context(pool, table());
    const Layer layer(type, n, k, static_cast<std::uint64_t>(k + n));
    const std::vector<float> x =
        random_floats(static_cast<std::size_t>(rows) * k, static_cast<std::uint64_t>(rows));
    const std::vector<float> before = random_floats(static_cast<std::size_t>(rows) * n, 3);
    std::vector<float> out = before;
    linear(context, x.data(), rows, layer.linear, out.data(), epilogue);
    const Expected expected = double_loop(x, rows, layer, before, epilogue);
    expect_close(
        out, expected.values, [&](std::size_t i) { return expected.tolerance[i]; },
        base::cat(tensor::info(type).name, " ", rows, " x ", k, " x ", n, " epilogue ",
                  static_cast<int>(epilogue)));
  }
};
INSTANTIATE_TEST_SUITE_P(Tables, LinearOnEveryTable, kernels::testing::every_table(),
                         kernels::testing::table_name);

constexpr Epilogue kEpilogues[] = {Epilogue::kStore, Epilogue::kGelu, Epilogue::kAdd};

TEST_P(LinearOnEveryTable, EqualsADoubleLoopForFewAndManyRows) {
  for (int rows : {1, 2, 4, 5, kDecodeRows, kDecodeRows + 1, 23, 61}) {
    for (int n : {1, 63, 130}) {
      for (Epilogue epilogue : kEpilogues) expect_double_loop(DType::kF32, rows, 147, n, epilogue);
    }
  }
}

TEST_P(LinearOnEveryTable, ReadsEveryTypeWhereItLies) {
  for (DType type : weight_types()) {
    for (int rows : {1, 6, 20}) {
      for (Epilogue epilogue : kEpilogues) expect_double_loop(type, rows, 256, 70, epilogue);
    }
  }
}

TEST_P(LinearOnEveryTable, GoesOnFromOneBlockOfTheSumToTheNext) {
  for (DType type : {DType::kF32, DType::kBF16, DType::kQ4_K}) {
    for (Epilogue epilogue : kEpilogues) expect_double_loop(type, 30, 2304, 66, epilogue);
  }
}

TEST_P(LinearOnEveryTable, TakesMoreRowsThanArePackedAtATime) {
  for (Epilogue epilogue : kEpilogues) expect_double_loop(DType::kF32, 1600, 9, 5, epilogue);
}

TEST_P(LinearOnEveryTable, ThreadsDoNotChangeTheBits) {
  const Layer layer(DType::kBF16, 200, 1500, 1);
  for (int rows : {1, 7, 200}) {
    const std::vector<float> x = random_floats(static_cast<std::size_t>(rows) * 1500, 2);
    std::vector<float> first;
    for (int threads : {1, 2, 3}) {
      base::ThreadPool pool(threads);
      Context context(pool, table());
      std::vector<float> out(static_cast<std::size_t>(rows) * 200, 1.0f);
      linear(context, x.data(), rows, layer.linear, out.data(), Epilogue::kAdd);
      if (threads == 1) first = out;
      expect_equal(out, first, base::cat(rows, " rows, ", threads, " threads"));
    }
  }
}

TEST_P(LinearOnEveryTable, FewRowsGiveTheSameBitsInAnyCompany) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  for (DType type : {DType::kF32, DType::kBF16, DType::kQ8_0}) {
    const Layer layer(type, 37, 320, 4);
    const std::vector<float> x = random_floats(kDecodeRows * 320, 5);
    std::vector<float> all(kDecodeRows * 37);
    linear(context, x.data(), kDecodeRows, layer.linear, all.data(), Epilogue::kGelu);
    for (int rows = 1; rows < kDecodeRows; ++rows) {
      const int first = kDecodeRows - rows;  // a different place in the groups each time
      std::vector<float> some(static_cast<std::size_t>(rows) * 37);
      linear(context, x.data() + first * 320, rows, layer.linear, some.data(), Epilogue::kGelu);
      expect_equal(some, {all.begin() + first * 37, all.end()}, base::cat(rows, " rows"));
    }
  }
}

TEST_P(LinearOnEveryTable, ManyRowsGiveTheSameBitsInAnyCompany) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  const Layer layer(DType::kF32, 70, 1100, 4);
  const std::vector<float> x = random_floats(100 * 1100, 5);
  std::vector<float> all(100 * 70);
  std::vector<float> some(41 * 70);
  linear(context, x.data(), 100, layer.linear, all.data());
  linear(context, x.data() + 59 * 1100, 41, layer.linear, some.data());
  expect_equal(some, {all.begin() + 59 * 70, all.end()}, "41 of 100 rows");
}

TEST_P(LinearOnEveryTable, SomeOutputsAreAsInTheWhole) {
  base::ThreadPool pool(2);
  Context context(pool, table());
  const Layer layer(DType::kBF16, 200, 144, 6);
  for (int rows : {3, 20}) {
    const std::vector<float> x = random_floats(static_cast<std::size_t>(rows) * 144, 7);
    std::vector<float> all(static_cast<std::size_t>(rows) * 200);
    linear(context, x.data(), rows, layer.linear, all.data());
    std::vector<float> part(static_cast<std::size_t>(rows) * 90);
    linear_rows(context, x.data(), rows, layer.linear, 77, 90, part.data());
    for (int r = 0; r < rows; ++r) {
      expect_equal({part.begin() + r * 90, part.begin() + (r + 1) * 90},
                   {all.begin() + r * 200 + 77, all.begin() + r * 200 + 167}, base::cat("row ", r));
    }
  }
}

TEST_P(LinearOnEveryTable, NoBiasIsZeroBias) {
  base::ThreadPool pool(1);
  Context context(pool, table());
  Layer layer(DType::kF32, 70, 65, 6);
  layer.bias.assign(70, 0.0f);
  const std::vector<float> x = random_floats(20 * 65, 7);
  for (int rows : {2, 20}) {
    std::vector<float> with(static_cast<std::size_t>(rows) * 70);
    std::vector<float> without(with.size());
    linear(context, x.data(), rows, layer.linear, with.data());
    Linear bare = layer.linear;
    bare.bias = nullptr;
    linear(context, x.data(), rows, bare, without.data());
    expect_equal(without, with, base::cat(rows, " rows"));
  }
}

TEST_P(LinearOnEveryTable, LayerNormOverThePoolEqualsTheKernel) {
  constexpr int kRows = 53;
  constexpr int kWidth = 72;
  const std::vector<float> x = random_floats(kRows * kWidth, 1);
  const std::vector<float> weight = random_floats(kWidth, 2);
  const std::vector<float> bias = random_floats(kWidth, 3);
  std::vector<float> expected(x.size());
  table().layer_norm(x.data(), weight.data(), bias.data(), expected.data(), kRows, kWidth, 1e-6f);
  for (int threads : {1, 2, 3}) {
    base::ThreadPool pool(threads);
    Context context(pool, table());
    std::vector<float> in_place = x;
    layer_norm(context, in_place.data(), kRows,
               {.weight = weight.data(), .bias = bias.data(), .width = kWidth, .eps = 1e-6f},
               in_place.data());
    expect_equal(in_place, expected, base::cat(threads, " threads"));
  }
}

TEST(EmbeddingRow, IsTheRowAsFloats) {
  for (DType type : weight_types()) {
    const Layer layer(type, 5, 512, 8);
    for (int row : {0, 3, 4}) {
      std::vector<float> out(512);
      embedding_row(layer.linear.weight, row, out.data());
      expect_equal(out, {layer.weights.begin() + row * 512, layer.weights.begin() + (row + 1) * 512},
                   std::string(tensor::info(type).name));
    }
  }
}

}  // namespace
}  // namespace moonbeam::ops
