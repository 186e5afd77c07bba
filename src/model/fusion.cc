#include "model/fusion.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "model/fusion_parts.h"
#include "model/synth.h"
#include "model/tensor_table.h"
#include "model/variants.h"
#include "text/tokenizer.h"

namespace moonbeam::model {

namespace fs = std::filesystem;
using base::fail;

namespace {

constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;
constexpr std::string_view kEnd = "<|endoftext|>";
constexpr double kTurns = 2.5;  // deviation of the Fourier features, as the trainer's
constexpr std::int64_t kChunk = 1 << 16;

/// The makers' prompts for Phi's tokenizer, as text: its ids for them are those of their releases of 2025.
Prompts prompts_for(const text::Tokenizer& tokenizer, int vocab) {
  const auto ids = [&](std::string_view text) { return tokenizer.encode(text, false); };
  const std::optional<int> end = tokenizer.find(kEnd);
  if (!end) fail(ErrorCode::kUnsupported, "tokenizer: expected the token ", kEnd, ", got none");
  Prompts p;
  p.bos = p.eos = *end;
  p.caption = {ids("\n\nShort caption:"), ids("\n\nCaption:"), ids("\n\nLong caption:")};
  p.query = Template{ids("\n\nQuestion:"), ids("\n\nAnswer:")};
  p.detect = Template{ids("\n\nDetect:"), ids("\n\n")};
  p.point = Template{ids("\n\nPoint:"), ids("\n\n")};
  p.query_suffix_count = 1;
  p.question_space = p.object_space = " ";
  p.reasoning = false;
  // An object begins with a token of its own. Phi's table has rows that no text uses.
  const int spare = tokenizer.token_count();
  if (spare + 1 < vocab) p.coord = spare, p.size = spare + 1;
  return p;
}

/// The parts' sizes, and the rest in the proportions of Moondream 2.
ModelConfig config_of(const HuggingFacePart& vision, const HuggingFacePart& text) {
  ModelConfig config = variant(kOwnVariant).config;
  read_siglip_sizes(vision, config.vision);
  read_phi_sizes(text, config.text);
  const int dim = config.text.dim;
  config.vision.proj_in_dim = 2 * config.vision.dim;
  config.vision.proj_inner_dim = 4 * dim;
  config.vision.proj_out_dim = dim;
  config.vision.overlap_margin = config.vision.grid_side() / 6;
  config.text.prefix_attn = 1 + config.vision.image_tokens();
  config.region->dim = dim;
  config.region->inner_dim = 4 * dim;
  config.region->coord_feat_dim = std::max(2, dim / 8 / 2 * 2);
  config.region->size_feat_dim = std::max(2, dim / 4 / 2 * 2);
  config.region->coord_divisor = config.region->coord_out_dim - 1;
  return config;
}

/// Deviation of a fresh tensor's values, as the trainer's own models begin.
double deviation(const TensorSpec& spec) {
  if (spec.name.ends_with("_features")) return kTurns;
  if (spec.name.ends_with(".bias")) return 0;
  return 1 / std::sqrt(3.0 * static_cast<double>(spec.shape[1]));
}

SourceTensor fresh(const TensorSpec& spec, std::uint64_t seed) {
  SynthRule rule = synth_rule(spec.name, spec.shape, SynthProfile::kFull);
  rule.hash ^= (seed + 1) * 0xD1342543DE82EF95;
  rule.step = static_cast<float>(deviation(spec) / kSynthDeviation);
  rule.offset = 0;
  SourceTensor out{"fresh", {nullptr, tensor::DType::kF32, spec.shape}, nullptr};
  out.make = [rule, count = spec.shape.numel()](std::byte* to, base::ThreadPool& pool) {
    pool.parallel_for(static_cast<int>((count + kChunk - 1) / kChunk), [&](int chunk, int) {
      const std::int64_t first = chunk * kChunk;
      synth_values(rule, static_cast<std::uint64_t>(first), std::min(kChunk, count - first),
                   reinterpret_cast<float*>(to) + first);
    });
  };
  return out;
}

std::string name_of(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

void take_tokenizer(Source& source, const FusionParts& parts, const std::string& folder) {
  const std::string path =
      parts.tokenizer.empty() ? (fs::path(folder) / "tokenizer.json").string() : parts.tokenizer;
  source.tokenizer_text = base::read_file(path, kMaxTokenizerBytes);
  source.tokenizer_name = base::printable(path);
}

}  // namespace

Source make_fused_source(const FusionParts& parts) {
  const HuggingFacePart vision = open_part(parts.vision), text = open_part(parts.text);
  Source source;
  source.path = parts.vision;
  source.name = base::cat(name_of(vision.folder), "+", name_of(text.folder));
  source.format = "safetensors";
  source.layout = "siglip_phi";
  source.variant = kOwnVariant;
  source.files = {vision.weights, text.weights};
  take_tokenizer(source, parts, text.folder);
  ModelConfig config = config_of(vision, text);
  const text::Tokenizer tokenizer(
      formats::parse_tokenizer_json(source.tokenizer_text, source.tokenizer_name));
  config.prompts = prompts_for(tokenizer, config.text.vocab_size);
  config.validate();
  if (config.prompts.coord < 0) {
    source.notes.emplace_back("the text model has no row without a token: nothing begins a box or a point");
  }
  source.config_text = write_config_json(config);
  source.config_name = base::cat(vision.config_name, " and ", text.config_name);
  const std::vector<TensorSpec> table = tensor_table(config);
  take_siglip(vision, table, source);
  take_phi(text, table, source);
  for (const TensorSpec& spec : table) {
    if (!source.find(spec.name)) source.tensors.emplace(spec.name, fresh(spec, parts.seed));
  }
  return source;
}

}  // namespace moonbeam::model
