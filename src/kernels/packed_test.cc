// Products with packed weights of every table against the scalar ones: sums of integers exactly, what follows
// within the rounding of its few operations.
#include <algorithm>
#include <cstring>

#include "base/buffer.h"
#include "base/machine.h"
#include "base/text.h"
#include "kernels/amx/amx.h"
#include "kernels/avxvnni/avxvnni.h"
#include "kernels/testing.h"
#include "tensor/float16.h"
#include "tensor/packed.h"

namespace moonbeam::kernels::testing {
namespace {

using tensor::DType;

class Packed : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, Packed, every_table(), table_name);
#ifdef MOONBEAM_KERNELS_X86
// The templates of AVX-VNNI and AMX on processors without them.
std::vector<const KernelTable*> stand_ins() {
  const base::CpuFeatures& cpu = base::cpu_features();
  if (!cpu.avx512_vnni) return {};
  if (!cpu.avx512_bf16) return {&avxvnni::vl_table()};
  return {&avxvnni::vl_table(), &amx::emulated_table()};
}
INSTANTIATE_TEST_SUITE_P(StandIns, Packed, ::testing::ValuesIn(stand_ins()), table_name);
#endif

constexpr DType kTypes[] = {DType::kInt8, DType::kInt4, DType::kBF16Packed};
const std::vector<int> kDepths = {1, 63, 64, 65, 144, 588, 1152, 2304};

// One panel of weights of `columns` columns, at the end of a block of memory.
struct Panel {
  tensor::PackedLayout layout;
  base::Buffer<std::byte> bytes;
  Panel(DType type, int columns, int k, std::uint64_t seed)
      : layout(tensor::packed_layout(type, columns, k)), bytes(layout.bytes) {
    Random random(seed);
    std::vector<float> rows(static_cast<std::size_t>(columns) * static_cast<std::size_t>(k));
    for (float& value : rows) value = random();
    tensor::pack_panel(layout, 0, rows.data(), columns, bytes.data());
  }
  const float* scales() const { return reinterpret_cast<const float*>(bytes.data() + layout.scales); }
  const std::int32_t* sums() const {
    return reinterpret_cast<const std::int32_t*>(bytes.data() + layout.sums);
  }
};

TEST_P(Packed, WeightsArePackedIntoTheSameBytes) {
  for (const DType type : kTypes) {
    for (const auto& [n, k] : {std::pair{1, 1}, {16, 32}, {63, 65}, {130, 96}, {70, 588}, {64, 2048}}) {
      Random random(static_cast<std::uint64_t>(n + k));
      std::vector<float> rows(static_cast<std::size_t>(n) * static_cast<std::size_t>(k));
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = i % 41 == 3 ? 0 : random() * (i % 97 == 5 ? 30 : 1);
      const tensor::PackedLayout layout = tensor::packed_layout(type, n, k);
      base::Buffer<std::byte> want(layout.bytes), got(layout.bytes);
      std::memset(got.data(), 0xa5, got.size());
      for (int strip = 0; strip < layout.panels * tensor::kStripsOfPanel; ++strip) {
        const int first = strip * tensor::kStripColumns;
        const int count = std::clamp(n - first, 0, tensor::kStripColumns);
        const float* own = rows.data() + static_cast<std::ptrdiff_t>(std::min(first, n)) * k;
        tensor::pack_strip(layout, strip, own, count, want.data());
        table().pack_strip(layout, strip, own, count, got.data());
      }
      ASSERT_EQ(std::memcmp(got.data(), want.data(), want.size()), 0)
          << tensor::info(type).name << " [" << n << "," << k << "]";
    }
  }
}

// Rows of activations with an outlier here and there, as after GELU where `positive`.
Padded activations(int rows, int k, std::ptrdiff_t stride, bool positive, std::uint64_t seed) {
  Random random(seed);
  Padded x(static_cast<std::size_t>(stride * (rows - 1) + k), random);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i % 97 == 5) x[i] *= 20;
    if (positive) x[i] = std::max(x[i], -0.17f);
  }
  return x;
}

struct Product {
  DType type;
  int rows, columns, k;
  Epilogue epilogue = Epilogue::kStore;
  bool bias = true;
  bool positive = false;
};

