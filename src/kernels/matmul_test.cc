// Packing, tiles and dot products of every table against the scalar ones, for every type with kernels of its
// own.
#include <cstring>

#include "base/text.h"
#include "kernels/testing.h"
#include "tensor/float16.h"

namespace moonbeam::kernels::testing {
namespace {

class Matmul : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, Matmul, every_table(), table_name);

constexpr tensor::DType kTypes[] = {tensor::DType::kF32, tensor::DType::kBF16, tensor::DType::kF16};

// A matrix [rows, k] as it may lie in a mapped file: at an odd address, NaN between and after its rows.
class Weights {
 public:
  Weights(tensor::DType type, int rows, int k, std::uint64_t seed)
      : bytes_per_value_(tensor::info(type).bytes),
        stride_(static_cast<std::ptrdiff_t>(k + 5) * bytes_per_value_),
        bytes_(static_cast<std::size_t>(stride_ * rows + 256) + 1, std::byte{0xff}) {
    Random random(seed);
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < k; ++i)
        put(type, random(), data() + r * stride_ + static_cast<std::ptrdiff_t>(i) * bytes_per_value_);
    }
  }
  const std::byte* data() const { return bytes_.data() + 1; }
  std::ptrdiff_t stride() const { return stride_; }

 private:
  std::byte* data() { return bytes_.data() + 1; }
  static void put(tensor::DType type, float value, std::byte* to) {
    if (type == tensor::DType::kF32) {
      std::memcpy(to, &value, 4);
      return;
    }
    const std::uint16_t half =
        type == tensor::DType::kBF16 ? tensor::f32_to_bf16(value) : tensor::f32_to_f16(value);
    std::memcpy(to, &half, 2);
  }

  int bytes_per_value_;
  std::ptrdiff_t stride_;
  std::vector<std::byte> bytes_;
};

// Rounding of a sum of k products in any order: errors of k steps of the sum's own size, which is the root of
// the sum of squares. `x` [k], weights column c of a panel.
double sum_tolerance(const float* x, std::ptrdiff_t x_step, const float* w, std::ptrdiff_t w_step, int k,
                     double start) {
  double squares = start * start;
  for (int i = 0; i < k; ++i) squares += std::pow(static_cast<double>(x[i * x_step]) * w[i * w_step], 2);
  return kEpsilon * (8 + std::sqrt(k)) * std::sqrt(squares) + 1e-30;
}

TEST_P(Matmul, PackRowsEqualsScalarAndPutsZerosForMissingRows) {
  for (int rows : {1, 5, 6, 7, 12, 13}) {
    for (int k : kSizes) {
      Random random(static_cast<std::uint64_t>(rows * 10000 + k));
      const std::ptrdiff_t stride = k + 3;
      Padded x(static_cast<std::size_t>(stride * (rows - 1) + k), random);
      for (int r = 0; r + 1 < rows; ++r) {
        for (int i = k; i < stride; ++i) x[static_cast<std::size_t>(r * stride + i)] = std::nanf("");
      }
      const std::size_t size = static_cast<std::size_t>((rows + kTileRows - 1) / kTileRows) * kTileRows * k;
      Padded expected(size);
      Padded got(size);
      kernels("scalar").pack_rows(x.data(), stride, rows, k, expected.data());
      table().pack_rows(x.data(), stride, rows, k, got.data());
      const std::string what = base::cat(rows, " rows of ", k);
      expect_equal(got.values(), expected.values(), what);
      EXPECT_TRUE(got.padding_is_whole()) << what;
    }
  }
}

