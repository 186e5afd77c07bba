// llama.cpp's pair as its loaders want it: q, k and v of the image encoder apart, its last block twice
// because llama.cpp leaves the last one out, what it adds or normalises with in f32. llama_pair.cc reads it
// back.
#include "model/llama_pair_writer.h"

#include "base/error.h"

namespace moonbeam::model {

using base::cat;
using base::fail;
using formats::GgufValue;
using formats::TokenizerData;
using tensor::Shape;
using Keys = std::vector<std::pair<std::string, GgufValue>>;

namespace {

enum TokenType : std::int64_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

GgufValue count(int value) {
  return static_cast<std::uint64_t>(value);
}

void check_supported(const Identified& model) {
  const ModelConfig& config = model.config;
  const auto refuse = [](auto... what) { fail(ErrorCode::kUnsupported, "llama.cpp's pair: ", what...); };
  if (config.vision.cropping != vision::Cropping::kSingle || config.vision.proj_in_dim != config.vision.dim ||
      config.text.prefix_attn != 0) {
    refuse("expected a model of one crop and causal attention (moondream2 until 2024-05-08), got ",
           model.variant_name);
  }
  if (config.text.kv_heads != config.text.heads) refuse("expected as many kv heads as heads");
  if (config.text.rope_theta != 10000.0f)
    refuse("expected a rope theta of 10000, got ", config.text.rope_theta);
  const TokenizerData& tokenizer = model.tokenizer;
  if (tokenizer.nfc || tokenizer.byte_fallback || tokenizer.pre_tokenizers.size() != 1 ||
      tokenizer.pre_tokenizers[0].kind != formats::PreTokenizer::Kind::kByteLevel) {
    refuse("expected a tokenizer that cuts text as GPT-2's does");
  }
}

void add_tokenizer(Keys& keys, const Identified& model) {
  const TokenizerData& tokenizer = model.tokenizer;
  const auto rows = static_cast<std::size_t>(model.config.text.vocab_size);
  std::vector<std::string> tokens = tokenizer.tokens, merges;
  tokens.resize(rows);
  std::vector<std::int64_t> types(rows, kNormal);
  for (const formats::AddedToken& token : tokenizer.added) {
    const auto id = static_cast<std::size_t>(token.id);
    if (id >= rows) continue;  // no row of the model
    tokens[id] = token.content;
    types[id] = token.special ? kControl : kUserDefined;
  }
  for (std::size_t id = 0; id < rows; ++id) {
    if (!tokens[id].empty()) continue;
    tokens[id] = cat("[PAD", id, "]");
    types[id] = kUnused;
  }
  for (const auto& [left, right] : tokenizer.merges) merges.push_back(cat(left, " ", right));
  keys.emplace_back("tokenizer.ggml.model", std::string("gpt2"));
  keys.emplace_back("tokenizer.ggml.pre", std::string("phi-2"));
  keys.emplace_back("tokenizer.ggml.tokens", std::move(tokens));
  keys.emplace_back("tokenizer.ggml.token_type", std::move(types));
  keys.emplace_back("tokenizer.ggml.merges", std::move(merges));
  keys.emplace_back("tokenizer.ggml.bos_token_id", count(model.config.prompts.bos));
  keys.emplace_back("tokenizer.ggml.eos_token_id", count(model.config.prompts.eos));
  keys.emplace_back("tokenizer.ggml.add_bos_token", false);
}

Keys general_keys(const Identified& model, const char* architecture, const std::string& name) {
  Keys keys{{"general.architecture", std::string(architecture)}, {"general.name", name}};
  if (!model.licence.empty()) keys.emplace_back("general.license", model.licence);
  return keys;
}

Keys text_keys(const Identified& model, const std::string& name) {
  const text::TextConfig& text = model.config.text;
  Keys keys = general_keys(model, "phi2", name);
  keys.emplace_back("phi2.context_length", count(text.max_context));
  keys.emplace_back("phi2.embedding_length", count(text.dim));
  keys.emplace_back("phi2.feed_forward_length", count(text.ff_dim));
  keys.emplace_back("phi2.block_count", count(text.layers));
  keys.emplace_back("phi2.attention.head_count", count(text.heads));
  keys.emplace_back("phi2.attention.head_count_kv", count(text.kv_heads));
  keys.emplace_back("phi2.attention.layer_norm_epsilon", static_cast<double>(text.eps));
  keys.emplace_back("phi2.rope.dimension_count", count(text.rope_dims));
  add_tokenizer(keys, model);
  return keys;
}

Keys vision_keys(const Identified& model, const std::string& name) {
  const vision::VisionConfig& vision = model.config.vision;
  const std::vector<double> half(3, 0.5);  // pixels become -1..1
  Keys keys = general_keys(model, "clip", name);
  keys.emplace_back("clip.has_text_encoder", false);
  keys.emplace_back("clip.has_vision_encoder", true);
  keys.emplace_back("clip.has_llava_projector", true);
  keys.emplace_back("clip.projector_type", std::string("mlp"));
  keys.emplace_back("clip.use_gelu", true);
  keys.emplace_back("clip.vision.image_size", count(vision.crop_size));
  keys.emplace_back("clip.vision.patch_size", count(vision.patch_size));
  keys.emplace_back("clip.vision.embedding_length", count(vision.dim));
  keys.emplace_back("clip.vision.feed_forward_length", count(vision.ff_dim));
  keys.emplace_back("clip.vision.projection_dim", count(vision.proj_out_dim));
  keys.emplace_back("clip.vision.attention.head_count", count(vision.heads));
  keys.emplace_back("clip.vision.attention.layer_norm_epsilon", static_cast<double>(vision.eps));
  keys.emplace_back("clip.vision.block_count", count(vision.layers + 1));
  keys.emplace_back("clip.vision.image_mean", half);
  keys.emplace_back("clip.vision.image_std", half);
  return keys;
}

/// Shapes as llama.cpp has them: a kernel for the patches, positions without the leading 1.
Shape written_shape(const TensorSpec& spec, const vision::VisionConfig& vision) {
  if (spec.name == "vision.patch_emb.weight")
    return {vision.dim, vision.channels, vision.patch_size, vision.patch_size};
  if (spec.name == "vision.pos_emb") return {vision.patches(), vision.dim};
  return spec.shape;
}

class Planner {
 public:
  Planner(const ModelConfig& config, const tensor::DTypeInfo& type) : config_(config), type_(type) {}

