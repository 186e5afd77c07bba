#include "model/fusion_parts.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "formats/safetensors.h"
#include "model/json_keys.h"

namespace moonbeam::model {

namespace fs = std::filesystem;
using base::cat;
using base::fail;
using formats::WeightFile;
using tensor::TensorView;

namespace {

constexpr int kMostPixels = 8192;  // as of any model's crops
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// One name in another's place, as often as it stands there.
struct Rename {
  std::string_view ours, theirs;
};

std::string renamed(std::string name, std::span<const Rename> renames) {
  for (const Rename& rename : renames) {
    const std::size_t at = name.find(rename.ours);
    if (at != std::string::npos) name.replace(at, rename.ours.size(), rename.theirs);
  }
  return name;
}

// "{}" stands for q, k and v, which are tensors of their own.
constexpr std::string_view kSplit = "{}";
constexpr Rename kSiglip[] = {{"vision.patch_emb.", "embeddings.patch_embedding."},
                              {"vision.pos_emb", "embeddings.position_embedding.weight"},
                              {"vision.blocks.", "encoder.layers."},
                              {"vision.post_ln.", "post_layernorm."},
                              {".ln1.", ".layer_norm1."},
                              {".ln2.", ".layer_norm2."},
                              {".attn.qkv.", ".self_attn.{}_proj."},
                              {".attn.proj.", ".self_attn.out_proj."}};
constexpr Rename kPhi[] = {{"text.wte", "model.embed_tokens.weight"},
                           {"text.blocks.", "model.layers."},
                           {"text.post_ln.", "model.final_layernorm."},
                           {"text.lm_head.", "lm_head."},
                           {".ln.", ".input_layernorm."},
                           {".attn.qkv.", ".self_attn.{}_proj."},
                           {".attn.proj.", ".self_attn.dense."}};
// Phi-1.5 as Microsoft's own code saved it in 2023; moondream's files of 2024 keep these names behind a
// prefix.
constexpr std::string_view kOldPhiPrefix = "text_model.";
constexpr std::string_view kOldPhiMark = "transformer.embd.wte.weight";

/// Rows of the parts under one another, as one tensor.
SourceTensor joined(const std::string& name, const std::vector<const TensorView*>& parts,
                    const std::string& path) {
  for (const TensorView* part : parts) {
    if (part->dtype == parts[0]->dtype && part->shape == parts[0]->shape && part->shape.rank() >= 1) continue;
    fail(ErrorCode::kCorrupt, base::printable(path), ": '", name,
         "': expected q, k and v of one shape and type, got ", parts[0]->shape.to_string(), " and ",
         part->shape.to_string());
  }
  std::vector<std::int64_t> dims(parts[0]->shape.dims().begin(), parts[0]->shape.dims().end());
  dims[0] *= static_cast<std::int64_t>(parts.size());
  SourceTensor out{name, {nullptr, parts[0]->dtype, tensor::Shape(dims)}, nullptr};
  out.make = [views = parts](std::byte* to, base::ThreadPool&) {
    for (const TensorView* view : views) {
      std::memcpy(to, view->data, static_cast<std::size_t>(view->bytes()));
      to += view->bytes();
    }
  };
  return out;
}

/// Takes what the table asks for and remembers which tensors of the file that were.
class Taker {
 public:
  Taker(const HuggingFacePart& part, std::string prefix, Source& source)
      : part_(part), prefix_(std::move(prefix)), source_(source) {}

  void take(const TensorSpec& spec, const std::string& their_name) {
    const std::size_t at = their_name.find(kSplit);
    if (at == std::string::npos) {
      SourceTensor tensor{their_name, need(their_name), nullptr};
      // The patch embedding is a convolution: its kernel [out, channel, row, column] is a row of ours.
      if (tensor.view.shape.rank() == 4 && tensor.view.numel() == spec.shape.numel())
        tensor.view.shape = spec.shape;
      source_.tensors.emplace(spec.name, std::move(tensor));
      return;
    }
    std::vector<const TensorView*> parts;
    for (const char* letter : {"q", "k", "v"}) {
      std::string name = their_name;
      parts.push_back(&need(name.replace(at, kSplit.size(), letter)));
    }
    source_.tensors.emplace(spec.name, joined(their_name, parts, part_.weights->path));
  }

  /// The rest of the file; `elsewhere`: beginnings of names that no model of ours has.
  void list_skipped(std::span<const std::string_view> elsewhere) {
    for (const formats::NamedTensor& tensor : part_.weights->tensors) {
      const auto begins = [&](std::string_view start) { return tensor.name.starts_with(start); };
      if (taken_.contains(tensor.name) || std::any_of(elsewhere.begin(), elsewhere.end(), begins)) continue;
      source_.skipped.push_back(tensor.name);
    }
  }

