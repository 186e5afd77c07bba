#include "formats/tensor_size.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "base/checked.h"
#include "base/error.h"
#include "tensor/packed.h"

namespace moonbeam::formats {

namespace {

std::uint64_t checked_packed_bytes(std::span<const std::uint64_t> dims, const tensor::DTypeInfo& dtype,
                                   const std::string& where) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fit = std::all_of(dims.begin(), dims.end(), [](std::uint64_t size) { return size <= kMost; });
  const auto layout = fit ? tensor::packed_layout(to_shape(dims), dtype.type) : std::nullopt;
  if (!layout) base::fail(ErrorCode::kCorrupt, where, ": expected a matrix (", dtype.name, ")");
  return layout->bytes;
}

}  // namespace

std::uint64_t checked_tensor_bytes(std::span<const std::uint64_t> dims, const tensor::DTypeInfo& dtype,
                                   const std::string& where) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (dims.size() > static_cast<std::size_t>(tensor::Shape::kMaxRank)) {
    base::fail(ErrorCode::kCorrupt, where, ": expected at most ", tensor::Shape::kMaxRank,
               " dimensions, got ", dims.size());
  }
  if (tensor::is_packed(dtype.type)) return checked_packed_bytes(dims, dtype, where);
  const auto block = static_cast<std::uint64_t>(dtype.block);
  const std::uint64_t last = dims.empty() ? 1 : dims.back();
  if (last % block != 0) {
    base::fail(ErrorCode::kCorrupt, where, ": expected rows of a multiple of ", block, " values (",
               dtype.name, "), got ", last);
  }
  // Zeros are left out at first: [2^62, 2^62, 0] has no elements, but code that multiplies from the left
  // would overflow before it meets the zero.
  std::optional<std::uint64_t> product = 1;
  for (const std::uint64_t size : dims) {
    if (size != 0 && product) product = base::checked_mul(*product, size);
  }
  std::optional<std::uint64_t> bytes;
  if (product) bytes = base::checked_mul(*product, static_cast<std::uint64_t>(dtype.bytes));
  if (!bytes || *bytes > kMost)
    base::fail(ErrorCode::kCorrupt, where, ": the product of its sizes overflows");
  if (std::find(dims.begin(), dims.end(), std::uint64_t{0}) != dims.end()) return 0;
  return *bytes / block;
}

tensor::Shape to_shape(std::span<const std::uint64_t> dims) {
  std::vector<std::int64_t> sizes;
  for (const std::uint64_t size : dims) sizes.push_back(static_cast<std::int64_t>(size));
  return tensor::Shape(sizes);
}

}  // namespace moonbeam::formats