std::vector<float> multiply(const KernelTable& table, const Product& product, const Panel& panel,
                            const Padded& x, std::ptrdiff_t stride, const Padded& bias, Padded out,
                            std::ptrdiff_t out_stride) {
  const PackedKernels& kernels = table.packed(product.type);
  const int depth = panel.layout.depth;
  const std::size_t panel_bytes = activation_bytes(product.type, kernels.tile_rows, depth);
  base::Buffer<std::byte> packed(
      panel_bytes * static_cast<std::size_t>((product.rows + kernels.tile_rows - 1) / kernels.tile_rows));
  kernels.pack(x.data(), stride, product.rows, product.k, packed.data());
  const std::byte* activations = packed.data();
  for (int r = 0; r < product.rows; r += kernels.tile_rows, activations += panel_bytes) {
    kernels.tile({.activations = activations,
                  .weights = panel.bytes.data(),
                  .scales = panel.scales(),
                  .sums = panel.sums(),
                  .bias = product.bias ? bias.data() : nullptr,
                  .rows = std::min(kernels.tile_rows, product.rows - r),
                  .columns = product.columns,
                  .begin = 0,
                  .end = depth,
                  .depth = depth,
                  .partial = nullptr,
                  .epilogue = product.epilogue,
                  .out = out.data() + r * out_stride,
                  .out_stride = out_stride});
  }
  EXPECT_TRUE(out.padding_is_whole());
  return out.values();
}

// Largest that rounding may move element (r, c): integers are exact, so int8 has the rounding of one product
// and one addition, int4 one of each group, bf16 those of k terms in any order.
double rounding(const Product& product, const Panel& panel, const float* x, const float* bias, int c,
                double start) {
  std::vector<float> weights(static_cast<std::size_t>(product.k));
  tensor::unpack_row(panel.layout, panel.bytes.data(), c, weights.data());
  double squares = 0, sizes = 0;
  for (int i = 0; i < product.k; ++i) {
    const double term = static_cast<double>(x[i]) * weights[static_cast<std::size_t>(i)];
    squares += term * term;
    sizes += std::fabs(term);
  }
  const double ends = std::fabs(start) + (product.bias ? std::fabs(bias[c]) : 0.0);
  if (product.type == DType::kInt8) return kEpsilon * 2 * (sizes + ends) + 1e-30;
  const double steps = product.type == DType::kInt4 ? panel.layout.depth / tensor::kInt4Group : product.k;
  return kEpsilon * (8 + std::sqrt(steps)) * (std::sqrt(squares) + ends) + 1e-30;
}

void compare(const KernelTable& table, const Product& product) {
  const std::ptrdiff_t stride = product.k + 3, out_stride = product.columns + 5;
  const auto seed = static_cast<std::uint64_t>(product.k * 1000 + product.rows * 64 + product.columns);
  const Panel panel(product.type, product.columns, product.k, seed);
  const Padded x = activations(product.rows, product.k, stride, product.positive, seed + 1);
  Random random(seed + 2);
  const Padded bias(static_cast<std::size_t>(product.columns), random);
  const Padded start(static_cast<std::size_t>(out_stride * product.rows), random);
  const std::vector<float> expected =
      multiply(kernels("scalar"), product, panel, x, stride, bias, start, out_stride);
  const std::vector<float> got = multiply(table, product, panel, x, stride, bias, start, out_stride);
  const std::string what =
      base::cat(tensor::info(product.type).name, " ", product.rows, " x ", product.k, " x ", product.columns);
  expect_close(
      got, expected,
      [&](std::size_t i) {
        const auto r = static_cast<std::ptrdiff_t>(i) / out_stride;
        const auto c = static_cast<int>(static_cast<std::ptrdiff_t>(i) % out_stride);
        if (c >= product.columns) return 1e-30;  // not touched
        // GELU falls and rises by at most 1.13 of what moves its argument, and has an error of its own: exp
        // by a short polynomial (2.6e-6 of the result).
        const bool gelu = product.epilogue == Epilogue::kGelu;
        const double before =
            rounding(product, panel, x.data() + r * stride, bias.data(), c, gelu ? 0.0 : start[i]);
        return gelu ? 1.13 * before + 4e-6 * std::fabs(expected[i]) + 1e-7 : before;
      },
      what);
}

TEST_P(Packed, EqualsScalarForEveryNumberOfRowsAndDepth) {
  for (const DType type : kTypes) {
    for (const int k : kDepths) {
      for (const int rows : {1, 2, 3, 4, 5, 6, 7, 13, 16}) compare(table(), {type, rows, kPanel, k});
    }
  }
}

// Tiles have up to 80 rows.
TEST_P(Packed, EqualsScalarForManyRows) {
  for (const DType type : kTypes) {
    for (const int k : {65, 588}) {
      for (const int rows : {17, 32, 33, 41, 83}) compare(table(), {type, rows, kPanel, k});
    }
  }
}

TEST_P(Packed, EqualsScalarForNarrowPanels) {
  for (const DType type : kTypes) {
    for (const int columns : {1, 7, 8, 9, 16, 17, 31, 32, 33, 48, 63}) {
      for (const int rows : {1, 6, 7, 25}) compare(table(), {type, rows, columns, 144});
    }
  }
}

TEST_P(Packed, EveryEpilogueWithAndWithoutBias) {
  for (const DType type : kTypes) {
    for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kGelu, Epilogue::kAdd}) {
      for (const bool bias : {false, true}) {
        for (const int columns : {33, kPanel}) {
          for (const int rows : {7, 20}) compare(table(), {type, rows, columns, 130, epilogue, bias});
        }
      }
    }
  }
}

