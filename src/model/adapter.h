// LoRA adapters of the text model: files read and checked, and their product added to weights.
// The format is docs/formats/safetensors.md, "Adapters"; what the product means, docs/model.md section 9.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/tensor_table.h"
#include "ops/low_rank.h"

namespace moonbeam::model {

/// Both factors of one layer in f32, the scale folded in: W + b a.
struct AdapterFactors {
  int in = 0, rank = 0, out = 0;
  base::Buffer<float> a;  ///< [rank, in]
  base::Buffer<float> b;  ///< [out, rank]
  ops::LowRank view() const noexcept;
  std::int64_t bytes() const noexcept { return std::int64_t{4} * rank * (in + out); }
};

struct Adapter {
  std::string path;               ///< as the user named it
  std::string base;               ///< model that it was trained on; empty: the file does not say
  std::string digest;             ///< SHA-256 of the file
  bool proj_from_normed = false;  ///< attn.proj's product reads the block's normed input
  std::map<std::string, AdapterFactors, std::less<>> layers;  ///< "text.blocks.0.attn.qkv"

  /// Of the layer whose weights are `tensor` ("text.blocks.0.attn.qkv.weight"); null if there are none.
  const AdapterFactors* find(std::string_view tensor) const;
  /// True where W + b a gives what the adapter means.
  bool can_merge(std::string_view tensor) const;
  void forget(std::string_view tensor);  ///< its factors, merged by now
  std::int64_t bytes() const noexcept;
};

/// Reads an adapter for a model of these sizes. Of the four layers of a block any may have one, in all
/// blocks alike.
/// @throws Error kNotFound, kCorrupt (shapes, missing blocks, values), kUnsupported (no adapter, other
/// tensors, types).
Adapter open_adapter(const std::string& path, const ModelConfig& config);

/// A sentence if the adapter says that it was trained on another model than the one of this name and
/// variant; quantised and renamed copies of one count as the same. Else empty.
std::string base_warning(const Adapter& adapter, const std::string& name, const std::string& variant);

/// weights [out, in] += b a. The bits depend on the table alone.
void merge(const AdapterFactors& factors, float* weights, base::ThreadPool& pool,
           const kernels::KernelTable& table);

}  // namespace moonbeam::model
