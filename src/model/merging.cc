#include "model/merging.h"

#include <cstring>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "formats/safetensors.h"
#include "kernels/kernels.h"
#include "model/packing.h"

namespace moonbeam::model {

using base::fail;
using tensor::DType;

namespace {

bool is_plain(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

/// `plain` with the product of its layer, made when it is asked for, a matrix at a time in memory.
SourceTensor merged_tensor(const SourceTensor& plain, const tensor::Shape& shape,
                           std::shared_ptr<const Adapter> adapter, const std::string& name) {
  SourceTensor out{plain.source_name, {nullptr, plain.view.dtype, shape}, nullptr};
  out.make = [plain, shape, adapter = std::move(adapter), name](std::byte* to, base::ThreadPool& pool) {
    base::Buffer<std::byte> made;
    tensor::TensorView view = view_of(plain, pool, made);
    view.shape = shape;
    base::Buffer<std::byte> values = merged_matrix(view, *adapter->find(name), pool);
    if (view.dtype != DType::kF32)
      values = convert_matrix({values.data(), DType::kF32, shape}, view.dtype, pool);
    std::memcpy(to, values.data(), values.size());
    if (plain.view.data) base::forget_pages({view.data, static_cast<std::size_t>(view.bytes())});
  };
  return out;
}

}  // namespace

Adapter open_mergeable(const std::string& path, Source& source, const Identified& identified,
                       const std::vector<TensorSpec>& table, bool widened) {
  Adapter adapter = open_adapter(path, identified.config);
  for (const TensorSpec& spec : table) {
    if (!adapter.find(spec.name)) continue;
    if (!adapter.can_merge(spec.name)) {
      fail(ErrorCode::kUnsupported, base::printable(path), ": '", spec.name,
           "': no weights give its product, which reads the block's input (proj_input): load the adapter "
           "beside the model (--adapter)");
    }
    const DType type = source.find(spec.name)->view.dtype;
    if (widened || is_plain(type)) continue;
    fail(ErrorCode::kUnsupported, base::printable(source.path), ": '", spec.name, "': is ",
         tensor::info(type).name,
         ": an adapter is merged into f32, f16 or bf16 (convert --dtype), best into the model that was "
         "quantised, which is then quantised again");
  }
  source.files.push_back(std::make_shared<const formats::WeightFile>(formats::open_safetensors(path)));
  return adapter;
}

base::Buffer<std::byte> merged_matrix(const tensor::TensorView& view, const AdapterFactors& factors,
                                      base::ThreadPool& pool) {
  base::Buffer<std::byte> out = unpack_matrix(view, pool);
  // Plain C++ wherever it runs: the same files give the same bytes.
  merge(factors, reinterpret_cast<float*>(out.data()), pool, kernels::kernels("scalar"));
  return out;
}

std::string merge_into(Source& source, const std::string& path, const Identified& identified,
                       const std::vector<TensorSpec>& table) {
  const auto adapter =
      std::make_shared<const Adapter>(open_mergeable(path, source, identified, table, /*widened=*/false));
  for (const TensorSpec& spec : table) {
    if (!adapter->find(spec.name)) continue;
    SourceTensor& tensor = source.tensors.find(spec.name)->second;
    tensor = merged_tensor(tensor, spec.shape, adapter, spec.name);
  }
  return base_warning(*adapter, source.name, identified.variant_name);
}

}  // namespace moonbeam::model