TEST_P(Packed, OneSidedActivationsUseTheWholeRange) {
  for (const int k : {64, 1152}) compare(table(), {DType::kInt8, 6, kPanel, k, Epilogue::kStore, true, true});
}

TEST_P(Packed, RowsAreTheSameBitsInAnyCompany) {
  const int k = 588, rows = 43;
  for (const DType type : kTypes) {
    const Panel panel(type, kPanel, k, 5);
    const Padded x = activations(rows, k, k, false, 6);
    Random random(7);
    const Padded bias(kPanel, random);
    const Product all = {type, rows, kPanel, k};
    const std::vector<float> together =
        multiply(table(), all, panel, x, k, bias, Padded(static_cast<std::size_t>(rows) * kPanel), kPanel);
    for (int r = 0; r < rows; ++r) {
      Padded one(static_cast<std::size_t>(k));
      std::copy_n(x.data() + static_cast<std::ptrdiff_t>(r) * k, k, one.data());
      const std::vector<float> alone =
          multiply(table(), {type, 1, kPanel, k}, panel, one, k, bias, Padded(kPanel), kPanel);
      expect_equal(alone, {together.begin() + r * kPanel, together.begin() + (r + 1) * kPanel},
                   base::cat(tensor::info(type).name, " row ", r));
    }
  }
}

TEST_P(Packed, RowsOfZerosAndOfNanEndWell) {
  const int k = 100;
  for (const DType type : kTypes) {
    const Panel panel(type, kPanel, k, 9);
    Random random(10);
    const Padded bias(kPanel, random);
    Padded zeros(static_cast<std::size_t>(k) * 2);
    std::fill_n(zeros.data(), zeros.size(), 0.0f);
    const std::vector<float> out =
        multiply(table(), {type, 2, kPanel, k}, panel, zeros, k, bias, Padded(2 * kPanel), kPanel);
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], bias[i % kPanel]);
    zeros[3] = std::nanf("");
    multiply(table(), {type, 2, kPanel, k}, panel, zeros, k, bias, Padded(2 * kPanel), kPanel);
  }
}

TEST_P(Packed, SumsInPartsAreTheWholeSum) {
  const int k = 640;
  const Panel panel(DType::kBF16Packed, kPanel, k, 11);
  const PackedKernels& kernels = table().packed(DType::kBF16Packed);
  const int rows = kernels.tile_rows;
  const Padded x = activations(rows, k, k, false, 12);
  Random random(13);
  const Padded bias(kPanel, random);
  base::Buffer<std::byte> packed(activation_bytes(DType::kBF16Packed, rows, k));
  kernels.pack(x.data(), k, rows, k, packed.data());
  Padded whole(static_cast<std::size_t>(rows) * kPanel), parts(whole.size());
  base::Buffer<float> partial(whole.size());
  PackedTile tile = {.activations = packed.data(),
                     .weights = panel.bytes.data(),
                     .scales = nullptr,
                     .sums = nullptr,
                     .bias = bias.data(),
                     .rows = rows,
                     .columns = kPanel,
                     .begin = 0,
                     .end = k,
                     .depth = k,
                     .partial = nullptr,
                     .epilogue = Epilogue::kStore,
                     .out = whole.data(),
                     .out_stride = kPanel};
  kernels.tile(tile);
  tile.partial = partial.data();
  tile.out = parts.data();
  for (const auto& [begin, end] : {std::pair{0, 192}, {192, 448}, {448, 640}}) {
    tile.begin = begin;
    tile.end = end;
    kernels.tile(tile);
  }
  const double tolerance = 1e-6 * k;
  expect_close(
      parts.values(), whole.values(), [&](std::size_t) { return tolerance * 0.01; }, "in parts");
}

TEST_P(Packed, WidenedInt4EqualsScalar) {
  for (const int k : {1, 32, 64, 144, 2048}) {
    const Panel panel(DType::kInt4, kPanel, k, static_cast<std::uint64_t>(k));
    const auto size = static_cast<std::size_t>(panel.layout.depth) * kPanel;
    base::Buffer<std::byte> expected(size), got(size);
    float expected_scales[kPanel], got_scales[kPanel];
    std::int32_t expected_sums[kPanel], got_sums[kPanel];
    kernels("scalar").widen_int4(panel.bytes.data(), panel.layout.depth, expected.data(), expected_scales,
                                 expected_sums);
    table().widen_int4(panel.bytes.data(), panel.layout.depth, got.data(), got_scales, got_sums);
    EXPECT_EQ(std::memcmp(expected.data(), got.data(), size), 0) << k;
    EXPECT_EQ(std::memcmp(expected_scales, got_scales, sizeof got_scales), 0) << k;
    EXPECT_EQ(std::memcmp(expected_sums, got_sums, sizeof got_sums), 0) << k;
  }
}

}  // namespace
}  // namespace moonbeam::kernels::testing
