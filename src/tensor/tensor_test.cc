// Shapes, sizes in bytes and the values of plain types; block types have quant_test.cc.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <moonbeam/error.h>

#include "tensor/float16.h"
#include "tensor/tensor_view.h"

namespace moonbeam::tensor {
namespace {

TEST(Shape, OfNothingIsOneValue) {
  const Shape shape;
  EXPECT_EQ(shape.rank(), 0);
  EXPECT_EQ(shape.numel(), 1);
  EXPECT_EQ(shape.to_string(), "[]");
}

TEST(Shape, KeepsItsSizes) {
  const Shape shape{51200, 2048};
  EXPECT_EQ(shape.rank(), 2);
  EXPECT_EQ(shape[0], 51200);
  EXPECT_EQ(shape[1], 2048);
  EXPECT_EQ(shape.numel(), std::int64_t{51200} * 2048);
  EXPECT_EQ(shape.to_string(), "[51200,2048]");
  EXPECT_EQ((Shape{3, 0, 5}).numel(), 0);
}

TEST(Shape, DiffersByRankAndBySize) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_FALSE((Shape{2, 3}) == (Shape{3, 2}));
  EXPECT_FALSE((Shape{2}) == (Shape{2, 1}));
  EXPECT_FALSE((Shape{}) == (Shape{0}));
}

TEST(Shape, RefusesMoreThanEightSizes) {
  EXPECT_EQ(Shape(std::vector<std::int64_t>(8, 2)).numel(), 256);
  try {
    const Shape shape(std::vector<std::int64_t>(9, 1));
    FAIL() << shape.to_string();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(), "shape: expected at most 8 sizes, got 9");
  }
}

TEST(ByteSize, CountsBlocks) {
  EXPECT_EQ(byte_size({}, DType::kF32), 4u);
  EXPECT_EQ(byte_size({3, 5}, DType::kBF16), 30u);
  EXPECT_EQ(byte_size({7, 0}, DType::kF64), 0u);
  EXPECT_EQ(byte_size({2, 64}, DType::kQ8_0), 2u * 2 * 34);
  EXPECT_EQ(byte_size({3, 512}, DType::kQ4_K), 3u * 2 * 144);
}

TEST(ByteSize, WantsWholeBlocksInARow) {
  EXPECT_EQ(byte_size({2, 48}, DType::kQ4_0),
            std::nullopt);  // 96 values are 3 blocks, but no row ends on one
  EXPECT_EQ(byte_size({}, DType::kQ4_0), std::nullopt);
}

TEST(ByteSize, RefusesWhatDoesNotFit) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(byte_size({-1, 4}, DType::kU8), std::nullopt);
  EXPECT_EQ(byte_size({-1, -4}, DType::kU8), std::nullopt);
  EXPECT_EQ(byte_size({std::int64_t{1} << 32, std::int64_t{1} << 32}, DType::kU8), std::nullopt);
  EXPECT_EQ(byte_size({kMost}, DType::kU8), static_cast<std::uint64_t>(kMost));
  EXPECT_EQ(byte_size({kMost}, DType::kF32), std::nullopt);
  EXPECT_EQ(byte_size({kMost, 2}, DType::kU8), std::nullopt) << "fits unsigned, TensorView counts signed";
  EXPECT_EQ(byte_size({std::int64_t{1} << 59, 32}, DType::kQ4_0), std::nullopt)
      << "2^64 values of half a byte";
}

TEST(TensorView, StepsByRows) {
  std::vector<std::byte> bytes(3 * 2 * 34);
  const TensorView blocks{bytes.data(), DType::kQ8_0, {3, 64}};
  EXPECT_EQ(blocks.bytes(), 3 * 2 * 34);
  EXPECT_EQ(blocks.row_bytes(), 2 * 34);
  EXPECT_EQ(blocks.row(2), bytes.data() + 2 * 2 * 34);

  const TensorView cube{bytes.data(), DType::kF16, {2, 3, 5}};
  EXPECT_EQ(cube.row_bytes(), 30);
  EXPECT_EQ((TensorView{bytes.data(), DType::kF32, {}}).row_bytes(), 4);
  EXPECT_EQ((TensorView{bytes.data(), DType::kF32, {0, 7}}).row_bytes(), 0);
}

