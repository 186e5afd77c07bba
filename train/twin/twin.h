// The whole model as a module: named_parameters() and named_buffers() are the engine's tensors, under their
// plain names ("text.blocks.0.attn.qkv.weight") and in their shapes.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "model/config.h"
#include "train/twin/region.h"
#include "train/twin/text.h"
#include "train/twin/vision.h"

namespace moonbeam::train {

class TwinImpl : public torch::nn::Module {
 public:
  /// @throws Error as ModelConfig::validate; kUnsupported as VisionTwin.
  explicit TwinImpl(model::ModelConfig config);

  const model::ModelConfig& config() const { return config_; }
  /// Templates and special ids, once a tokenizer is there; sizes stay.
  void set_prompts(const model::Prompts& prompts) { config_.prompts = prompts; }
  bool has_region() const { return !region.is_empty(); }
  torch::Device device() const { return text->wte.device(); }
  torch::ScalarType dtype() const { return text->wte.scalar_type(); }
  /// Where text positions begin: BOS and the image embeddings.
  int prefix() const { return 1 + config_.vision.image_tokens(); }

  VisionTwin vision{nullptr};
  TextTwin text{nullptr};
  RegionTwin region{nullptr};  ///< empty where the variant has none

 private:
  model::ModelConfig config_;
};
TORCH_MODULE(Twin);

/// A parameter or buffer under its plain name.
struct NamedTwinTensor {
  std::string name;
  torch::Tensor tensor;
};
/// In the order of model::tensor_table, adapters (lora.h) left out. @throws Error kCorrupt if a name or shape
/// differs: a bug in a twin.
std::vector<NamedTwinTensor> twin_tensors(const Twin& twin);

}  // namespace moonbeam::train
