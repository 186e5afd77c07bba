// The published config.json and our own keys, read over a row of the variant table; rules that join the
// parts' sizes. Which row is the loader's choice.
#include "model/config.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model/json_keys.h"
#include "model/variants.h"

namespace moonbeam::model {

using base::fail;

namespace {

struct CroppingName {
  vision::Cropping cropping;
  std::string_view name;
};
constexpr CroppingName kCroppings[] = {{vision::Cropping::kOverlapCrops, "overlap_crops"},
                                       {vision::Cropping::kViews2024, "views_2024"},
                                       {vision::Cropping::kSingle, "single"}};
constexpr const char* kLengths[] = {"short", "normal", "long"};

/// What a reader of one section needs besides the section: where to put keys nobody knows.
using Unknown = std::vector<std::string>;

void add_unknown(const JsonKeys& keys, Unknown& unknown) {
  for (std::string& key : keys.unknown()) unknown.push_back(std::move(key));
}

void read_text(JsonKeys keys, text::TextConfig& text, Unknown& unknown) {
  keys.read("dim", text.dim);
  keys.read("ff_dim", text.ff_dim);
  keys.read("n_layers", text.layers);
  keys.read("vocab_size", text.vocab_size);
  keys.read("max_context", text.max_context);
  keys.read("n_heads", text.heads);
  text.kv_heads = text.heads;
  keys.read("n_kv_heads", text.kv_heads);
  keys.read("prefix_attn", text.prefix_attn);
  keys.ignore("group_size");  // int4 is told from the tensors
  add_unknown(keys, unknown);
}

void read_vision(JsonKeys keys, vision::VisionConfig& vision, Unknown& unknown) {
  keys.read("enc_dim", vision.dim);
  keys.read("enc_patch_size", vision.patch_size);
  keys.read("enc_n_layers", vision.layers);
  keys.read("enc_ff_dim", vision.ff_dim);
  keys.read("enc_n_heads", vision.heads);
  keys.read("proj_out_dim", vision.proj_out_dim);
  keys.read("proj_inner_dim", vision.proj_inner_dim);
  keys.read("crop_size", vision.crop_size);
  keys.read("in_channels", vision.channels);
  keys.read("max_crops", vision.max_crops);
  keys.read("overlap_margin", vision.overlap_margin);
  const bool readable = vision.patch_size > 0 && vision.crop_size > 0;
  if (readable) vision.image_grid = vision.grid_side();
  keys.read("image_grid", vision.image_grid);
  add_unknown(keys, unknown);
}

void read_region(JsonKeys keys, region::RegionConfig& region, Unknown& unknown) {
  keys.read("dim", region.dim);
  keys.read("coord_feat_dim", region.coord_feat_dim);
  keys.read("coord_out_dim", region.coord_out_dim);
  keys.read("size_feat_dim", region.size_feat_dim);
  keys.read("size_out_dim", region.size_out_dim);
  keys.read("inner_dim", region.inner_dim);
  keys.read("coord_divisor", region.coord_divisor);
  keys.ignore("group_size");
  add_unknown(keys, unknown);
}

void read_template(JsonKeys& templates, const char* task, std::optional<Template>& out, Unknown& unknown) {
  if (templates.is_null(task)) out.reset();
  auto keys = templates.object(task);
  if (!keys) return;
  if (!out) out.emplace();
  keys->read("prefix", out->prefix);
  keys->read("suffix", out->suffix);
  add_unknown(*keys, unknown);
}

void read_templates(JsonKeys templates, Prompts& prompts, Unknown& unknown) {
  if (templates.is_null("caption")) prompts.caption = {};
  if (auto caption = templates.object("caption")) {
    for (std::size_t i = 0; i < prompts.caption.size(); ++i) {
      if (caption->is_null(kLengths[i])) prompts.caption[i].reset();
      std::vector<int> ids = prompts.caption[i].value_or(std::vector<int>{});
      caption->read(kLengths[i], ids);
      if (!ids.empty()) prompts.caption[i] = std::move(ids);
    }
    add_unknown(*caption, unknown);
  }
  read_template(templates, "query", prompts.query, unknown);
  read_template(templates, "detect", prompts.detect, unknown);
  read_template(templates, "point", prompts.point, unknown);
  add_unknown(templates, unknown);
}

void read_tokenizer(JsonKeys keys, Prompts& prompts, Unknown& unknown) {
  keys.read("bos_id", prompts.bos);
  keys.read("eos_id", prompts.eos);
  keys.read("answer_id", prompts.answer);
  keys.read("thinking_id", prompts.thinking);
  keys.read("coord_id", prompts.coord);
  keys.read("size_id", prompts.size);
  keys.read("start_ground_points_id", prompts.start_ground);
  keys.read("end_ground_id", prompts.end_ground);
  keys.read("query_suffix_count", prompts.query_suffix_count);
  keys.read("reasoning", prompts.reasoning);
  if (auto templates = keys.object("templates")) read_templates(*templates, prompts, unknown);
  add_unknown(keys, unknown);
}

void read_cropping(JsonKeys& keys, vision::Cropping& cropping, const std::string& name) {
  std::string text;
  keys.read("cropping", text);
  if (text.empty()) return;
  for (const CroppingName& row : kCroppings) {
    if (row.name == text) {
      cropping = row.cropping;
      return;
    }
  }
  fail(ErrorCode::kUnsupported, name,
       ": moonbeam.cropping: expected overlap_crops, views_2024 or single, got '", base::printable(text),
       "'");
}

/// What the published keys cannot say; written by us so that every variant comes back as it was.
void read_own(JsonKeys keys, ModelConfig& config, const std::string& name, Unknown& unknown) {
  Prompts& prompts = config.prompts;
  keys.ignore("variant");
  read_cropping(keys, config.vision.cropping, name);
  keys.read("vision_eps", config.vision.eps);
  if (!(config.vision.eps > 0 && config.vision.eps < 1)) {
    fail(ErrorCode::kCorrupt, name, ": moonbeam.vision_eps: expected a number between 0 and 1");
  }
  keys.read("rope_dims", config.text.rope_dims);
  keys.read("rope_theta", config.text.rope_theta);
  keys.read("question_space", prompts.question_space);
  keys.read("object_space", prompts.object_space);
  keys.read("suppress_answer", prompts.suppress_answer);
  keys.read("spatial_refs", prompts.spatial_refs);
  keys.read("gaze", prompts.gaze);
  keys.read("strip_answer", prompts.strip_answer);
  keys.read("text_query", prompts.text_query);
  if (auto captions = keys.object("text_caption")) {
    for (std::size_t i = 0; i < prompts.text_caption.size(); ++i)
      captions->read(kLengths[i], prompts.text_caption[i]);
    add_unknown(*captions, unknown);
  }
  keys.read("text_before_image", prompts.text_before_image);
  keys.read("text_after_image", prompts.text_after_image);
  keys.read("text_stop", prompts.text_stop);
  keys.read("json_with_keys", prompts.json_with_keys);
  keys.read("json_plain", prompts.json_plain);
  add_unknown(keys, unknown);
}

void add_unknown_note(const Unknown& unknown, const std::string& name, std::vector<std::string>& notes) {
  if (unknown.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < unknown.size() && i < 8; ++i) list += (i ? ", " : "") + unknown[i];
  if (unknown.size() > 8) list += base::cat(" and ", unknown.size() - 8, " more");
  notes.push_back(base::cat(name, ": unknown keys ignored: ", list));
}

void check_id(const std::string& key, int id, int vocab) {
  if (id < 0 || id >= vocab) {
    fail(ErrorCode::kCorrupt, "config tokenizer.", key, ": expected ids in 0..", vocab - 1, ", got ", id);
  }
}

void check_template(const std::string& task, const std::optional<Template>& tokens, int vocab) {
  if (!tokens) return;
  for (const int id : tokens->prefix) check_id("templates." + task + ".prefix", id, vocab);
  for (const int id : tokens->suffix) check_id("templates." + task + ".suffix", id, vocab);
}

void check_prompts(const Prompts& prompts, int vocab) {
  check_id("bos_id", prompts.bos, vocab);
  check_id("eos_id", prompts.eos, vocab);
  const std::pair<const char*, int> optional_ids[] = {{"answer_id", prompts.answer},
                                                      {"thinking_id", prompts.thinking},
                                                      {"coord_id", prompts.coord},
                                                      {"size_id", prompts.size},
                                                      {"start_ground_points_id", prompts.start_ground},
                                                      {"end_ground_id", prompts.end_ground}};
  for (const auto& [key, id] : optional_ids) {
    if (id != -1) check_id(key, id, vocab);
  }
  for (std::size_t i = 0; i < prompts.caption.size(); ++i) {
    if (!prompts.caption[i]) continue;
    for (const int id : *prompts.caption[i])
      check_id(base::cat("templates.caption.", kLengths[i]), id, vocab);
  }
  check_template("query", prompts.query, vocab);
  check_template("detect", prompts.detect, vocab);
  check_template("point", prompts.point, vocab);
  if (prompts.query_suffix_count < 1 || prompts.query_suffix_count > 8) {
    fail(ErrorCode::kCorrupt, "config tokenizer.query_suffix_count: expected 1..8, got ",
         prompts.query_suffix_count);
  }
  if (prompts.suppress_answer && prompts.answer < 0) {
    fail(ErrorCode::kCorrupt, "config moonbeam.suppress_answer: expected an answer_id beside it, got none");
  }
}

nlohmann::json template_json(const std::optional<Template>& tokens) {
  if (!tokens) return nullptr;
  return {{"prefix", tokens->prefix}, {"suffix", tokens->suffix}};
}

nlohmann::json tokenizer_json(const Prompts& prompts) {
  nlohmann::json caption;
  for (std::size_t i = 0; i < prompts.caption.size(); ++i) {
    caption[kLengths[i]] = prompts.caption[i] ? nlohmann::json(*prompts.caption[i]) : nlohmann::json(nullptr);
  }
  return {{"bos_id", prompts.bos},
          {"eos_id", prompts.eos},
          {"answer_id", prompts.answer},
          {"thinking_id", prompts.thinking},
          {"coord_id", prompts.coord},
          {"size_id", prompts.size},
          {"start_ground_points_id", prompts.start_ground},
          {"end_ground_id", prompts.end_ground},
          {"query_suffix_count", prompts.query_suffix_count},
          {"reasoning", prompts.reasoning},
          {"templates",
           {{"caption", caption},
            {"query", template_json(prompts.query)},
            {"detect", template_json(prompts.detect)},
            {"point", template_json(prompts.point)}}}};
}

nlohmann::json own_json(const ModelConfig& config) {
  const Prompts& prompts = config.prompts;
  nlohmann::json out = {{"variant", config.variant},
                        {"rope_dims", config.text.rope_dims},
                        {"rope_theta", config.text.rope_theta},
                        {"question_space", prompts.question_space},
                        {"object_space", prompts.object_space},
                        {"suppress_answer", prompts.suppress_answer},
                        {"spatial_refs", prompts.spatial_refs},
                        {"gaze", prompts.gaze},
                        {"strip_answer", prompts.strip_answer},
                        {"text_query", prompts.text_query},
                        {"text_before_image", prompts.text_before_image},
                        {"text_after_image", prompts.text_after_image},
                        {"text_stop", prompts.text_stop}};
  // Only where it is not the one of all releases: what was written before stays as it is.
  if (config.vision.eps != vision::VisionConfig{}.eps) out["vision_eps"] = config.vision.eps;
  const Prompts usual;
  if (prompts.json_with_keys != usual.json_with_keys) out["json_with_keys"] = prompts.json_with_keys;
  if (prompts.json_plain != usual.json_plain) out["json_plain"] = prompts.json_plain;
  for (const CroppingName& row : kCroppings) {
    if (row.cropping == config.vision.cropping) out["cropping"] = row.name;
  }
  for (std::size_t i = 0; i < prompts.text_caption.size(); ++i) {
    out["text_caption"][kLengths[i]] = prompts.text_caption[i];
  }
  return out;
}

}  // namespace

void ModelConfig::validate() const {
  vision.validate();
  text.validate();
  if (vision.proj_out_dim != text.dim) {
    fail(ErrorCode::kCorrupt, "config vision.proj_out_dim: expected text.dim (", text.dim, "), got ",
         vision.proj_out_dim);
  }
  if (region) {
    region->validate();
    if (region->dim != text.dim) {
      fail(ErrorCode::kCorrupt, "config region.dim: expected text.dim (", text.dim, "), got ", region->dim);
    }
  }
  const int prefix = 1 + vision.image_tokens();
  if (text.prefix_attn != 0 && text.prefix_attn != prefix) {
    fail(ErrorCode::kCorrupt, "config text.prefix_attn: expected 0 or ", prefix, " (BOS and ",
         vision.image_tokens(), " image embeddings), got ", text.prefix_attn);
  }
  if (text.max_context <= prefix) {
    fail(ErrorCode::kCorrupt, "config text.max_context: expected more than ", prefix, ", got ",
         text.max_context);
  }
  check_prompts(prompts, text.vocab_size);
}

ModelConfig parse_config_json(std::string_view text, const ModelConfig& base, const std::string& name) {
  const formats::JsonValue json = formats::parse_json(text, name);
  JsonKeys keys(json, name, "");
  ModelConfig config = base;
  Unknown unknown;
  const bool causal = base.text.prefix_attn == 0;
  bool says_prefix = false;
  if (auto section = keys.object("vision")) read_vision(*section, config.vision, unknown);
  if (auto section = keys.object("text")) {
    says_prefix = section->has("prefix_attn") && !section->is_null("prefix_attn");
    read_text(*section, config.text, unknown);
  }
  if (!says_prefix) config.text.prefix_attn = causal ? 0 : 1 + config.vision.image_tokens();
  if (keys.is_null("region")) config.region.reset();
  if (auto section = keys.object("region")) {
    if (!config.region) config.region.emplace();
    read_region(*section, *config.region, unknown);
  }
  if (auto section = keys.object("tokenizer")) read_tokenizer(*section, config.prompts, unknown);
  if (auto section = keys.object("moonbeam")) read_own(*section, config, name, unknown);
  const bool two_maps = config.vision.cropping != vision::Cropping::kSingle;
  // No published key says what the projector takes; the loader corrects it by the tensor's shape.
  config.vision.proj_in_dim = two_maps ? 2 * config.vision.dim : config.vision.dim;
  add_unknown(keys, unknown);
  add_unknown_note(unknown, name, config.notes);
  return config;
}

std::string write_config_json(const ModelConfig& config) {
  const vision::VisionConfig& vision = config.vision;
  const text::TextConfig& text = config.text;
  nlohmann::json json;
  json["text"] = {{"dim", text.dim},
                  {"ff_dim", text.ff_dim},
                  {"n_layers", text.layers},
                  {"vocab_size", text.vocab_size},
                  {"max_context", text.max_context},
                  {"n_heads", text.heads},
                  {"n_kv_heads", text.kv_heads},
                  {"prefix_attn", text.prefix_attn}};
  json["vision"] = {{"enc_dim", vision.dim},
                    {"enc_patch_size", vision.patch_size},
                    {"enc_n_layers", vision.layers},
                    {"enc_ff_dim", vision.ff_dim},
                    {"enc_n_heads", vision.heads},
                    {"proj_out_dim", vision.proj_out_dim},
                    {"crop_size", vision.crop_size},
                    {"in_channels", vision.channels},
                    {"max_crops", vision.max_crops},
                    {"overlap_margin", vision.overlap_margin},
                    {"proj_inner_dim", vision.proj_inner_dim},
                    {"image_grid", vision.image_grid}};
  json["region"] = nullptr;
  if (config.region) {
    const region::RegionConfig& region = *config.region;
    json["region"] = {{"dim", region.dim},
                      {"coord_feat_dim", region.coord_feat_dim},
                      {"coord_out_dim", region.coord_out_dim},
                      {"size_feat_dim", region.size_feat_dim},
                      {"size_out_dim", region.size_out_dim},
                      {"inner_dim", region.inner_dim},
                      {"coord_divisor", region.coord_divisor}};
  }
  json["tokenizer"] = tokenizer_json(config.prompts);
  json["moonbeam"] = own_json(config);
  return json.dump(2) + "\n";
}

}  // namespace moonbeam::model
