#include "train/optim/parameters.h"

#include "train/twin/lora.h"

namespace moonbeam::train {

namespace {

Group group_of(std::string_view name) {
  if (name.ends_with(".A") || name.ends_with(".B")) return Group::kLora;
  if (name.starts_with("vision.proj_mlp.")) return Group::kProjector;
  if (name.starts_with("vision.")) return Group::kVision;
  if (name.starts_with("region.")) return Group::kRegion;
  return name.starts_with("text.") ? Group::kText : Group::kHeads;
}

LearningParameter describe(std::string name, const torch::Tensor& tensor) {
  LearningParameter out{std::move(name), tensor};
  out.group = group_of(out.name);
  out.decays = tensor.dim() == 2 && out.name.ends_with(".weight");
  const bool inner = out.name.starts_with("vision.blocks.") || out.name.starts_with("text.blocks.") ||
                     out.group == Group::kProjector;
  out.muon = out.decays && inner;
  return out;
}

}  // namespace

std::vector<LearningParameter> learning_parameters(const Twin& twin, const Heads& heads) {
  std::vector<LearningParameter> out;
  for (const NamedTwinTensor& one : twin_tensors(twin)) {
    if (one.name.ends_with("_features")) continue;  // drawn once, never trained
    out.push_back(describe(one.name, one.tensor));
  }
  for (const NamedTwinTensor& one : lora_tensors(twin)) out.push_back(describe(one.name, one.tensor));
  const auto add = [&](const char* prefix, const torch::nn::Module& head) {
    for (const auto& item : head.named_parameters())
      out.push_back(describe(prefix + item.key(), item.value()));
  };
  if (!heads.dense.is_empty()) add("heads.dense.", *heads.dense);
  if (!heads.align_box.is_empty()) add("heads.align_box.", *heads.align_box);
  return out;
}

void set_trained(const std::vector<LearningParameter>& parameters, const std::array<bool, kGroups>& trains) {
  for (const LearningParameter& parameter : parameters) {
    torch::Tensor tensor = parameter.tensor;
    tensor.mutable_grad() = torch::Tensor();
    tensor.set_requires_grad(trains[static_cast<std::size_t>(parameter.group)]);
  }
}

}  // namespace moonbeam::train
