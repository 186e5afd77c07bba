#include "model/quantize.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "model/gguf_form.h"
#include "model/mode.h"
#include "model/packing.h"

namespace moonbeam::model {

using base::fail;
using formats::TensorToWrite;

namespace {

using Sink = std::function<void(std::span<const std::byte>)>;

/// The tensor as `type`, a tensor at a time in memory.
void write_tensor(const TensorSpec& spec, const SourceTensor& tensor, tensor::DType type,
                  base::ThreadPool& pool, const Sink& sink) {
  base::Buffer<std::byte> made, converted;
  tensor::TensorView view = view_of(tensor, pool, made);
  view.shape = spec.shape;
  if (type != view.dtype) {
    converted = convert_matrix(view, type, pool);
    sink(converted.span());
  } else {
    sink({view.data, static_cast<std::size_t>(view.bytes())});
  }
  if (tensor.view.data) base::forget_pages({view.data, static_cast<std::size_t>(view.bytes())});
}

}  // namespace

void check_quantize_target(const Source& source, const std::string& out) {
  if (!out.ends_with(".gguf")) {
    fail(ErrorCode::kInvalidArgument, base::printable(out),
         ": expected a path ending in .gguf: quantised weights are a file of our own form");
  }
  refuse_own_input(source, out);
}

void write_quantized(const std::string& out, const QuantizedFile& file, base::ThreadPool& pool,
                     const std::function<bool(int done, int total)>& on_tensor) {
  check_quantize_target(file.source, out);
  const int total = static_cast<int>(file.table.size());
  int done = 0;
  std::vector<TensorToWrite> list;
  for (const TensorSpec& spec : file.table) {
    const SourceTensor& tensor = *file.source.find(spec.name);
    const tensor::DType type = spec.kind == TensorKind::kSmall
                                   ? tensor.view.dtype
                                   : loaded_type(spec, tensor, file.mode, file.recipe);
    list.push_back(
        {.name = spec.name, .dtype = type, .shape = spec.shape, .write = [&, type](const Sink& sink) {
           write_tensor(spec, tensor, type, pool, sink);
           if (on_tensor && !on_tensor(++done, total))
             fail(ErrorCode::kCancelled, "quantising was cancelled");
         }});
  }
  check_disk_space(out, list, file.identified.tokenizer_json.size());
  FormKeys keys = form_keys(file.source, file.identified, file.table);
  keys.emplace_back(kKeyRecipe, file.recipe_text);
  if (!file.accuracy.empty()) keys.emplace_back(kKeyAccuracy, file.accuracy);
  write_checked_gguf(out, keys, list);
}

}  // namespace moonbeam::model
