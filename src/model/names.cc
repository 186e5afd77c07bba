// From the names in safetensors files to our plain ones: prefixes, the layout of 2024, releases that this
// engine does not know.
#include <algorithm>
#include <map>

#include "base/error.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

using base::fail;

namespace {

constexpr std::string_view kHubPrefix = "model.";
constexpr std::string_view kVision2024 = "vision_encoder.encoder.model.visual.";

std::string without_wrappers(std::string name) {
  constexpr std::string_view kCompiled = "._orig_mod";
  for (std::size_t at; (at = name.find(kCompiled)) != std::string::npos;) name.erase(at, kCompiled.size());
  if (name.starts_with("_orig_mod.")) name.erase(0, kCompiled.size());
  return name;
}

/// Layout A's name -> row of the table, for as many blocks as the file has.
std::map<std::string, TensorSpec> names_of_2024(const std::vector<std::string>& names) {
  ModelConfig config;
  config.region.emplace();
  config.vision.layers = count_blocks(names, "vision_encoder.encoder.model.visual.blocks.");
  config.text.layers = count_blocks(names, "text_model.transformer.h.");
  std::map<std::string, TensorSpec> out;
  for (TensorSpec& spec : tensor_table(config)) {
    std::string key = spec.checkpoint_2024;
    out.emplace(std::move(key), std::move(spec));
  }
  return out;
}

/// A [columns, rows] table as [rows, columns]; any readable type, as f32.
SourceTensor transposed(std::string name, const tensor::TensorView& view) {
  SourceTensor out{std::move(name), view, nullptr};
  if (view.shape.rank() != 2) return out;  // the shape check will say so
  const std::int64_t rows = view.shape[1], columns = view.shape[0];
  if (rows == 1) {
    out.view.shape = {rows, columns};
    return out;
  }
  const int bytes = tensor::info(view.dtype).bytes;
  if (tensor::info(view.dtype).block != 1) return out;
  out.view.shape = {rows, columns};
  out.view.data = nullptr;
  out.make = [from = view.data, rows, columns, bytes](std::byte* to, base::ThreadPool&) {
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) {
        std::copy_n(from + (c * rows + r) * bytes, bytes, to + (r * columns + c) * bytes);
      }
    }
  };
  return out;
}

void take_2024(Source& source, const std::map<std::string, const formats::NamedTensor*>& tensors,
               const std::vector<std::string>& names) {
  const auto known = names_of_2024(names);
  source.old_region = tensors.contains("region_model.position_features.weight") ||
                      tensors.contains("region_model.position_encoder.weight");
  for (const auto& [name, tensor] : tensors) {
    if (source.old_region && name.starts_with("region_model.")) continue;  // no published prompt used it
    const auto found = known.find(name);
    if (found == known.end()) {
      source.skipped.push_back(tensor->name);
      continue;
    }
    const TensorSpec& spec = found->second;
    source.tensors.emplace(spec.name, spec.transposed_2024
                                          ? transposed(tensor->name, tensor->view)
                                          : SourceTensor{tensor->name, tensor->view, nullptr});
  }
}

[[noreturn]] void fail_not_moondream(const Source& source, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name.find(".tau_") != std::string::npos || name.find("experts") != std::string::npos) {
      fail(ErrorCode::kUnsupported, base::printable(source.path),
           ": expected Moondream 2 or 0.5B, got Moondream 3 (tensor '", base::printable(name), "')");
    }
  }
  fail(ErrorCode::kUnsupported, base::printable(source.path),
       ": expected tensors of Moondream (vision.blocks.0.attn.proj.bias or its name of 2024), got ",
       names.empty() ? "none"
                     : base::cat("'", base::printable(names.front()), "' and ", names.size() - 1, " more"));
}

}  // namespace

void take_named_tensors(Source& source, const std::vector<formats::NamedTensor>& tensors) {
  std::map<std::string, const formats::NamedTensor*> plain;
  bool prefixed = false;
  for (const formats::NamedTensor& tensor : tensors) {
    std::string name = without_wrappers(tensor.name);
    if (name.starts_with(kHubPrefix)) {
      name.erase(0, kHubPrefix.size());
      prefixed = true;
    }
    const auto [at, fresh] = plain.emplace(name, &tensor);
    if (!fresh) {
      fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(at->second->name),
           "' and '", base::printable(tensor.name), "' are the same tensor");
    }
  }
  std::vector<std::string> names;
  for (const auto& [name, unused] : plain) names.push_back(name);
  if (plain.contains("vision.blocks.0.attn.proj.bias")) {
    source.layout = prefixed ? "hf_2025" : "plain";
    for (const auto& [name, tensor] : plain)
      source.tensors.emplace(name, SourceTensor{tensor->name, tensor->view, nullptr});
  } else if (plain.contains(base::cat(kVision2024, "blocks.0.attn.proj.bias"))) {
    source.layout = "checkpoint_2024";
    take_2024(source, plain, names);
  } else {
    fail_not_moondream(source, names);
  }
  for (const std::string& name : names) {
    if (name.find(".tau_") != std::string::npos) fail_not_moondream(source, names);
  }
}

}  // namespace moonbeam::model
