#include "train/twin/twin.h"

#include <map>
#include <utility>

#include "base/error.h"
#include "model/tensor_table.h"

namespace moonbeam::train {

using base::fail;

TwinImpl::TwinImpl(model::ModelConfig config) : config_(std::move(config)) {
  config_.validate();
  vision = register_module("vision", VisionTwin(config_.vision));
  text = register_module("text", TextTwin(config_.text));
  if (config_.region) region = register_module("region", RegionTwin(*config_.region));
}

std::vector<NamedTwinTensor> twin_tensors(const Twin& twin) {
  std::map<std::string, torch::Tensor> found;
  for (const auto& item : twin->named_parameters()) {
    const bool adapter = item.key().ends_with(".A") || item.key().ends_with(".B");
    if (!adapter) found.emplace(item.key(), item.value());
  }
  for (const auto& item : twin->named_buffers()) found.emplace(item.key(), item.value());
  const std::vector<model::TensorSpec> table = model::tensor_table(twin->config());
  std::vector<NamedTwinTensor> out;
  for (const model::TensorSpec& spec : table) {
    const auto at = found.find(spec.name);
    if (at == found.end()) fail(ErrorCode::kCorrupt, "twin: no tensor '", spec.name, "'");
    bool same = at->second.dim() == spec.shape.rank();
    for (int i = 0; same && i < spec.shape.rank(); ++i) same = at->second.size(i) == spec.shape[i];
    if (!same) {
      fail(ErrorCode::kCorrupt, "twin: '", spec.name, "': expected ", spec.shape.to_string(), ", got ",
           c10::str(at->second.sizes()));
    }
    out.push_back({spec.name, at->second});
  }
  if (out.size() != found.size()) {
    fail(ErrorCode::kCorrupt, "twin: expected ", out.size(), " tensors, got ", found.size());
  }
  return out;
}

}  // namespace moonbeam::train
