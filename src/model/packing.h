// Matrices of any readable type into the panels that the kernels read, and back.
#pragma once

#include <cstdint>
#include <span>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "tensor/packed.h"
#include "tensor/tensor_view.h"

namespace moonbeam::model {

/// `view` [n, k] of any readable type, packed or not, as the packed `type`. @throws Error kExhausted.
base::Buffer<std::byte> pack_matrix(const tensor::TensorView& view, tensor::DType type,
                                    base::ThreadPool& pool);

/// The same for any type that can be written, in rows or in panels: int8, q8_0, bf16 ...
base::Buffer<std::byte> convert_matrix(const tensor::TensorView& view, tensor::DType type,
                                       base::ThreadPool& pool);

/// A copy in memory that all threads touched first; `sum` becomes base::hash64 of it.
base::Buffer<std::byte> copy_bytes(std::span<const std::byte> bytes, base::ThreadPool& pool,
                                   std::uint64_t& sum);
/// base::hash64 by all threads.
std::uint64_t hash_bytes(std::span<const std::byte> bytes, base::ThreadPool& pool);

/// `view` [n, k] as f32.
base::Buffer<std::byte> unpack_matrix(const tensor::TensorView& view, base::ThreadPool& pool);

}  // namespace moonbeam::model
