// The table of element types and the reading and writing of the plain ones; block types stand in quant/.
#include "tensor/dtype.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "tensor/float16.h"
#include "tensor/quant/k_quants.h"
#include "tensor/quant/legacy.h"

namespace moonbeam::tensor {

namespace {

template <typename T>
T load(const std::byte* from, std::int64_t i) noexcept {
  T value;
  std::memcpy(&value, from + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void store(std::byte* to, std::int64_t i, T value) noexcept {
  std::memcpy(to + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

template <typename T>
void read_plain(const std::byte* from, float* to, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(load<T>(from, i));
}

void read_bf16(const std::byte* from, float* to, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) to[i] = bf16_to_f32(load<std::uint16_t>(from, i));
}
void read_f16(const std::byte* from, float* to, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) to[i] = f16_to_f32(load<std::uint16_t>(from, i));
}
void write_f32(const float* from, std::byte* to, std::int64_t n) noexcept {
  std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
}
void write_bf16(const float* from, std::byte* to, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) store(to, i, f32_to_bf16(from[i]));
}
void write_f16(const float* from, std::byte* to, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) store(to, i, f32_to_f16(from[i]));
}

void read_f8_e4m3(const std::byte* from, float* to, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {  // bias 7, no infinity, all ones is NaN
    const auto byte = static_cast<unsigned>(from[i]);
    const int exponent = static_cast<int>(byte >> 3 & 15u);
    const auto fraction = static_cast<float>(byte & 7u);
    float value = exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8.0f + fraction, exponent - 10);
    if ((byte & 0x7fu) == 0x7fu) value = std::nanf("");
    to[i] = (byte & 0x80u) != 0 ? -value : value;
  }
}
void read_f8_e5m2(const std::byte* from, float* to, std::int64_t n) noexcept {
  // the upper byte of an f16
  for (std::int64_t i = 0; i < n; ++i)
    to[i] = f16_to_f32(static_cast<std::uint16_t>(static_cast<unsigned>(from[i]) << 8));
}

constexpr DTypeInfo kDTypes[] = {
    {DType::kF32, "f32", "F32", 0, 1, 4, read_plain<float>, write_f32},
    {DType::kF16, "f16", "F16", 1, 1, 2, read_f16, write_f16},
    {DType::kBF16, "bf16", "BF16", 30, 1, 2, read_bf16, write_bf16},
    {DType::kF64, "f64", "F64", 28, 1, 8, read_plain<double>, nullptr},
    {DType::kI64, "i64", "I64", 27, 1, 8, read_plain<std::int64_t>, nullptr},
    {DType::kI32, "i32", "I32", 26, 1, 4, read_plain<std::int32_t>, nullptr},
    {DType::kI16, "i16", "I16", 25, 1, 2, read_plain<std::int16_t>, nullptr},
    {DType::kI8, "i8", "I8", 24, 1, 1, read_plain<std::int8_t>, nullptr},
    {DType::kU8, "u8", "U8", -1, 1, 1, read_plain<std::uint8_t>, nullptr},
    {DType::kBool, "bool", "BOOL", -1, 1, 1, read_plain<std::uint8_t>, nullptr},
    {DType::kF8E4M3, "f8_e4m3", "F8_E4M3", -1, 1, 1, read_f8_e4m3, nullptr},
    {DType::kF8E5M2, "f8_e5m2", "F8_E5M2", -1, 1, 1, read_f8_e5m2, nullptr},
    {DType::kQ4_0, "q4_0", "", 2, 32, 18, quant::Q4_0::dequantize, quant::Q4_0::quantize},
    {DType::kQ4_1, "q4_1", "", 3, 32, 20, quant::Q4_1::dequantize, quant::Q4_1::quantize},
    {DType::kQ5_0, "q5_0", "", 6, 32, 22, quant::Q5_0::dequantize, quant::Q5_0::quantize},
    {DType::kQ5_1, "q5_1", "", 7, 32, 24, quant::Q5_1::dequantize, quant::Q5_1::quantize},
    {DType::kQ8_0, "q8_0", "", 8, 32, 34, quant::dequantize_q8_0, quant::quantize_q8_0},
    {DType::kQ2_K, "q2_k", "", 10, 256, 84, nullptr, nullptr},
    {DType::kQ3_K, "q3_k", "", 11, 256, 110, nullptr, nullptr},
    {DType::kQ4_K, "q4_k", "", 12, 256, 144, quant::dequantize_q45_k<false>, nullptr},
    {DType::kQ5_K, "q5_k", "", 13, 256, 176, quant::dequantize_q45_k<true>, nullptr},
    {DType::kQ6_K, "q6_k", "", 14, 256, 210, quant::dequantize_q6_k, nullptr},
    {DType::kQ8_K, "q8_k", "", 15, 256, 292, nullptr, nullptr},
    {DType::kU16, "u16", "U16", -1, 1, 2, read_plain<std::uint16_t>, nullptr},
    {DType::kU32, "u32", "U32", -1, 1, 4, read_plain<std::uint32_t>, nullptr},
    {DType::kU64, "u64", "U64", -1, 1, 8, read_plain<std::uint64_t>, nullptr},
    // Whole matrices, not runs of values: packed.h. The numbers are ours, far from those ggml gives out.
    {DType::kInt8, "int8", "", 20008, 1, 1, nullptr, nullptr},
    {DType::kInt4, "int4", "", 20004, 1, 1, nullptr, nullptr},
    {DType::kBF16Packed, "bf16_packed", "", 20016, 1, 2, nullptr, nullptr},
};

constexpr bool rows_stand_in_order() {
  for (std::size_t i = 0; i < std::size(kDTypes); ++i) {
    if (kDTypes[i].type != static_cast<DType>(i)) return false;
  }
  return true;
}
static_assert(rows_stand_in_order(), "info() takes the row by the type's number");

}  // namespace

std::span<const DTypeInfo> dtypes() noexcept {
  return kDTypes;
}

const DTypeInfo& info(DType type) noexcept {
  return kDTypes[static_cast<std::size_t>(type)];
}

namespace {

template <typename Matches>
const DTypeInfo* find_row(Matches matches) noexcept {
  const auto* found = std::find_if(std::begin(kDTypes), std::end(kDTypes), matches);
  return found == std::end(kDTypes) ? nullptr : found;
}

}  // namespace

const DTypeInfo* find_dtype(std::string_view name) noexcept {
  return find_row([&](const DTypeInfo& row) { return row.name == name; });
}
const DTypeInfo* find_safetensors_dtype(std::string_view name) noexcept {
  return find_row([&](const DTypeInfo& row) { return !name.empty() && row.safetensors == name; });
}
const DTypeInfo* find_gguf_dtype(int number) noexcept {
  return find_row([&](const DTypeInfo& row) { return number >= 0 && row.gguf == number; });
}

}  // namespace moonbeam::tensor
