// The variant table: one row a release, sizes and prompts as data. Sizes and ids are those of the makers'
// published code and configurations; which row a file gets is decided in detect.cc.
#include "model/variants.h"

#include <vector>

#include "base/error.h"

namespace moonbeam::model {

namespace {

using Ids = std::vector<int>;

Prompts starmie_prompts() {
  Prompts p;
  p.answer = 3, p.thinking = 4, p.coord = 5, p.size = 6, p.start_ground = 7, p.end_ground = 9;
  p.caption = {Ids{1, 32708, 2, 12492, 3}, Ids{1, 32708, 2, 6382, 3}, Ids{1, 32708, 2, 4059, 3}};
  p.query = Template{{1, 15381, 2}, {3}};
  p.detect = Template{{1, 7235, 476, 2}, {3}};
  p.point = Template{{1, 2581, 2}, {3}};
  p.suppress_answer = true;
  p.spatial_refs = true;
  return p;
}

struct PhiPrompts {
  std::string space;  // in front of questions and objects alike
  bool long_caption = false;
  bool gaze = false;
};

Prompts phi_prompts(const PhiPrompts& kind) {
  Prompts p;
  p.bos = p.eos = 50256;
  p.caption = {Ids{198, 198, 16438, 8305, 25}, Ids{198, 198, 24334, 1159, 25},
               std::nullopt};                                            // "\n\nCaption:"
  if (kind.long_caption) p.caption[2] = Ids{198, 198, 14617, 8305, 25};  // "\n\nLong caption:"
  p.query = Template{{198, 198, 24361, 25}, {198, 198, 33706, 25}};      // "\n\nQuestion:", "\n\nAnswer:"
  p.detect = Template{{198, 198, 47504, 25}, {628}};                     // "\n\nDetect:", "\n\n"
  p.point = Template{{198, 198, 12727, 25}, {628}};                      // "\n\nPoint:"
  p.query_suffix_count = 1;
  p.question_space = p.object_space = kind.space;
  p.gaze = kind.gaze;
  return p;
}

struct TextPrompts {
  bool image_tags = false;   // "<image>" and "</image>" tokenised as text
  bool end_as_text = false;  // the answer ends in the text "<END>", not in an id
  bool short_caption = false;
};

Prompts prompts_2024(const TextPrompts& kind) {
  Prompts p;
  p.bos = p.eos = 50256;
  p.query_suffix_count = 1;
  p.strip_answer = true;
  p.text_query = "\n\nQuestion: {q}\n\nAnswer:";
  p.text_caption[1] = "\n\nCaption:";
  if (kind.short_caption) p.text_caption[0] = "\n\nShort caption:";
  if (kind.image_tags) p.text_before_image = "<image>", p.text_after_image = "</image>";
  if (kind.end_as_text) p.text_stop = "<END>";
  return p;
}

ModelConfig config_2025(std::string_view name, Prompts prompts) {
  ModelConfig config;  // the defaults of the structs are moondream2's sizes of 2025
  config.variant = name;
  config.region.emplace();
  config.prompts = std::move(prompts);
  return config;
}

ModelConfig config_half_billion(std::string_view name, Prompts prompts) {
  ModelConfig config = config_2025(name, std::move(prompts));
  config.vision.dim = 720;
  config.vision.ff_dim = 2690;
  config.vision.heads = 10;
  config.vision.proj_in_dim = 1440;
  config.vision.proj_out_dim = config.text.dim = config.region->dim = 1024;
  config.text.ff_dim = 4096;
  config.text.heads = config.text.kv_heads = 16;
  return config;
}

ModelConfig config_2024(std::string_view name, vision::Cropping cropping, Prompts prompts) {
  ModelConfig config;
  config.variant = name;
  config.vision.cropping = cropping;
  config.vision.max_crops = cropping == vision::Cropping::kSingle ? 1 : 4;
  if (cropping == vision::Cropping::kSingle) config.vision.proj_in_dim = config.vision.dim;
  config.text.prefix_attn = 0;
  config.prompts = std::move(prompts);
  return config;
}

/// Sizes of a model of our own in which the widths of image and text are equal.
struct OwnSizes {
  std::string_view name;
  int crop_size, max_crops, image_grid;
  int dim, vision_layers, text_layers, heads, vocab_size;
  int coord_feat_dim, size_feat_dim, inner_dim;
};

constexpr OwnSizes kOwnSizes[] = {
    {.name = "tiny",
     .crop_size = 196,
     .max_crops = 1,
     .image_grid = 7,
     .dim = 192,
     .vision_layers = 6,
     .text_layers = 4,
     .heads = 3,
     .vocab_size = 2048,
     .coord_feat_dim = 64,
     .size_feat_dim = 128,
     .inner_dim = 256},
    {.name = "small",
     .crop_size = 224,
     .max_crops = 4,
     .image_grid = 8,
     .dim = 384,
     .vision_layers = 10,
     .text_layers = 6,
     .heads = 6,
     .vocab_size = 4096,
     .coord_feat_dim = 128,
     .size_feat_dim = 256,
     .inner_dim = 512},
};

/// Models that we train know their own questions alone: a sentence more would only puzzle them. One that was
/// taught to answer in JSON says so in its config.json.
void ask_plainly(Prompts& prompts) {
  prompts.json_with_keys.clear();
  prompts.json_plain.clear();
}

/// Templates come with the tokenizer, which is trained beside the weights: config.json has them.
ModelConfig config_own(const OwnSizes& sizes) {
  ModelConfig config;
  config.variant = sizes.name;
  config.vision.dim = config.text.dim = config.vision.proj_out_dim = sizes.dim;
  config.vision.ff_dim = config.text.ff_dim = 4 * sizes.dim;
  config.vision.layers = sizes.vision_layers;
  config.text.layers = sizes.text_layers;
  config.vision.heads = config.text.heads = config.text.kv_heads = sizes.heads;
  config.vision.proj_in_dim = 2 * sizes.dim;
  config.vision.proj_inner_dim = 4 * sizes.dim;
  config.vision.crop_size = sizes.crop_size;
  config.vision.max_crops = sizes.max_crops;
  config.vision.overlap_margin = 2;
  config.vision.image_grid = sizes.image_grid;
  config.text.vocab_size = sizes.vocab_size;
  config.text.prefix_attn = 1 + config.vision.image_tokens();
  config.region = region::RegionConfig{.dim = sizes.dim,
                                       .coord_feat_dim = sizes.coord_feat_dim,
                                       .size_feat_dim = sizes.size_feat_dim,
                                       .inner_dim = sizes.inner_dim,
                                       .coord_divisor = 1023};
  Prompts& p = config.prompts;
  p.answer = 3, p.thinking = 4, p.coord = 5, p.size = 6, p.start_ground = 7, p.end_ground = 9;
  p.query_suffix_count = 1;
  p.reasoning = false;
  p.suppress_answer = true;
  ask_plainly(p);
  return config;
}

constexpr TokenizerProbe kStarmie = {.id = 15381, .token = "query", .tokenizer = "starmie-v1"};
constexpr TokenizerProbe kPhi = {.id = 24361, .token = "Question", .tokenizer = "the CodeGen (Phi)"};
constexpr std::string_view kApache = "Apache-2.0";

using vision::Cropping;

std::vector<Variant> make_variants() {
  std::vector<Variant> rows;
  const auto add = [&](ModelConfig config, TokenizerProbe probe) {
    rows.push_back({.name = {}, .licence = kApache, .config = std::move(config), .probe = probe});
  };
  add(config_2025("moondream2-2025-06-21", starmie_prompts()), kStarmie);
  add(config_2025("moondream2-2025-04-14", phi_prompts({.space = " ", .long_caption = true, .gaze = true})),
      kPhi);
  add(config_2025("moondream2-2025-03-27", phi_prompts({.space = " ", .long_caption = true, .gaze = true})),
      kPhi);
  add(config_2025("moondream2-2025-01-09", phi_prompts({.space = "", .gaze = true})), kPhi);
  add(config_half_billion("moondream-0.5b", phi_prompts({.space = ""})), kPhi);
  add(config_2024("moondream2-2024-08-26", Cropping::kViews2024, prompts_2024({.short_caption = true})),
      kPhi);
  add(config_2024("moondream2-2024-07-23", Cropping::kViews2024, prompts_2024({})), kPhi);
  add(config_2024("moondream2-2024-05-20", Cropping::kViews2024, prompts_2024({})), kPhi);
  add(config_2024("moondream2-2024-05-08", Cropping::kSingle, prompts_2024({})), kPhi);
  add(config_2024("moondream2-2024-04-02", Cropping::kSingle, prompts_2024({})), kPhi);
  add(config_2024("moondream2-2024-03-13", Cropping::kSingle, prompts_2024({.end_as_text = true})), kPhi);
  add(config_2024("moondream2-2024-03-06", Cropping::kSingle,
                  prompts_2024({.image_tags = true, .end_as_text = true})),
      kPhi);
  add(config_2024("moondream2-2024-03-04", Cropping::kSingle,
                  prompts_2024({.image_tags = true, .end_as_text = true})),
      kPhi);
  for (const OwnSizes& sizes : kOwnSizes) add(config_own(sizes), {});
  add(config_2025(kOwnVariant, starmie_prompts()), {});
  ask_plainly(rows.back().config.prompts);
  rows.back().licence = {};
  for (Variant& row : rows) row.name = row.config.variant;
  return rows;
}

}  // namespace

std::span<const Variant> variants() {
  static const std::vector<Variant> rows = make_variants();
  return rows;
}

const Variant& variant(std::string_view name) {
  if (name == "moondream2") name = "moondream2-2025-06-21";
  if (name == "0.5b") name = "moondream-0.5b";
  const std::string dated = base::cat("moondream2-", name);
  if (name.starts_with("20")) name = dated;
  std::string names;
  for (const Variant& row : variants()) {
    if (row.name == name) return row;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  base::fail(ErrorCode::kInvalidArgument, "variant: expected one of ", names, "; got '",
             base::printable(name), "'");
}

}  // namespace moonbeam::model