TEST_P(Matmul, PackPanelEqualsScalarAtAnyAddress) {
  for (tensor::DType type : kTypes) {
    for (int columns : {1, 5, 8, 16, 33, 63, 64}) {
      for (int k : kSizes) {
        const Weights weights(type, columns, k, static_cast<std::uint64_t>(columns * 10000 + k));
        Padded expected(static_cast<std::size_t>(k) * kPanel);
        Padded got(expected.size());
        kernels("scalar").weights(type).pack_panel(weights.data(), weights.stride(), columns, k,
                                                   expected.data());
        table().weights(type).pack_panel(weights.data(), weights.stride(), columns, k, got.data());
        const std::string what = base::cat(tensor::info(type).name, " panel of ", columns, " columns of ", k);
        expect_equal(got.values(), expected.values(), what);
        EXPECT_TRUE(got.padding_is_whole()) << what;
      }
    }
  }
}

// A tile with everything round it.
struct Tile {
  int rows, columns, k;
  std::ptrdiff_t stride = kPanel + 7;
  Padded x, w, bias, out;
  Tile(int tile_rows, int tile_columns, int depth, std::uint64_t seed)
      : Tile(tile_rows, tile_columns, depth, Random(seed)) {}
  Tile(int tile_rows, int tile_columns, int depth, Random random)
      : rows(tile_rows),
        columns(tile_columns),
        k(depth),
        x(static_cast<std::size_t>(depth) * kTileRows, random),
        w(static_cast<std::size_t>(depth) * kPanel, random),
        bias(static_cast<std::size_t>(tile_columns), random),
        out(static_cast<std::size_t>(stride) * kTileRows, random) {}
  // What `run` makes of `out`, all of it.
  std::vector<float> run(const KernelTable& table, const float* start, bool accumulate) const {
    Padded result = out;
    table.tile(x.data(), w.data(), k, rows, columns, start, accumulate, result.data(), stride);
    return result.values();
  }
  double tolerance(std::size_t at, double start) const {
    const auto r = static_cast<std::ptrdiff_t>(at) / stride;
    const auto c = static_cast<std::ptrdiff_t>(at) % stride;
    if (r >= rows || c >= columns) return 1e-30;  // must not change
    return sum_tolerance(x.data() + r, kTileRows, w.data() + c, kPanel, k, start);
  }
};

TEST_P(Matmul, TileMatchesScalarWithBiasWithoutAndOnTop) {
  for (int rows = 1; rows <= kTileRows; ++rows) {
    for (int columns : {1, 8, 15, 16, 17, 40, 63, 64}) {
      for (int k : {1, 2, 7, 64, 588, 1024}) {
        const Tile tile(rows, columns, k, static_cast<std::uint64_t>(rows * 1000000 + columns * 10000 + k));
        const std::string what = base::cat("tile ", rows, " x ", columns, " x ", k);
        const auto tolerance = [&](std::size_t i) { return tile.tolerance(i, 2); };
        for (const float* bias : {static_cast<const float*>(nullptr), tile.bias.data()}) {
          expect_close(tile.run(table(), bias, false), tile.run(kernels("scalar"), bias, false), tolerance,
                       what);
        }
        expect_close(tile.run(table(), nullptr, true), tile.run(kernels("scalar"), nullptr, true), tolerance,
                     what + " accumulated");
        expect_equal(tile.run(table(), tile.bias.data(), true), tile.run(table(), nullptr, true),
                     what + ": the bias counts once");
      }
    }
  }
}

TEST_P(Matmul, TileRowHasTheSameBitsInAnyCompany) {
  Tile six(6, 64, 144, 5);
  const std::vector<float> all = six.run(table(), six.bias.data(), false);
  for (int rows = 1; rows < kTileRows; ++rows) {
    six.rows = rows;
    const std::vector<float> few = six.run(table(), six.bias.data(), false);
    const auto end = static_cast<std::ptrdiff_t>(rows) * six.stride;
    expect_equal({few.begin(), few.begin() + end}, {all.begin(), all.begin() + end},
                 base::cat("tile of ", rows));
  }
}

