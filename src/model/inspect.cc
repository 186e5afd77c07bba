// What `moonbeam inspect` shows: variant, tensors, types, memory, from headers; with verify every value too.
#include <algorithm>
#include <map>

#include <moonbeam/weights.h>

#include "base/buffer.h"
#include "base/error.h"
#include "model/accuracy.h"
#include "model/checks.h"
#include "model/detect.h"
#include "model/folders.h"
#include "model/mode.h"
#include "model/packing.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam {

namespace {

using model::Source;
using model::SourceTensor;
using model::TensorSpec;

TensorSummary summary_of(const TensorSpec& spec, const SourceTensor& tensor) {
  const auto dims = tensor.view.shape.dims();
  return {.name = spec.name,
          .source_name = tensor.source_name,
          .dtype = std::string(tensor::info(tensor.view.dtype).name),
          .shape = {dims.begin(), dims.end()},
          .bytes = tensor.view.bytes()};
}

std::vector<DTypeSummary> by_dtype(const Source& source, const std::vector<TensorSpec>& table,
                                   const model::ChosenMode& chosen) {
  std::map<std::string_view, DTypeSummary> sums;
  for (const TensorSpec& spec : table) {
    const SourceTensor& tensor = *source.find(spec.name);
    const tensor::TensorView& view = tensor.view;
    DTypeSummary& sum = sums[tensor::info(view.dtype).name];
    sum.dtype = tensor::info(view.dtype).name;
    ++sum.tensors;
    sum.parameters += view.numel();
    sum.bytes += view.bytes();
    sum.memory_bytes += static_cast<std::int64_t>(
        tensor::byte_size(spec.shape, model::loaded_type(spec, tensor, chosen.mode, chosen.recipe))
            .value_or(0));
  }
  std::vector<DTypeSummary> out;
  for (auto& [unused, sum] : sums) out.push_back(std::move(sum));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.parameters > b.parameters; });
  return out;
}

/// Every value of every tensor, a piece at a time.
void verify_values(const Source& source, const std::vector<TensorSpec>& table) {
  constexpr std::int64_t kPiece = 1 << 16;  // a multiple of every block
  std::vector<float> values(kPiece);
  base::ThreadPool pool(base::choose_threads(0));
  for (const TensorSpec& spec : table) {
    const SourceTensor& tensor = *source.find(spec.name);
    base::Buffer<std::byte> made;
    tensor::TensorView view = model::view_of(tensor, pool, made);
    if (tensor.checksum) {
      const std::span bytes(view.data, static_cast<std::size_t>(view.bytes()));
      model::check_sum(source, tensor, model::hash_bytes(bytes, pool));
    }
    if (tensor::is_packed(view.dtype)) {
      made = model::unpack_matrix(view, pool);
      view = {made.data(), tensor::DType::kF32, view.shape};
    }
    const tensor::DTypeInfo& type = tensor::info(view.dtype);
    const std::int64_t count = view.numel();
    for (std::int64_t first = 0; first < count; first += kPiece) {
      const std::int64_t size = std::min(kPiece, count - first);
      type.dequantize(view.data + first / type.block * type.bytes, values.data(), size);
      model::check_finite({values.data(), static_cast<std::size_t>(size)}, tensor.source_name, source.path,
                          first);
    }
  }
}

}  // namespace

ModelSummary inspect_model(const std::string& path, bool verify) {
  const Source source = model::open_source(model::resolve_model(path));
  const model::Identified identified = model::identify(source, {});
  const std::vector<TensorSpec> table = model::tensor_table(identified.config);
  ModelSummary out;
  std::vector<std::string> notes;
  model::check_tensors(source, table, notes);
  out.path = source.path;
  out.format = source.format;
  out.variant = identified.variant_name;
  out.layout = source.layout;
  out.licence = identified.licence;
  out.provenance = source.provenance;
  out.recipe = source.recipe;
  if (!source.accuracy.empty()) {
    out.accuracy = model::parse_accuracy(source.accuracy);
    if (!out.accuracy) notes.push_back("moonbeam.accuracy is not understood");
  }
  for (const TensorSpec& spec : table) {
    out.tensors.push_back(summary_of(spec, *source.find(spec.name)));
    out.bytes += out.tensors.back().bytes;
  }
  const model::ChosenMode chosen =
      model::choose_mode(Mode::kAuto, source, table, identified.config, base::memory());
  out.mode = std::string(mode_name(chosen.mode));
  out.dtypes = by_dtype(source, table, chosen);
  out.parameters = model::parameter_count(table);
  const model::MemoryNeed need =
      model::memory_need(source, table, identified.config, chosen.mode, chosen.recipe);
  out.memory_bytes = need.total();
  out.work_bytes = need.work;
  out.config_json = model::write_config_json(identified.config);
  out.skipped = model::unused_tensors(source, table);
  out.skipped.insert(out.skipped.end(), source.skipped.begin(), source.skipped.end());
  out.notes = source.notes;
  out.notes.insert(out.notes.end(), identified.config.notes.begin(), identified.config.notes.end());
  out.notes.insert(out.notes.end(), notes.begin(), notes.end());
  if (verify) verify_values(source, table);
  return out;
}

}  // namespace moonbeam