/// Values of `raw` as to_f32() reads them, one byte off any alignment.
template <typename T>
std::vector<float> read_as(DType type, const std::vector<T>& raw) {
  const auto values = std::as_bytes(std::span(raw));
  std::vector<std::byte> bytes(1);
  bytes.insert(bytes.end(), values.begin(), values.end());
  std::vector<float> out(raw.size());
  to_f32({bytes.data() + 1, type, {static_cast<std::int64_t>(raw.size())}}, out.data());
  return out;
}

using Floats = std::vector<float>;

TEST(ToF32, ReadsFloats) {
  EXPECT_EQ(read_as<float>(DType::kF32, {0.1f, -3e38f}), (Floats{0.1f, -3e38f}));
  EXPECT_EQ(read_as<double>(DType::kF64, {0.1, -2.5}), (Floats{0.1f, -2.5f}));
  EXPECT_EQ(read_as<std::uint16_t>(DType::kBF16, {0x3f80, 0xc049}), (Floats{1.0f, -3.140625f}));
  // 1, the largest, the smallest subnormal, -2
  EXPECT_EQ(read_as<std::uint16_t>(DType::kF16, {0x3c00, 0x7bff, 0x0001, 0xc000}),
            (Floats{1.0f, 65504.0f, 0x1p-24f, -2.0f}));
}

TEST(ToF32, ReadsIntegersWithTheirSign) {
  EXPECT_EQ(read_as<std::int8_t>(DType::kI8, {-128, 127}), (Floats{-128.0f, 127.0f}));
  EXPECT_EQ(read_as<std::uint8_t>(DType::kU8, {0, 255}), (Floats{0.0f, 255.0f}));
  EXPECT_EQ(read_as<std::uint8_t>(DType::kBool, {0, 1}), (Floats{0.0f, 1.0f}));
  EXPECT_EQ(read_as<std::int16_t>(DType::kI16, {-32768, 32767}), (Floats{-32768.0f, 32767.0f}));
  EXPECT_EQ(read_as<std::uint16_t>(DType::kU16, {0, 65535}), (Floats{0.0f, 65535.0f}));
  EXPECT_EQ(read_as<std::int32_t>(DType::kI32, {-5, 1 << 30}), (Floats{-5.0f, 0x1p30f}));
  EXPECT_EQ(read_as<std::uint32_t>(DType::kU32, {5, 1u << 31}), (Floats{5.0f, 0x1p31f}));
  EXPECT_EQ(read_as<std::int64_t>(DType::kI64, {-7, std::int64_t{1} << 62}), (Floats{-7.0f, 0x1p62f}));
  EXPECT_EQ(read_as<std::uint64_t>(DType::kU64, {7, std::uint64_t{1} << 63}), (Floats{7.0f, 0x1p63f}));
}

TEST(ToF32, ReadsF8E4M3) {
  // 0, the smallest subnormal, the largest one, the smallest normal, 1, 1.125, -2, the largest
  EXPECT_EQ(read_as<std::uint8_t>(DType::kF8E4M3, {0x00, 0x01, 0x07, 0x08, 0x38, 0x39, 0xc0, 0x7e}),
            (Floats{0.0f, 0x1p-9f, 7 * 0x1p-9f, 0x1p-6f, 1.0f, 1.125f, -2.0f, 448.0f}));
  const Floats ends = read_as<std::uint8_t>(DType::kF8E4M3, {0x7f, 0xff, 0x80});
  EXPECT_TRUE(std::isnan(ends[0]) && std::isnan(ends[1]));
  EXPECT_TRUE(ends[2] == 0.0f && std::signbit(ends[2]));
}

