// The one place where sizes of tensors that come from files are multiplied.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tensor/tensor_view.h"

namespace moonbeam::formats {

/// Bytes of a tensor of `dims` (slowest first). Afterwards every product of some of its sizes is known to fit
/// int64, sizes of 0 left out, so that later code may multiply them freely.
/// `where` stands in front of messages. @throws Error kCorrupt (more than 8 sizes, overflow, last size no
/// multiple of the block).
std::uint64_t checked_tensor_bytes(std::span<const std::uint64_t> dims, const tensor::DTypeInfo& dtype,
                                   const std::string& where);

/// After checked_tensor_bytes().
tensor::Shape to_shape(std::span<const std::uint64_t> dims);

}  // namespace moonbeam::formats
