// Shapes, sizes in bytes that cannot overflow, values as f32.
#include "tensor/tensor_view.h"

#include <algorithm>
#include <cstdint>

#include "base/checked.h"
#include "base/error.h"
#include "tensor/packed.h"

namespace moonbeam::tensor {

Shape::Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const std::int64_t> dims) {
  if (dims.size() > kMaxRank) {
    base::fail(ErrorCode::kUnsupported, "shape: expected at most ", kMaxRank, " sizes, got ", dims.size());
  }
  std::copy(dims.begin(), dims.end(), dims_.begin());
  rank_ = static_cast<int>(dims.size());
}

std::int64_t Shape::numel() const noexcept {
  std::int64_t product = 1;
  for (const std::int64_t size : dims()) product *= size;
  return product;
}

bool Shape::operator==(const Shape& other) const noexcept {
  return std::equal(dims().begin(), dims().end(), other.dims().begin(), other.dims().end());
}

std::string Shape::to_string() const {
  return base::format_shape({dims().begin(), dims().end()});
}

std::optional<std::uint64_t> byte_size(const Shape& shape, DType type) noexcept {
  if (is_packed(type)) {
    const auto layout = packed_layout(shape, type);
    return layout ? std::optional<std::uint64_t>(layout->bytes) : std::nullopt;
  }
  const DTypeInfo& row = info(type);
  std::uint64_t product = 1;
  for (const std::int64_t size : shape.dims()) {
    if (size < 0) return std::nullopt;
    const auto next = base::checked_mul(product, static_cast<std::uint64_t>(size));
    if (!next) return std::nullopt;
    product = *next;
  }
  const auto block = static_cast<std::uint64_t>(row.block);
  const std::uint64_t last = shape.rank() == 0 ? 1 : static_cast<std::uint64_t>(shape[shape.rank() - 1]);
  if (last % block != 0) return std::nullopt;
  const auto bytes = base::checked_mul(product / block, static_cast<std::uint64_t>(row.bytes));
  // TensorView counts in 64 bits with a sign.
  if (!bytes || std::max(*bytes, product) > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return bytes;
}

std::int64_t TensorView::row_bytes() const noexcept {
  if (shape.rank() == 0) return info(dtype).bytes;
  const std::int64_t rows = shape[0];
  return rows == 0 ? 0 : bytes() / rows;
}

void to_f32(const TensorView& view, float* out) noexcept {
  if (is_packed(view.dtype)) {
    const PackedLayout layout = *packed_layout(view.shape, view.dtype);
    for (int r = 0; r < layout.n; ++r, out += layout.k) unpack_row(layout, view.data, r, out);
    return;
  }
  const DTypeInfo& row = info(view.dtype);
  MB_ASSERT(row.dequantize != nullptr);
  row.dequantize(view.data, out, view.numel());
}

}  // namespace moonbeam::tensor