TEST(ToF32, ReadsF8E5M2) {
  // 0, the smallest subnormal, the smallest normal, 1, 1.25, -2, the largest
  EXPECT_EQ(read_as<std::uint8_t>(DType::kF8E5M2, {0x00, 0x01, 0x04, 0x3c, 0x3d, 0xc0, 0x7b}),
            (Floats{0.0f, 0x1p-16f, 0x1p-14f, 1.0f, 1.25f, -2.0f, 57344.0f}));
  const Floats ends = read_as<std::uint8_t>(DType::kF8E5M2, {0x7c, 0xfc, 0x7d, 0xff});
  EXPECT_EQ(ends[0], INFINITY);
  EXPECT_EQ(ends[1], -INFINITY);
  EXPECT_TRUE(std::isnan(ends[2]) && std::isnan(ends[3]));
}

TEST(DTypes, AreFoundByEveryNameOfTheirs) {
  int rows = 0;
  for (const DTypeInfo& row : dtypes()) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(&info(row.type), &row);
    EXPECT_EQ(static_cast<int>(row.type), rows++);
    EXPECT_EQ(find_dtype(row.name), &row);
    EXPECT_EQ(find_safetensors_dtype(row.safetensors), row.safetensors.empty() ? nullptr : &row);
    EXPECT_EQ(find_gguf_dtype(row.gguf), row.gguf < 0 ? nullptr : &row);
    EXPECT_TRUE(row.block > 0 && row.bytes > 0);
  }
  EXPECT_EQ(rows, static_cast<int>(DType::kBF16Packed) + 1);
}

TEST(DTypes, KnowNoOtherName) {
  EXPECT_EQ(find_dtype("f31"), nullptr);
  EXPECT_EQ(find_dtype(""), nullptr);
  EXPECT_EQ(find_safetensors_dtype(""), nullptr) << "types that the format lacks have the empty name";
  EXPECT_EQ(find_safetensors_dtype("f32"), nullptr);
  EXPECT_EQ(find_gguf_dtype(-1), nullptr) << "types that the format lacks have -1";
  EXPECT_EQ(find_gguf_dtype(4), nullptr) << "q4_2, removed from ggml";
}

TEST(DTypes, WritePlainFloatsAsTheyAreRead) {
  const Floats in = {0.0f, -1.5f, 384.0f, 0x1p-10f, 7.0f};  // exact in all three
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    const DTypeInfo& row = info(type);
    std::vector<std::byte> bytes(in.size() * static_cast<std::size_t>(row.bytes));
    row.quantize(in.data(), bytes.data(), static_cast<std::int64_t>(in.size()));
    Floats out(in.size());
    row.dequantize(bytes.data(), out.data(), static_cast<std::int64_t>(out.size()));
    EXPECT_EQ(out, in) << row.name;
  }
}

TEST(Float16, RoundsToTheNearestHalfAndTiesToEven) {
  EXPECT_EQ(f32_to_f16(1.0f + 0x1p-11f), 0x3c00) << "half way: even is below";
  EXPECT_EQ(f32_to_f16(1.0f + 3 * 0x1p-11f), 0x3c02) << "half way: even is above";
  EXPECT_EQ(f32_to_f16(1.0f + 0x1.002p-11f), 0x3c01);
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00) << "rounds to infinity";
  EXPECT_EQ(f32_to_f16(-INFINITY), 0xfc00);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000) << "half of the smallest: even is 0";
  EXPECT_EQ(f32_to_f16(0x1.002p-25f), 0x0001);
  EXPECT_EQ(f32_to_f16(-0.0f), 0x8000);
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(NAN))));
}

TEST(Float16, KeepsNanInBf16) {
  // The payload stands in the bits that are cut off: the plain cut would make it infinity.
  const float nan = std::bit_cast<float>(0x7f800001u);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(nan))));
  EXPECT_EQ(f32_to_bf16(3.4e38f), 0x7f80) << "past the largest bf16: infinity";
}

}  // namespace
}  // namespace moonbeam::tensor
