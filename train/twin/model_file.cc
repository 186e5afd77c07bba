#include "train/twin/model_file.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "model/checks.h"
#include "model/detect.h"
#include "model/folders.h"
#include "model/packing.h"
#include "model/source.h"
#include "model/tensor_table.h"
#include "tensor/packed.h"
#include "train/twin/lora.h"

namespace moonbeam::train {

using base::fail;
using torch::Tensor;

namespace {

constexpr char kHubPrefix[] = "model.";

using ModelTable = std::vector<model::TensorSpec>;

tensor::Shape shape_of(const Tensor& tensor) {
  return tensor::Shape(std::span(tensor.sizes().data(), tensor.sizes().size()));
}

/// `values` into `to`, whatever its type and device.
void assign(const Tensor& to, std::span<float> values) {
  const torch::NoGradGuard no_grad;
  to.copy_(torch::from_blob(values.data(), to.sizes(), torch::kFloat));
}

std::vector<float> values_of(const model::SourceTensor& tensor, base::ThreadPool& pool) {
  tensor::TensorView view = tensor.view;
  base::Buffer<std::byte> made;
  if (!view.data) {
    made = base::Buffer<std::byte>(static_cast<std::size_t>(view.bytes()));
    tensor.make(made.data(), pool);
    view.data = made.data();
  }
  if (tensor::is_packed(view.dtype)) {
    made = model::unpack_matrix(view, pool);
    view = {made.data(), tensor::DType::kF32, view.shape};
  }
  std::vector<float> values(static_cast<std::size_t>(view.numel()));
  tensor::to_f32(view, values.data());
  return values;
}

std::string first_packed(const model::Source& source, const ModelTable& table) {
  constexpr tensor::DType kPlain[] = {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16,
                                      tensor::DType::kBF16Packed};
  for (const model::TensorSpec& spec : table) {
    const tensor::DType type = source.find(spec.name)->view.dtype;
    if (std::find(std::begin(kPlain), std::end(kPlain), type) == std::end(kPlain)) {
      return base::cat("'", spec.name, "' is ", tensor::info(type).name);
    }
  }
  return {};
}

void fill(const Twin& twin, const model::Source& source) {
  base::ThreadPool pool(base::choose_threads(0));
  for (const NamedTwinTensor& to : twin_tensors(twin)) {
    std::vector<float> values = values_of(*source.find(to.name), pool);
    model::check_finite(values, to.name, source.path);
    assign(to.tensor, values);
  }
}

}  // namespace

LoadedModel load_twin(const std::string& path) {
  const model::Source source = model::open_source(model::resolve_model(path));
  model::Identified identified = model::identify(source, {});
  std::vector<std::string> notes;
  const ModelTable table = model::tensor_table(identified.config);
  model::check_tensors(source, table, notes);
  LoadedModel out{Twin(std::move(identified.config)), std::move(identified.tokenizer_json),
                  std::move(identified.licence), first_packed(source, table)};
  fill(out.twin, source);
  return out;
}

std::vector<formats::TensorToWrite> tensors_to_write(const Twin& twin, tensor::DType dtype,
                                                     double coordinate_bias) {
  if (dtype != tensor::DType::kF32 && dtype != tensor::DType::kBF16) {
    fail(ErrorCode::kInvalidArgument, "checkpoint: expected f32 or bf16, got ", tensor::info(dtype).name);
  }
  const std::vector<model::TensorSpec> table = model::tensor_table(twin->config());
  const std::vector<NamedTwinTensor> tensors = merged_tensors(twin);
  std::vector<formats::TensorToWrite> out;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const tensor::DType type = table[i].kind == model::TensorKind::kSmall ? tensor::DType::kF32 : dtype;
    Tensor from = tensors[i].tensor;
    if (coordinate_bias != 0 && tensors[i].name == "text.lm_head.bias") {
      from = from.detach().clone();
      from[twin->config().prompts.coord] += coordinate_bias;
    }
    out.push_back({.name = kHubPrefix + tensors[i].name,
                   .dtype = type,
                   .shape = shape_of(tensors[i].tensor),
                   .write = [from, type](const auto& sink) {
                     const auto torch_type = type == tensor::DType::kF32 ? torch::kFloat : torch::kBFloat16;
                     const Tensor plain = from.detach().to(torch::kCPU, torch_type).contiguous();
                     sink({static_cast<const std::byte*>(plain.const_data_ptr()), plain.nbytes()});
                   }});
  }
  return out;
}

void save_twin(const Twin& twin, const std::string& tokenizer_json, const std::string& folder,
               const SaveOptions& options) {
  const std::vector<formats::TensorToWrite> tensors =
      tensors_to_write(twin, options.dtype, options.coordinate_bias);
  base::AtomicFolder atomic(folder);
  const std::filesystem::path path = atomic.path();
  const auto write_text = [&](const char* name, const std::string& text) {
    base::AtomicFile file((path / name).string());
    file.write(text);
    file.commit();
  };
  write_text("config.json", model::write_config_json(twin->config()));
  write_text("tokenizer.json", tokenizer_json);
  std::map<std::string, std::string> metadata = options.metadata;
  metadata.emplace("format", "pt");
  formats::write_safetensors((path / "model.safetensors").string(), tensors, metadata);
  atomic.commit();
}

void load_weights(Twin& twin, const std::string& safetensors) {
  const model::Source source = model::open_safetensors_source(safetensors);
  std::vector<std::string> notes;
  model::check_tensors(source, model::tensor_table(twin->config()), notes);
  fill(twin, source);
}

}  // namespace moonbeam::train
