// The two pretrained parts of a fused model: their files, sizes and names.
#pragma once

#include <memory>
#include <string>

#include "model/config.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

/// A folder as transformers saves one, or the safetensors file in it.
struct HuggingFacePart {
  std::string folder;
  std::string config_text, config_name;
  std::shared_ptr<const formats::WeightFile> weights;
};

/// @throws Error kNotFound (no safetensors, no config.json), and as open_safetensors().
HuggingFacePart open_part(const std::string& path);

/// Sizes of a SigLIP image encoder, or of a Phi text model. Those of the projector are not touched.
void read_siglip_sizes(const HuggingFacePart& part, vision::VisionConfig& vision);
void read_phi_sizes(const HuggingFacePart& part, text::TextConfig& text);

/// The part's tensors that `table` names with "vision." or "text.", into `source`; q, k and v joined. Tensors
/// that no model of ours has (SigLIP's head and text half) are left out, others are listed as skipped.
void take_siglip(const HuggingFacePart& part, const std::vector<TensorSpec>& table, Source& source);
void take_phi(const HuggingFacePart& part, const std::vector<TensorSpec>& table, Source& source);

}  // namespace moonbeam::model
