// Shapes and views of tensors that somebody else owns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "tensor/dtype.h"

namespace moonbeam::tensor {

/// Row-major sizes, at most 8 of them.
class Shape {
 public:
  static constexpr int kMaxRank = 8;
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::span<const std::int64_t> dims);
  int rank() const noexcept { return rank_; }
  std::int64_t operator[](int i) const noexcept { return dims_[static_cast<std::size_t>(i)]; }
  std::span<const std::int64_t> dims() const noexcept {
    return {dims_.data(), static_cast<std::size_t>(rank_)};
  }
  std::int64_t numel() const noexcept;  ///< product; checked when the shape came from a file
  bool operator==(const Shape& other) const noexcept;
  std::string to_string() const;  ///< "[51200,2048]"

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// Bytes that `shape` of `type` takes; none on overflow or where the last size is no multiple of the block.
std::optional<std::uint64_t> byte_size(const Shape& shape, DType type) noexcept;

/// Never owns: valid while whoever made it lives. Data may be unaligned.
struct TensorView {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  std::int64_t numel() const noexcept { return shape.numel(); }
  std::int64_t bytes() const noexcept {
    return static_cast<std::int64_t>(byte_size(shape, dtype).value_or(0));
  }
  /// Bytes from one row (all but the first size) to the next.
  std::int64_t row_bytes() const noexcept;
  /// Row r of a matrix.
  const std::byte* row(std::int64_t r) const noexcept { return data + r * row_bytes(); }
};

/// All values as f32, `out` [numel].
void to_f32(const TensorView& view, float* out) noexcept;

}  // namespace moonbeam::tensor