 private:
  const TensorView& need(const std::string& name) {
    const std::string full = prefix_ + name;
    const TensorView* view = part_.weights->find(full);
    if (!view) {
      fail(ErrorCode::kCorrupt, base::printable(part_.weights->path), ": tensor '", full, "' is missing");
    }
    taken_.insert(full);
    return *view;
  }

  const HuggingFacePart& part_;
  std::string prefix_;
  Source& source_;
  std::set<std::string> taken_;
};

void check_blocks(const HuggingFacePart& part, const std::string& prefix, int layers) {
  std::vector<std::string> names;
  for (const formats::NamedTensor& tensor : part.weights->tensors) names.push_back(tensor.name);
  const int found = count_blocks(names, prefix);
  if (found == layers) return;
  fail(ErrorCode::kCorrupt, base::printable(part.weights->path), ": expected ", layers,
       " layers by its configuration, got ", found, " named ", prefix, "N");
}

/// Before anything is computed from them: what follows is checked as a model's sizes are.
struct Checked {
  std::string_view key;
  int value;
};
void check_sizes(std::initializer_list<Checked> sizes, const std::string& where) {
  constexpr int kMost = 1 << 22;
  for (const auto& [key, value] : sizes) {
    if (value >= 1 && value <= kMost) continue;
    fail(ErrorCode::kCorrupt, where, ": ", key, ": expected 1..", kMost, ", got ", value);
  }
}

void check_word(const std::string& got, std::initializer_list<std::string_view> known, std::string_view what,
                const std::string& where) {
  if (std::find(known.begin(), known.end(), got) != known.end()) return;
  std::string list;
  for (const std::string_view word : known) list += (list.empty() ? "" : " or ") + std::string(word);
  fail(ErrorCode::kUnsupported, where, ": ", what, ": expected ", list, ", got '", base::printable(got), "'");
}

}  // namespace

HuggingFacePart open_part(const std::string& path) {
  std::error_code error;
  HuggingFacePart out;
  fs::path weights = path;
  if (fs::is_directory(path, error)) {
    out.folder = path;
    weights = fs::path(path) / "model.safetensors.index.json";
    if (!is_file(weights)) weights = fs::path(path) / "model.safetensors";
  } else {
    out.folder = fs::path(path).parent_path().string();
  }
  if (!is_file(weights)) {
    fail(ErrorCode::kNotFound, base::printable(path),
         ": expected a folder with config.json and model.safetensors, or their index, got none",
         is_file(fs::path(path) / "pytorch_model.bin") ? " but pytorch_model.bin: save it as safetensors"
                                                       : "");
  }
  const bool sharded = weights.string().ends_with(".index.json");
  out.weights =
      std::make_shared<const WeightFile>(sharded ? formats::open_sharded_safetensors(weights.string())
                                                 : formats::open_safetensors(weights.string()));
  const fs::path config = fs::path(out.folder) / "config.json";
  out.config_text = base::read_file(config.string(), kMaxConfigBytes);
  out.config_name = base::printable(config.string());
  return out;
}

void read_siglip_sizes(const HuggingFacePart& part, vision::VisionConfig& vision) {
  const formats::JsonValue json = formats::parse_json(part.config_text, part.config_name);
  JsonKeys keys(json, part.config_name, "");
  // Both halves of SigLIP in one file have a section each; what is left out has the value of transformers.
  std::optional<JsonKeys> section = keys.object("vision_config");
  JsonKeys& own = section ? *section : keys;
  vision.dim = 768, vision.ff_dim = 3072, vision.layers = vision.heads = 12, vision.patch_size = 16;
  int image = 224;
  std::string activation = "gelu_pytorch_tanh";
  vision.eps = 1e-6f;
  own.read("hidden_size", vision.dim);
  own.read("intermediate_size", vision.ff_dim);
  own.read("num_hidden_layers", vision.layers);
  own.read("num_attention_heads", vision.heads);
  own.read("num_channels", vision.channels);
  own.read("patch_size", vision.patch_size);
  own.read("image_size", image);
  own.read("hidden_act", activation);
  own.read("layer_norm_eps", vision.eps);
  check_word(activation, {"gelu_pytorch_tanh"}, "hidden_act", part.config_name);
  check_sizes({{"hidden_size", vision.dim},
               {"intermediate_size", vision.ff_dim},
               {"num_hidden_layers", vision.layers},
               {"num_attention_heads", vision.heads},
               {"patch_size", vision.patch_size}},
              part.config_name);
  if (image < vision.patch_size || image > kMostPixels) {
    fail(ErrorCode::kCorrupt, part.config_name, ": image_size: expected patch_size (", vision.patch_size,
         ") to ", kMostPixels, ", got ", image);
  }
  // The convolution leaves out what is no whole patch: 384 pixels are 27 patches of 14.
  vision.crop_size = image / vision.patch_size * vision.patch_size;
  vision.image_grid = vision.grid_side();
}

void read_phi_sizes(const HuggingFacePart& part, text::TextConfig& text) {
  const formats::JsonValue json = formats::parse_json(part.config_text, part.config_name);
  JsonKeys keys(json, part.config_name, "");
  float rotary = 0.5f;
  std::string activation = "gelu_new", rope = "default";
  bool norms = false, tied = false;
  int rotary_dim = 0, feed = 0, kv_heads = 0;
  // Each pair: transformers' name and that of Microsoft's code of 2023.
  for (const char* key : {"hidden_size", "n_embd"}) keys.read(key, text.dim);
  for (const char* key : {"intermediate_size", "n_inner"}) keys.read(key, feed);
  for (const char* key : {"num_hidden_layers", "n_layer"}) keys.read(key, text.layers);
  for (const char* key : {"num_attention_heads", "n_head"}) keys.read(key, text.heads);
  for (const char* key : {"num_key_value_heads", "n_head_kv"}) keys.read(key, kv_heads);
  for (const char* key : {"max_position_embeddings", "n_positions"}) keys.read(key, text.max_context);
  for (const char* key : {"hidden_act", "activation_function"}) keys.read(key, activation);
  keys.read("vocab_size", text.vocab_size);
  float eps = text.eps;
  for (const char* key : {"layer_norm_eps", "layer_norm_epsilon"}) keys.read(key, eps);
  keys.read("rope_theta", text.rope_theta);
  keys.read("partial_rotary_factor", rotary);
  keys.read("rotary_dim", rotary_dim);
  keys.read("qk_layernorm", norms);
  keys.read("tie_word_embeddings", tied);
  if (auto parameters = keys.object("rope_parameters")) {
    parameters->read("rope_theta", text.rope_theta);
    parameters->read("partial_rotary_factor", rotary);
    parameters->read("rope_type", rope);
  }
  check_sizes({{"hidden_size", text.dim},
               {"num_hidden_layers", text.layers},
               {"num_attention_heads", text.heads},
               {"vocab_size", text.vocab_size}},
              part.config_name);
  check_word(activation, {"gelu_new", "gelu_pytorch_tanh"}, "hidden_act", part.config_name);
  check_word(rope, {"default"}, "rope_parameters.rope_type", part.config_name);
  const char* foreign = norms ? "qk_layernorm" : tied ? "tie_word_embeddings" : nullptr;
  if (keys.has("rope_scaling") && !keys.is_null("rope_scaling")) foreign = "rope_scaling";
  if (std::fabs(eps - text.eps) > 1e-7f) foreign = "layer_norm_eps other than 1e-5";
  if (foreign) {
    fail(ErrorCode::kUnsupported, part.config_name, ": ", foreign, ": expected none, as in Phi-1.5");
  }
  text.ff_dim = feed > 0 ? feed : 4 * text.dim;
  text.kv_heads = kv_heads > 0 ? kv_heads : text.heads;
  if (!(rotary >= 0 && rotary <= 1)) {
    fail(ErrorCode::kCorrupt, part.config_name, ": partial_rotary_factor: expected 0 to 1");
  }
  const float rotated = rotary * static_cast<float>(text.head_width());
  text.rope_dims = rotary_dim > 0 ? rotary_dim : static_cast<int>(rotated);
  text.prefix_attn = 0;
  text.validate();
}

void take_siglip(const HuggingFacePart& part, const std::vector<TensorSpec>& table, Source& source) {
  constexpr std::string_view kWhole = "vision_model.";
  const std::string prefix(part.weights->find("vision_model.embeddings.patch_embedding.weight") ? kWhole
                                                                                                : "");
  Taker taker(part, prefix, source);
  int layers = 0;
  for (const TensorSpec& spec : table) {
    if (!spec.name.starts_with("vision.") || spec.name.starts_with("vision.proj_mlp.")) continue;
    layers += spec.name.ends_with(".attn.qkv.weight") ? 1 : 0;
    taker.take(spec, renamed(spec.name, kSiglip));
  }
  check_blocks(part, prefix + "encoder.layers.", layers);
  const std::string head = prefix + "head.";
  const std::string_view elsewhere[] = {head, "text_model.", "logit_"};
  taker.list_skipped(elsewhere);
}

void take_phi(const HuggingFacePart& part, const std::vector<TensorSpec>& table, Source& source) {
  const bool old = part.weights->find(kOldPhiMark) != nullptr;
  Taker taker(part, "", source);
  int layers = 0;
  for (const TensorSpec& spec : table) {
    if (!spec.name.starts_with("text.")) continue;
    layers += spec.name.ends_with(".attn.qkv.weight") ? 1 : 0;
    taker.take(spec, old ? spec.checkpoint_2024.substr(kOldPhiPrefix.size()) : renamed(spec.name, kPhi));
  }
  check_blocks(part, old ? "transformer.h." : "model.layers.", layers);
  // Tables of rotary angles, which some versions saved.
  taker.list_skipped({});
}

}  // namespace moonbeam::model