TEST_P(Matmul, TileSumGoesOnWhereTheLastBlockOfKStopped) {
  const Tile tile(6, 64, 200, 6);
  Padded halves = tile.out;
  table().tile(tile.x.data(), tile.w.data(), 120, 6, 64, tile.bias.data(), false, halves.data(), tile.stride);
  table().tile(tile.x.data() + 120 * kTileRows, tile.w.data() + 120 * kPanel, 80, 6, 64, nullptr, true,
               halves.data(), tile.stride);
  expect_equal(halves.values(), tile.run(table(), tile.bias.data(), false), "two blocks of k");
}

// Few rows of x, with NaN between them, against weights of one type.
struct Dots {
  tensor::DType type;
  int columns, k;
  std::ptrdiff_t x_stride, out_stride;
  Weights weights;
  Padded x, bias;
  Dots(tensor::DType dtype, int rows, int cols, int depth, std::uint64_t seed)
      : Dots(dtype, rows, cols, depth, seed, Random(seed + 1)) {}
  Dots(tensor::DType dtype, int rows, int cols, int depth, std::uint64_t seed, Random random)
      : type(dtype),
        columns(cols),
        k(depth),
        x_stride(depth + 3),
        out_stride(cols + 2),
        weights(dtype, cols, depth, seed),
        x(static_cast<std::size_t>(rows) * static_cast<std::size_t>(depth + 3)),
        bias(static_cast<std::size_t>(cols), random) {
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < k; ++i) x[static_cast<std::size_t>(r * x_stride + i)] = random();
    }
  }
  std::vector<float> run(const KernelTable& table, int first, int rows, const float* start) const {
    std::vector<float> out(static_cast<std::size_t>(rows * out_stride), 7.0f);
    table.weights(type).dot(x.data() + first * x_stride, x_stride, rows, weights.data(), weights.stride(),
                            columns, k, start, out.data(), out_stride);
    return out;
  }
};

TEST_P(Matmul, DotMatchesScalarForEveryTypeAtAnyAddress) {
  for (tensor::DType type : kTypes) {
    for (int rows = 1; rows <= 4; ++rows) {
      for (int columns : {1, 3, 4, 5, 9}) {
        for (int k : kSizes) {
          const Dots dots(type, rows, columns, k,
                          static_cast<std::uint64_t>(rows * 1000000 + columns * 10000 + k));
          Padded panel(static_cast<std::size_t>(k) * kPanel);
          kernels("scalar").weights(type).pack_panel(dots.weights.data(), dots.weights.stride(), columns, k,
                                                     panel.data());
          const auto tolerance = [&](std::size_t i) {
            const auto r = static_cast<std::ptrdiff_t>(i) / dots.out_stride;
            const auto c = static_cast<std::ptrdiff_t>(i) % dots.out_stride;
            if (c >= columns) return 1e-30;
            return sum_tolerance(dots.x.data() + r * dots.x_stride, 1, panel.data() + c, kPanel, k, 2);
          };
          const std::string what =
              base::cat(tensor::info(type).name, " dot ", rows, " x ", columns, " x ", k);
          for (const float* bias : {static_cast<const float*>(nullptr), dots.bias.data()}) {
            expect_close(dots.run(table(), 0, rows, bias), dots.run(kernels("scalar"), 0, rows, bias),
                         tolerance, what);
          }
        }
      }
    }
  }
}

TEST_P(Matmul, DotRowHasTheSameBitsInAnyCompany) {
  for (tensor::DType type : kTypes) {
    const Dots dots(type, 4, 7, 588 + 5, 9);
    const std::vector<float> all = dots.run(table(), 0, 4, dots.bias.data());
    for (int first = 0; first < 4; ++first) {
      for (int rows = 1; first + rows <= 4; ++rows) {
        const std::vector<float> few = dots.run(table(), first, rows, dots.bias.data());
        const std::vector<float> same(all.begin() + first * dots.out_stride,
                                      all.begin() + (first + rows) * dots.out_stride);
        expect_equal(few, same, base::cat(tensor::info(type).name, " rows ", first, " + ", rows));
      }
    }
  }
}

}  // namespace
}  // namespace moonbeam::kernels::testing
