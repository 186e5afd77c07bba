#include "train/twin/lora.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/safetensors.h"

namespace moonbeam::train {

using base::fail;
using torch::Tensor;

namespace {

struct Place {
  std::string name;  ///< "text.blocks.0.attn.qkv"
  AdaptableLinear layer;
};

AdaptableLinear layer_of(TextBlockImpl& block, std::string_view target) {
  if (target == "attn.qkv") return block.attn->qkv;
  if (target == "attn.proj") return block.attn->proj;
  if (target == "mlp.fc1") return block.mlp->fc1;
  return block.mlp->fc2;
}

/// Every layer that may have an adapter.
std::vector<Place> places_of(const Twin& twin) {
  std::vector<Place> out;
  int index = 0;
  for (const auto& module : *twin->text->blocks) {
    for (const std::string& target : lora_targets()) {
      out.push_back(
          {base::cat("text.blocks.", index, ".", target), layer_of(*module->as<TextBlockImpl>(), target)});
    }
    ++index;
  }
  return out;
}

bool is_target(const Place& place, const std::vector<std::string>& targets) {
  return std::any_of(targets.begin(), targets.end(),
                     [&](const std::string& target) { return place.name.ends_with("." + target); });
}

}  // namespace

const std::vector<std::string>& lora_targets() {
  static const std::vector<std::string> kTargets = {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"};
  return kTargets;
}

void add_lora(Twin& twin, int rank, const std::vector<std::string>& targets, std::uint64_t seed) {
  const std::vector<std::string>& known = lora_targets();
  for (const std::string& target : targets) {
    if (std::find(known.begin(), known.end(), target) == known.end()) {
      fail(ErrorCode::kInvalidArgument, "adapter: expected attn.qkv, attn.proj, mlp.fc1 or mlp.fc2, got '",
           base::printable(target), "'");
    }
  }
  if (rank < 1) fail(ErrorCode::kInvalidArgument, "adapter: expected a rank from 1, got ", rank);
  const torch::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (Place& place : places_of(twin)) {
    if (!is_target(place, targets)) continue;
    const Tensor weight = place.layer->weight;
    const double std = 1 / std::sqrt(static_cast<double>(weight.size(1)));
    const Tensor a = torch::randn({rank, weight.size(1)}, generator, torch::kDouble) * std;
    place.layer->set_adapter(a.to(weight.options()), torch::zeros({weight.size(0), rank}, weight.options()));
  }
}

std::vector<NamedTwinTensor> lora_tensors(const Twin& twin) {
  std::vector<NamedTwinTensor> out;
  for (const Place& place : places_of(twin)) {
    if (!place.layer->adapted()) continue;
    out.push_back({place.name + ".A", place.layer->A});
    out.push_back({place.name + ".B", place.layer->B});
  }
  return out;
}

std::vector<NamedTwinTensor> merged_tensors(const Twin& twin) {
  const torch::NoGradGuard no_grad;
  std::vector<NamedTwinTensor> out = twin_tensors(twin);
  for (const Place& place : places_of(twin)) {
    if (!place.layer->adapted()) continue;
    const std::string name = place.name + ".weight";
    const auto at = std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.name == name; });
    at->tensor = place.layer->merged_weight();
  }
  return out;
}

void merge_lora(Twin& twin) {
  const torch::NoGradGuard no_grad;
  for (Place& place : places_of(twin)) {
    if (!place.layer->adapted()) continue;
    place.layer->weight.copy_(place.layer->merged_weight());
    place.layer->drop_adapter();
  }
}

void save_lora(const Twin& twin, const std::string& base, const std::string& path, tensor::DType dtype) {
  const std::vector<NamedTwinTensor> tensors = lora_tensors(twin);
  if (tensors.empty()) fail(ErrorCode::kInvalidArgument, "adapter: the model has none");
  if (dtype != tensor::DType::kF32 && dtype != tensor::DType::kBF16) {
    fail(ErrorCode::kInvalidArgument, "adapter: expected f32 or bf16, got ", tensor::info(dtype).name);
  }
  const auto type = dtype == tensor::DType::kF32 ? torch::kFloat : torch::kBFloat16;
  std::vector<formats::TensorToWrite> out;
  for (const NamedTwinTensor& one : tensors) {
    const auto sizes = one.tensor.sizes();
    out.push_back({.name = one.name,
                   .dtype = dtype,
                   .shape = tensor::Shape(std::span(sizes.data(), sizes.size())),
                   .write = [from = one.tensor, type](const auto& sink) {
                     const Tensor plain = from.detach().to(torch::kCPU, type).contiguous();
                     sink({static_cast<const std::byte*>(plain.const_data_ptr()), plain.nbytes()});
                   }});
  }
  const std::string rank = std::to_string(tensors.front().tensor.size(0));
  formats::write_safetensors(path, out,
                             {{"base", base}, {"rank", rank}, {"proj_input", "attn"}, {"format", "pt"}});
}

}  // namespace moonbeam::train
