// Matrices of any readable type into the panels that the kernels read, and back.
#pragma once

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "tensor/packed.h"
#include "tensor/tensor_view.h"

namespace moonbeam::model {

/// `view` [n, k] of any readable type, packed or not, as the packed `type`. @throws Error kExhausted.
base::Buffer<std::byte> pack_matrix(const tensor::TensorView& view, tensor::DType type,
                                    base::ThreadPool& pool);

/// `view` [n, k] as f32.
base::Buffer<std::byte> unpack_matrix(const tensor::TensorView& view, base::ThreadPool& pool);

}  // namespace moonbeam::model