  void add_vision(std::vector<PairTensor>& out, const TensorSpec& spec) const {
    const std::size_t qkv = spec.gguf.find("attn_qkv");
    if (qkv == std::string::npos) return add(out, spec, spec.gguf, written_shape(spec, config_.vision));
    std::vector<std::int64_t> dims(spec.shape.dims().begin(), spec.shape.dims().end());
    dims[0] /= 3;
    for (int part = 0; part < 3; ++part) {
      std::string name = spec.gguf;
      name.replace(qkv, 8, cat("attn_", "qkv"[part]));
      add(out, spec, name, Shape(dims));
      out.back().first_row = part * dims[0];
    }
  }

  void add(std::vector<PairTensor>& out, const TensorSpec& spec, std::string name, const Shape& shape) const {
    out.push_back({std::move(name), dtype(spec, shape), shape, &spec});
  }

  /// The last block again under the next number: llama.cpp runs all blocks but the last.
  void repeat_last_block(std::vector<PairTensor>& out) const {
    const std::string last = cat("v.blk.", config_.vision.layers - 1, ".");
    const std::string next = cat("v.blk.", config_.vision.layers, ".");
    const std::size_t size = out.size();
    for (std::size_t i = 0; i < size; ++i) {
      if (!out[i].name.starts_with(last)) continue;
      PairTensor copy = out[i];
      copy.name = next + copy.name.substr(last.size());
      out.push_back(std::move(copy));
    }
  }

 private:
  tensor::DType dtype(const TensorSpec& spec, const Shape& shape) const {
    if (spec.kind == TensorKind::kSmall) return tensor::DType::kF32;
    if (type_.block == 1) return type_.type;
    // patches are a convolution there, which takes no blocks
    return shape.rank() == 2 && shape[1] % type_.block == 0 ? type_.type : tensor::DType::kF16;
  }

  const ModelConfig& config_;
  const tensor::DTypeInfo& type_;
};

}  // namespace

std::vector<PairFile> plan_llama_pair(const Identified& model, const std::string& name,
                                      const std::vector<TensorSpec>& table, const tensor::DTypeInfo& type) {
  check_supported(model);
  std::vector<PairFile> files(2);
  PairFile& text = files[0];
  PairFile& vision = files[1];
  text.name = cat("text-", type.name, ".gguf");
  text.keys = text_keys(model, name);
  vision.name = cat("mmproj-", type.name, ".gguf");
  vision.keys = vision_keys(model, name);
  const Planner planner(model.config, type);
  for (const TensorSpec& spec : table) {
    if (spec.gguf.empty()) continue;
    if (spec.name.starts_with("vision.")) {
      planner.add_vision(vision.tensors, spec);
    } else {
      planner.add(text.tensors, spec, spec.gguf, spec.shape);
    }
  }
  planner.repeat_last_block(vision.tensors);
  return files;
}

}  // namespace moonbeam::model
