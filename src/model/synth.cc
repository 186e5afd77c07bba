// Generated weights. The rules are those of tests/goldens/README.md, section 1.
#include "model/synth.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "model/source.h"
#include "model/tensor_table.h"
#include "model/variants.h"

namespace moonbeam::model {

using base::fail;

namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::int32_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  z ^= z >> 31;
  return static_cast<std::int32_t>((z & 65535) + ((z >> 16) & 65535) + ((z >> 32) & 65535) + (z >> 48)) -
         131070;
}

/// Gains by kind of tensor; the first row whose test holds.
struct Gain {
  bool (*matches)(std::string_view name);
  double tiny, full;
  bool by_fan;  ///< divided by sqrt(columns)
  float offset;
};

constexpr bool has(std::string_view name, std::string_view part) {
  return name.find(part) != std::string_view::npos;
}

constexpr Gain kGains[] = {
    {[](std::string_view n) { return n == "vision.pos_emb"; }, 0.5, 0.5, false, 0},
    {[](std::string_view n) { return n == "text.wte"; }, 0.5, 1.0, false, 0},
    {[](std::string_view n) { return n == "region.coord_features" || n == "region.size_features"; }, 1, 1,
     false, 0},
    {[](std::string_view n) {
       return n.ends_with("ln.weight") || n.ends_with("ln1.weight") || n.ends_with("ln2.weight");
     },
     0.1, 0.1, false, 1},
    {[](std::string_view n) { return n.ends_with(".bias"); }, 0.05, 0.05, false, 0},
    {[](std::string_view n) { return n.starts_with("text.") && n.ends_with("qkv.weight"); }, 3.0, 2.0, true,
     0},
    {[](std::string_view n) { return n.starts_with("text.") && n.ends_with("proj.weight"); }, 2.0, 0.15, true,
     0},
    {[](std::string_view n) { return n == "vision.proj_mlp.fc2.weight"; }, 1.5, 1.0, true, 0},
    {[](std::string_view n) { return n.ends_with("fc2.weight") && !n.starts_with("region."); }, 1.5, 0.4,
     true, 0},
    {[](std::string_view n) {
       return n == "text.lm_head.weight" || has(n, "coord_decoder.") || has(n, "size_decoder.");
     },
     1.5, 1.5, true, 0},
    {[](std::string_view) { return true; }, 1.0, 1.0, true, 0},
};

struct Raise {
  std::uint64_t index;
  float by;
};
constexpr Raise kRaised[] = {{0, 4}, {3, 3}, {5, 4.5f}, {6, 3}, {7, 3}, {9, 3}};  // of text.lm_head.bias

constexpr std::int64_t kChunk = 1 << 16;

/// All values in `type`, over the pool.
void make_tensor(const SynthRule& rule, const tensor::TensorView& view, std::byte* out,
                 base::ThreadPool& pool) {
  const std::int64_t count = view.numel();
  const tensor::DTypeInfo& type = tensor::info(view.dtype);
  pool.parallel_for(static_cast<int>((count + kChunk - 1) / kChunk), [&](int chunk, int) {
    const std::int64_t first = chunk * kChunk, size = std::min(kChunk, count - first);
    std::byte* to = out + first * type.bytes;
    if (view.dtype == tensor::DType::kF32) {
      synth_values(rule, static_cast<std::uint64_t>(first), size, reinterpret_cast<float*>(to));
      return;
    }
    constexpr std::int64_t kPiece = 4096;
    std::array<float, kPiece> piece;
    for (std::int64_t i = 0; i < size; i += kPiece) {
      const std::int64_t n = std::min(kPiece, size - i);
      synth_values(rule, static_cast<std::uint64_t>(first + i), n, piece.data());
      type.quantize(piece.data(), to + i * type.bytes, n);
    }
  });
}

constexpr std::string_view kTiny = "tiny";

}  // namespace

std::int32_t synth_integer(std::uint64_t hash, std::uint64_t index) noexcept {
  return mix(hash + (index + 1) * kGolden);
}

