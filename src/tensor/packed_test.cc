// Packed matrices: sizes, what packing and unpacking give back, zeros where there is nothing.
#include "tensor/packed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
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

/// The scale of the group of value i of a row.
float int4_scale(const PackedLayout& layout, const std::byte* packed, int row, int i) {
  constexpr std::size_t kNibbles = kPanelColumns * kInt4Group / 2, kGroup = kNibbles + kPanelColumns * 2;
  std::uint16_t scale;
  std::memcpy(&scale,
              packed + static_cast<std::size_t>(row / kPanelColumns) * layout.panel +
                  static_cast<std::size_t>(i / kInt4Group) * kGroup + kNibbles +
                  static_cast<std::size_t>(row % kPanelColumns) * 2,
              sizeof scale);
  return bf16_to_f32(scale);
}

float largest(const float* row, int k) {
  float most = 0;
  for (int i = 0; i < k; ++i) most = std::max(most, std::fabs(row[i]));
  return most;
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
          const float got =
              back[static_cast<std::size_t>(r) * static_cast<std::size_t>(k) + static_cast<std::size_t>(i)];
          // int4: half a step inside of -8..7; the scale that loses least may leave the furthest value
          // outside.
          const float step = type == DType::kInt4 ? int4_scale(layout, packed.data(), r, i) : 0;
          const float allowed = type == DType::kInt8         ? largest(row, k) / 127 * 0.5001f
                                : type == DType::kBF16Packed ? std::fabs(row[i]) * 0x1p-8f
                                                             : std::fabs(step) * 0.5001f;
          const float inside = step == 0 ? row[i] : step * std::clamp(row[i] / step, -8.0f, 7.0f);
          ASSERT_LE(std::fabs(got - inside), allowed)
              << info(type).name << " [" << n << "," << k << "] at " << r << ", " << i;
          if (type != DType::kInt4) continue;
          // What the furthest value becomes, -8.4 at most, makes 7 of one as far on the other side.
          const int group = i / kInt4Group * kInt4Group;
          ASSERT_LE(std::fabs(got - row[i]), largest(row + group, std::min(kInt4Group, k - group)) / 5)
              << "[" << n << "," << k << "] at " << r << ", " << i;
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

/// Sum of squares of what a matrix of one row loses in int4.
double int4_loss(const std::vector<float>& values) {
  const PackedLayout layout = packed_layout(DType::kInt4, 1, static_cast<int>(values.size()));
  const std::vector<float> back = unpack(layout, pack(layout, values).data());
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += std::pow(static_cast<double>(back[i]) - values[i], 2);
  return sum;
}

/// The same with the scale that puts the value furthest from 0 on -8.
double loss_of_furthest(const std::vector<float>& values) {
  double sum = 0;
  for (std::size_t first = 0; first < values.size(); first += kInt4Group) {
    const float* x = &values[first];
    const float furthest =
        *std::max_element(x, x + kInt4Group, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    const float scale = bf16_to_f32(f32_to_bf16(furthest / -8));
    for (int i = 0; i < kInt4Group; ++i) {
      const float q = std::nearbyint(std::clamp(x[i] / scale, -8.0f, 7.0f));
      sum += std::pow(static_cast<double>(scale) * q - x[i], 2);
    }
  }
  return sum;
}

TEST(Packed, Int4ScalesLoseLessThanThoseOfTheFurthestValue) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::uniform_real_distribution<float> uniform(-0.02f, 0.02f);
  std::student_t_distribution<float> heavy(4.0f);
  std::vector<float> values(32 * 512);
  for (float& value : values) value = normal(random);
  EXPECT_LT(int4_loss(values), 0.92 * loss_of_furthest(values));
  for (float& value : values) value = uniform(random);
  EXPECT_LT(int4_loss(values), 0.92 * loss_of_furthest(values));
  for (float& value : values) value = heavy(random);
  EXPECT_LT(int4_loss(values), 0.95 * loss_of_furthest(values));
}

TEST(Packed, Int4ErrorOfNormalWeightsIsBelowTheBarOfALayer) {
  const std::vector<float> values = random_matrix(1, 32 * 1024);
  double squares = 0;
  for (const float value : values) squares += std::pow(static_cast<double>(value), 2);
  EXPECT_LT(std::sqrt(int4_loss(values) / squares), 0.083);  // of 9 %; 8.6 % before scales were searched
}

TEST(Packed, Int4WholeMultiplesComeBackAsTheyWere) {
  std::vector<float> values(kInt4Group, 0.0f);
  for (int i = 0; i < 16; ++i) values[static_cast<std::size_t>(i)] = 0.25f * static_cast<float>(i - 8);
  EXPECT_LT(int4_loss(values), 1e-12);
  for (float& value : values) value = -value;
  EXPECT_LT(int4_loss(values), 1e-12);
}

// A search by squares of the values themselves would find nothing here.
TEST(Packed, Int4ScalesAreFoundForValuesOfAnySize) {
  for (const float size : {1e-30f, 1e-20f, 1e30f}) {
    std::vector<float> values = random_matrix(1, 256);
    const double relative = std::sqrt(int4_loss(values));
    for (float& value : values) value *= size;
    EXPECT_NEAR(std::sqrt(int4_loss(values)) / size / relative, 1, 0.05) << size;
  }
}

}  // namespace
}  // namespace moonbeam::tensor
