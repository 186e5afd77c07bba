// Packed matrices: sizes, what packing and unpacking give back, zeros where there is nothing.
#include "tensor/packed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/buffer.h"
#include "tensor/float16.h"

namespace moonbeam::tensor {
namespace {

constexpr DType kPackedTypes[] = {DType::kInt8, DType::kInt4, DType::kBF16Packed};

std::vector<float> random_matrix(int n, int k) {
  std::mt19937 random(static_cast<unsigned>(n * 1000 + k));
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::vector<float> values(static_cast<std::size_t>(n) * static_cast<std::size_t>(k));
  for (float& value : values) value = normal(random);
  return values;
}

base::Buffer<std::byte> pack(const PackedLayout& layout, const std::vector<float>& values) {
  base::Buffer<std::byte> out(layout.bytes);
  for (int p = 0; p < layout.panels; ++p) {
    pack_panel(layout, p, values.data() + static_cast<std::ptrdiff_t>(p) * kPanelColumns * layout.k,
               std::min(kPanelColumns, layout.n - p * kPanelColumns), out.data());
  }
  return out;
}

std::vector<float> unpack(const PackedLayout& layout, const std::byte* from) {
  std::vector<float> out(static_cast<std::size_t>(layout.n) * static_cast<std::size_t>(layout.k));
  to_f32({from, layout.type, {layout.n, layout.k}}, out.data());
  return out;
}

TEST(Packed, SizesAreThoseOfTheDrawing) {
  EXPECT_EQ(packed_layout(DType::kInt8, 128, 128).bytes, 128u * 128 + 128 * 8);
  EXPECT_EQ(packed_layout(DType::kBF16Packed, 128, 128).bytes, 128u * 128 * 2);
  EXPECT_EQ(packed_layout(DType::kInt4, 128, 128).bytes, 128u * 128 / 2 + 128 * 4 * 2);
  const PackedLayout padded = packed_layout(DType::kInt8, 65, 70);
  EXPECT_EQ(padded.panels, 2);
  EXPECT_EQ(padded.depth, 128);
  EXPECT_EQ(padded.bytes, 128u * 128 + 128 * 8);
  EXPECT_EQ(byte_size({65, 70}, DType::kInt8), padded.bytes);
}

TEST(Packed, OnlyMatricesHaveASize) {
  for (const DType type : kPackedTypes) {
    EXPECT_FALSE(byte_size({64}, type));
    EXPECT_FALSE(byte_size({1, 64, 64}, type));
    EXPECT_FALSE(byte_size({std::int64_t{1} << 40, 64}, type));
    EXPECT_EQ(byte_size({0, 64}, type), 0u);
  }
}

TEST(Packed, ValuesComeBackWithinHalfAStep) {
  for (const auto& [n, k] : {std::pair{1, 1}, {64, 64}, {63, 65}, {130, 96}, {70, 588}}) {
    const std::vector<float> values = random_matrix(n, k);
    for (const DType type : kPackedTypes) {
      const PackedLayout layout = packed_layout(type, n, k);
      const base::Buffer<std::byte> packed = pack(layout, values);
      const std::vector<float> back = unpack(layout, packed.data());
      for (int r = 0; r < n; ++r) {
        for (int i = 0; i < k; ++i) {
          const float* row = values.data() + static_cast<std::ptrdiff_t>(r) * k;
          const int first = type == DType::kInt4 ? i / kInt4Group * kInt4Group : 0;
          const int end = type == DType::kInt4 ? std::min(k, first + kInt4Group) : k;
          float most = 0;
          for (int j = first; j < end; ++j) most = std::max(most, std::fabs(row[j]));
          // int4: a scale rounded to bf16 moves the ends by up to 8 x 2^-9 steps, and 7 is short of 8.
          const float allowed = type == DType::kInt8         ? most / 127 * 0.5001f
                                : type == DType::kBF16Packed ? std::fabs(row[i]) * 0x1p-8f
                                                             : most / 8 * 1.02f;
          ASSERT_LE(std::fabs(back[static_cast<std::size_t>(r) * static_cast<std::size_t>(k) +
                                   static_cast<std::size_t>(i)] -
                              row[i]),
                    allowed)
              << info(type).name << " [" << n << "," << k << "] at " << r << ", " << i;
        }
      }
    }
  }
}

TEST(Packed, PaddingIsZeroAndSumsAreThoseOfTheBytes) {
  const int n = 65, k = 70;
  const std::vector<float> values = random_matrix(n, k);
  const PackedLayout layout = packed_layout(DType::kInt8, n, k);
  const base::Buffer<std::byte> packed = pack(layout, values);
  const auto* sums = reinterpret_cast<const std::int32_t*>(packed.data() + layout.sums);
  for (int column = 0; column < layout.panels * kPanelColumns; ++column) {
    const std::byte* panel = packed.data() + static_cast<std::size_t>(column / kPanelColumns) * layout.panel;
    int sum = 0;
    for (int i = 0; i < layout.depth; ++i) {
      const auto q =
          static_cast<std::int8_t>(panel[(i / 4 * kPanelColumns + column % kPanelColumns) * 4 + i % 4]);
      if (column >= n || i >= k) {
        ASSERT_EQ(q, 0) << column << ", " << i;
      }
      sum += q;
    }
    EXPECT_EQ(sums[column], sum) << column;
  }
}

TEST(Packed, ColumnsOfZerosStayZero) {
  const std::vector<float> zeros(64 * 64, 0.0f);
  for (const DType type : kPackedTypes) {
    const PackedLayout layout = packed_layout(type, 64, 64);
    EXPECT_EQ(unpack(layout, pack(layout, zeros).data()), zeros) << info(type).name;
  }
}

}  // namespace
}  // namespace moonbeam::tensor
