// Adapters merged into the weights that are written: what `moonbeam convert` and `quantize` share. Merging
// while a model is loaded is load.cc's.
#pragma once

#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "model/adapter.h"
#include "model/detect.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

/// Reads an adapter all of whose products weights can give. Its file joins those of `source`, so that
/// provenance names it and it is not written over.
/// @param widened  matrices are written in a type that the caller chose; otherwise each keeps its own.
/// @throws Error as open_adapter; kUnsupported where it cannot be merged: attn.proj reads another input than
/// the weights do, or quantised weights keep their types.
Adapter open_mergeable(const std::string& path, Source& source, const Identified& identified,
                       const std::vector<TensorSpec>& table, bool widened);

/// `view` [out, in] of any readable type with the product added, f32. The bits depend on the files alone.
base::Buffer<std::byte> merged_matrix(const tensor::TensorView& view, const AdapterFactors& factors,
                                      base::ThreadPool& pool);

/// From here on the source's weights are those with the adapter merged in, each rounded to its own type: what
/// `convert` writes without a type, tensor for tensor.
/// @return base_warning()
/// @throws Error as open_mergeable.
std::string merge_into(Source& source, const std::string& adapter, const Identified& identified,
                       const std::vector<TensorSpec>& table);

}  // namespace moonbeam::model