SynthRule synth_rule(std::string_view name, const tensor::Shape& shape, SynthProfile profile) {
  const Gain& row =
      *std::find_if(std::begin(kGains), std::end(kGains), [&](const Gain& g) { return g.matches(name); });
  SynthRule rule;
  rule.hash = fnv1a(name);
  rule.gain = profile == SynthProfile::kTiny ? row.tiny : row.full;
  rule.fan = row.by_fan ? shape[1] : 1;
  rule.step = static_cast<float>(rule.gain / (std::sqrt(static_cast<double>(rule.fan)) * kSynthDeviation));
  rule.offset = row.offset;
  rule.lm_head_bias = name == "text.lm_head.bias";
  return rule;
}

void synth_values(const SynthRule& rule, std::uint64_t first, std::int64_t count, float* out) noexcept {
  std::uint64_t z = rule.hash + (first + 1) * kGolden;
  for (std::int64_t i = 0; i < count; ++i, z += kGolden) out[i] = static_cast<float>(mix(z)) * rule.step;
  if (rule.offset != 0) {
    for (std::int64_t i = 0; i < count; ++i) out[i] += rule.offset;
  }
  if (!rule.lm_head_bias) return;
  for (const Raise& raise : kRaised) {
    if (raise.index >= first && raise.index - first < static_cast<std::uint64_t>(count)) {
      out[raise.index - first] += raise.by;
    }
  }
}

ModelConfig synth_config(const std::string& name) {
  if (name != kTiny) return variant(name).config;
  ModelConfig config = variant(kOwnVariant).config;
  config.vision.dim = 144, config.vision.layers = 2, config.vision.ff_dim = 538, config.vision.heads = 2;
  config.vision.proj_in_dim = 288, config.vision.proj_inner_dim = 256, config.vision.proj_out_dim = 128;
  config.text.dim = 128, config.text.ff_dim = 512, config.text.layers = 2, config.text.vocab_size = 1024;
  config.text.heads = config.text.kv_heads = 2;
  config.region->dim = config.region->inner_dim = 128;
  config.region->coord_feat_dim = 64, config.region->size_feat_dim = 128;
  config.prompts.caption = {std::vector<int>{1, 300, 2, 301, 3}, std::vector<int>{1, 300, 2, 302, 3},
                            std::vector<int>{1, 300, 2, 303, 3}};
  config.prompts.query = Template{{1, 304, 2}, {3}};
  config.prompts.detect = Template{{1, 305, 306, 2}, {3}};
  config.prompts.point = Template{{1, 307, 2}, {3}};
  return config;
}

Source make_synth_source(const std::string& spec) {
  const std::size_t colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  const std::string type_name = colon == std::string::npos ? "f32" : spec.substr(colon + 1);
  const tensor::DTypeInfo* type = tensor::find_dtype(type_name);
  if (!type || (type_name != "f32" && type_name != "bf16" && type_name != "f16")) {
    fail(ErrorCode::kInvalidArgument, "synth:", base::printable(spec), ": expected f32, bf16 or f16, got '",
         base::printable(type_name), "'");
  }
  Source source;
  source.config = synth_config(name);
  source.name = base::cat("synth-", name);
  source.format = "synth";
  source.layout = "plain";
  source.licence = "Apache-2.0";
  source.tokenizer = synth_tokenizer(*source.config);
  const SynthProfile profile = name == kTiny ? SynthProfile::kTiny : SynthProfile::kFull;
  for (const TensorSpec& row : tensor_table(*source.config)) {
    SourceTensor tensor{row.name, {nullptr, type->type, row.shape}, nullptr};
    tensor.make = [rule = synth_rule(row.name, row.shape, profile), view = tensor.view](
                      std::byte* out, base::ThreadPool& pool) { make_tensor(rule, view, out, pool); };
    source.tensors.emplace(row.name, std::move(tensor));
  }
  return source;
}

}  // namespace moonbeam::model

namespace moonbeam {

std::vector<std::string> synth_variants() {
  std::vector<std::string> out{"tiny", "moondream2", "0.5b"};
  for (const model::Variant& row : model::variants()) {
    // Our own rows have no prompts of their own to fill in.
    const bool asks = row.config.prompts.query || !row.config.prompts.text_query.empty();
    if (row.name != model::kOwnVariant && asks) out.emplace_back(row.name);
  }
  return out;
}

}  // namespace moonbeam
