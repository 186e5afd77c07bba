// The tensor table; "{}" in a name is the block's index.
#include "model/tensor_table.h"

#include <span>

#include "base/error.h"

namespace moonbeam::model {

using tensor::Shape;

namespace {

using ShapeFn = Shape (*)(const ModelConfig&);

struct Row {
  std::string_view name, checkpoint_2024, gguf;  // without .weight and .bias where `shape` has both
  ShapeFn weight;                                // [out, in], or the one tensor's shape
  ShapeFn bias = nullptr;                        // null: the row is one tensor, its names complete
  bool transposed_2024 = false;
  TensorKind kind = TensorKind::kMatrix;  // of the weight; biases are small
};

constexpr auto kSmall = TensorKind::kSmall;

#define MB_SHAPE(...) [](const ModelConfig& c) { return Shape{__VA_ARGS__}; }

constexpr Row kVisionHead[] = {
    {"vision.patch_emb", "vision_encoder.encoder.model.visual.patch_embed.linear", "v.patch_embd",
     MB_SHAPE(c.vision.dim, c.vision.patch_dim()), MB_SHAPE(c.vision.dim)},
    {"vision.pos_emb", "vision_encoder.encoder.model.visual.pos_embed", "v.position_embd.weight",
     MB_SHAPE(1, c.vision.patches(), c.vision.dim), nullptr, false, kSmall},
};

constexpr Row kVisionBlock[] = {
    {"vision.blocks.{}.ln1", "vision_encoder.encoder.model.visual.blocks.{}.norm1", "v.blk.{}.ln1",
     MB_SHAPE(c.vision.dim), MB_SHAPE(c.vision.dim), false, kSmall},
    {"vision.blocks.{}.attn.qkv", "vision_encoder.encoder.model.visual.blocks.{}.attn.qkv",
     "v.blk.{}.attn_qkv", MB_SHAPE(3 * c.vision.dim, c.vision.dim), MB_SHAPE(3 * c.vision.dim)},
    {"vision.blocks.{}.attn.proj", "vision_encoder.encoder.model.visual.blocks.{}.attn.proj",
     "v.blk.{}.attn_out", MB_SHAPE(c.vision.dim, c.vision.dim), MB_SHAPE(c.vision.dim)},
    {"vision.blocks.{}.ln2", "vision_encoder.encoder.model.visual.blocks.{}.norm2", "v.blk.{}.ln2",
     MB_SHAPE(c.vision.dim), MB_SHAPE(c.vision.dim), false, kSmall},
    // llama.cpp's converter swapped the two names
    {"vision.blocks.{}.mlp.fc1", "vision_encoder.encoder.model.visual.blocks.{}.mlp.fc1", "v.blk.{}.ffn_down",
     MB_SHAPE(c.vision.ff_dim, c.vision.dim), MB_SHAPE(c.vision.ff_dim)},
    {"vision.blocks.{}.mlp.fc2", "vision_encoder.encoder.model.visual.blocks.{}.mlp.fc2", "v.blk.{}.ffn_up",
     MB_SHAPE(c.vision.dim, c.vision.ff_dim), MB_SHAPE(c.vision.dim)},
};

constexpr Row kVisionTail[] = {
    {"vision.post_ln", "vision_encoder.encoder.model.visual.norm", "v.post_ln", MB_SHAPE(c.vision.dim),
     MB_SHAPE(c.vision.dim), false, kSmall},
    {"vision.proj_mlp.fc1", "vision_encoder.projection.mlp.fc1", "mm.0",
     MB_SHAPE(c.vision.proj_inner_dim, c.vision.proj_in_dim), MB_SHAPE(c.vision.proj_inner_dim)},
    {"vision.proj_mlp.fc2", "vision_encoder.projection.mlp.fc2", "mm.2",
     MB_SHAPE(c.vision.proj_out_dim, c.vision.proj_inner_dim), MB_SHAPE(c.vision.proj_out_dim)},
};

constexpr Row kTextHead[] = {
    {"text.wte", "text_model.transformer.embd.wte.weight", "token_embd.weight",
     MB_SHAPE(c.text.vocab_size, c.text.dim)},
};

constexpr Row kTextBlock[] = {
    {"text.blocks.{}.ln", "text_model.transformer.h.{}.ln", "blk.{}.attn_norm", MB_SHAPE(c.text.dim),
     MB_SHAPE(c.text.dim), false, kSmall},
    {"text.blocks.{}.attn.qkv", "text_model.transformer.h.{}.mixer.Wqkv", "blk.{}.attn_qkv",
     MB_SHAPE(3 * c.text.dim, c.text.dim), MB_SHAPE(3 * c.text.dim)},
    {"text.blocks.{}.attn.proj", "text_model.transformer.h.{}.mixer.out_proj", "blk.{}.attn_output",
     MB_SHAPE(c.text.dim, c.text.dim), MB_SHAPE(c.text.dim)},
    {"text.blocks.{}.mlp.fc1", "text_model.transformer.h.{}.mlp.fc1", "blk.{}.ffn_up",
     MB_SHAPE(c.text.ff_dim, c.text.dim), MB_SHAPE(c.text.ff_dim)},
    {"text.blocks.{}.mlp.fc2", "text_model.transformer.h.{}.mlp.fc2", "blk.{}.ffn_down",
     MB_SHAPE(c.text.dim, c.text.ff_dim), MB_SHAPE(c.text.dim)},
};

constexpr Row kTextTail[] = {
    {"text.post_ln", "text_model.lm_head.ln", "output_norm", MB_SHAPE(c.text.dim), MB_SHAPE(c.text.dim),
     false, kSmall},
    {"text.lm_head", "text_model.lm_head.linear", "output", MB_SHAPE(c.text.vocab_size, c.text.dim),
     MB_SHAPE(c.text.vocab_size)},
};

constexpr Row kRegion[] = {
    {"region.coord_features", "region_model.coordinate_features.weight", "",
     MB_SHAPE(1, c.region->coord_feat_dim / 2), nullptr, true, kSmall},
    {"region.coord_encoder", "region_model.coordinate_encoder", "",
     MB_SHAPE(c.region->dim, c.region->coord_feat_dim), MB_SHAPE(c.region->dim)},
    {"region.coord_decoder.fc1", "region_model.coordinate_decoder.fc1", "",
     MB_SHAPE(c.region->inner_dim, c.region->dim), MB_SHAPE(c.region->inner_dim)},
    {"region.coord_decoder.fc2", "region_model.coordinate_decoder.fc2", "",
     MB_SHAPE(c.region->coord_out_dim, c.region->inner_dim), MB_SHAPE(c.region->coord_out_dim)},
    {"region.size_features", "region_model.size_features.weight", "",
     MB_SHAPE(2, c.region->size_feat_dim / 2), nullptr, true, kSmall},
    {"region.size_encoder", "region_model.size_encoder", "", MB_SHAPE(c.region->dim, c.region->size_feat_dim),
     MB_SHAPE(c.region->dim)},
    {"region.size_decoder.fc1", "region_model.size_decoder.fc1", "",
     MB_SHAPE(c.region->inner_dim, c.region->dim), MB_SHAPE(c.region->inner_dim)},
    {"region.size_decoder.fc2", "region_model.size_decoder.fc2", "",
     MB_SHAPE(c.region->size_out_dim, c.region->inner_dim), MB_SHAPE(c.region->size_out_dim)},
};

#undef MB_SHAPE

std::string numbered(std::string_view pattern, int block) {
  const std::size_t at = pattern.find("{}");
  if (at == std::string_view::npos) return std::string(pattern);
  return base::cat(pattern.substr(0, at), block, pattern.substr(at + 2));
}

void add(std::vector<TensorSpec>& table, std::span<const Row> rows, const ModelConfig& config,
         int block = 0) {
  for (const Row& row : rows) {
    TensorSpec weight{numbered(row.name, block), numbered(row.checkpoint_2024, block),
                      numbered(row.gguf, block), row.weight(config),
                      row.transposed_2024,       row.kind};
    if (!row.bias) {
      table.push_back(std::move(weight));
      continue;
    }
    const auto part = [&](const char* suffix, Shape shape, TensorKind kind) {
      table.push_back({weight.name + suffix, weight.checkpoint_2024 + suffix,
                       weight.gguf.empty() ? std::string() : weight.gguf + suffix, shape, false, kind});
    };
    part(".weight", weight.shape, row.kind);
    part(".bias", row.bias(config), kSmall);
  }
}

}  // namespace

std::vector<TensorSpec> tensor_table(const ModelConfig& config) {
  std::vector<TensorSpec> table;
  add(table, kVisionHead, config);
  for (int i = 0; i < config.vision.layers; ++i) add(table, kVisionBlock, config, i);
  add(table, kVisionTail, config);
  add(table, kTextHead, config);
  for (int i = 0; i < config.text.layers; ++i) add(table, kTextBlock, config, i);
  add(table, kTextTail, config);
  if (config.region) add(table, kRegion, config);
  return table;
}

std::int64_t parameter_count(const std::vector<TensorSpec>& table) {
  std::int64_t sum = 0;
  for (const TensorSpec& spec : table) sum += spec.shape.numel();
  return sum;
}

}  // namespace moonbeam::model
