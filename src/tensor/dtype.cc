#include "tensor/dtype.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/float16.h"

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
};

}  // namespace

std::span<const DTypeInfo> dtypes() noexcept {
  return kDTypes;
}

const DTypeInfo& info(DType type) noexcept {
  return *std::find_if(std::begin(kDTypes), std::end(kDTypes),
                       [&](const DTypeInfo& row) { return row.type == type; });
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
