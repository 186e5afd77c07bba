// What every call of the forward pass needs beside its tensors.
#pragma once

#include <functional>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace moonbeam::ops {

/// Type of keys, values and the products of attention; sums are f32 in both.
enum class Precision { kF32, kBF16 };

/// State of one request: the shared pool and kernels, and scratch memory of its own. Not shared between
/// threads. Buffers grow to the largest call and stay.
struct Context {
  base::ThreadPool& pool;
  const kernels::KernelTable& kernels;
  Precision precision;

  base::Buffer<float> packed_rows;  ///< activations in panel order, shared by all threads of a call
  std::vector<base::Buffer<float>> thread_scratch;  ///< one per thread: a panel of weights, attention scores

  Context(base::ThreadPool& shared_pool, const kernels::KernelTable& table,
          Precision attention_precision = Precision::kF32)
      : pool(shared_pool),
        kernels(table),
        precision(attention_precision),
        thread_scratch(static_cast<std::size_t>(shared_pool.threads())) {}
};

}  // namespace moonbeam::ops
