#include "model/adapter.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "formats/safetensors.h"
#include "formats/sniff.h"
#include "model/checks.h"
#include "ops/context.h"
#include "ops/linear.h"

namespace moonbeam::model {

using base::fail;
using formats::NamedTensor;
using tensor::DType;
using tensor::TensorView;

namespace {

constexpr std::string_view kBlocks = "text.blocks.";
constexpr std::string_view kWeight = ".weight";
constexpr std::string_view kProj = "attn.proj";
constexpr std::int64_t kMostRank = 1 << 16;

struct Target {
  std::string_view name;
  int (*in)(const text::TextConfig& text);
  int (*out)(const text::TextConfig& text);
};
constexpr Target kTargets[] = {
    {"attn.qkv", [](const auto& text) { return text.dim; }, [](const auto& text) { return 3 * text.dim; }},
    {kProj, [](const auto& text) { return text.dim; }, [](const auto& text) { return text.dim; }},
    {"mlp.fc1", [](const auto& text) { return text.dim; }, [](const auto& text) { return text.ff_dim; }},
    {"mlp.fc2", [](const auto& text) { return text.ff_dim; }, [](const auto& text) { return text.dim; }},
};

/// Names of the makers' adapters as ours. True if one had to be changed.
bool rename(std::string& name) {
  struct Rule {
    std::string_view from, to;
  };
  constexpr Rule kRules[] = {{"text_model.transformer.h", "text.blocks"},
                             {".mixer", ".attn"},
                             {".out_proj", ".proj"},
                             {".Wqkv", ".qkv"},
                             {".parametrizations.weight.0", ""}};
  bool renamed = false;
  for (const Rule& rule : kRules) {
    const std::size_t at = name.find(rule.from);
    if (at == std::string::npos) continue;
    name.replace(at, rule.from.size(), rule.to);
    renamed = true;
  }
  return renamed;
}

struct Factor {
  int block = 0;
  const Target* target = nullptr;
  bool is_b = false;
};

/// "text.blocks.3.attn.qkv.A".
std::optional<Factor> parse_name(std::string_view name) {
  if (!name.starts_with(kBlocks)) return std::nullopt;
  name.remove_prefix(kBlocks.size());
  Factor out;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, out.block);
  if (error != std::errc() || stop == end || *stop != '.' || out.block < 0) return std::nullopt;
  name.remove_prefix(static_cast<std::size_t>(stop + 1 - name.data()));
  for (const Target& target : kTargets) {
    if (!name.starts_with(target.name)) continue;
    const std::string_view rest = name.substr(target.name.size());
    if (rest != ".A" && rest != ".B") return std::nullopt;
    out.target = &target;
    out.is_b = rest == ".B";
    return out;
  }
  return std::nullopt;
}

/// Takes a file apart; nothing of it is left out.
class AdapterReader {
 public:
  AdapterReader(const std::string& path, const ModelConfig& config)
      : text_(config.text), file_(open(path)), name_(base::printable(path)) {
    adapter_.path = path;
    adapter_.base = metadata("base").value_or("");
  }

  Adapter read() {
    check_kind();
    for (const NamedTensor& tensor : file_.tensors) take(tensor);
    check_whole();
    read_proj_input();
    check_rank();
    adapter_.digest = base::sha256_hex(file_.files.front()->bytes());
    return std::move(adapter_);
  }

 private:
  static formats::WeightFile open(const std::string& path) {
    const auto file = base::MappedFile::open(path);
    formats::refuse_foreign_file(file->bytes(), base::printable(path), "an adapter (.safetensors)",
                                 formats::Container::kSafetensors);
    return formats::open_safetensors(path);
  }

  std::optional<std::string> metadata(const char* key) const {
    const auto found = file_.metadata.find(key);
    if (found == file_.metadata.end()) return std::nullopt;
    return found->second;
  }

  void check_kind() const {
    for (const NamedTensor& tensor : file_.tensors) {
      std::string name = tensor.name;
      rename(name);
      if (parse_name(name)) return;
    }
    fail(ErrorCode::kUnsupported, name_,
         ": expected an adapter with tensors like 'text.blocks.0.attn.qkv.A', ",
         file_.tensors.empty() ? "got no tensors"
                               : base::cat("got '", base::printable(file_.tensors.front().name), "' and ",
                                           file_.tensors.size() - 1, " more"));
  }

  void take(const NamedTensor& tensor) {
    std::string plain = tensor.name;
    if (rename(plain)) published_ = true;
    const std::optional<Factor> factor = parse_name(plain);
    if (!factor) {
      fail(ErrorCode::kUnsupported, name_, ": '", base::printable(tensor.name),
           "': expected A and B of attn.qkv, attn.proj, mlp.fc1 and mlp.fc2 of text blocks alone");
    }
    if (factor->block >= text_.layers) {
      fail(ErrorCode::kCorrupt, name_, ": '", base::printable(tensor.name),
           "': the model has text blocks 0 to ", text_.layers - 1, made_for());
    }
    const std::string layer = plain.substr(0, plain.size() - 2);
    if (!taken_.insert(plain).second) {
      fail(ErrorCode::kCorrupt, name_, ": '", base::printable(layer), "' is there under two names");
    }
    AdapterFactors& factors = adapter_.layers[layer];
    factors.in = factor->target->in(text_);
    factors.out = factor->target->out(text_);
    const tensor::Shape& shape = tensor.view.shape;
    const int own = factor->is_b ? 0 : 1;  // the axis that the layer decides
    const int wanted = factor->is_b ? factors.out : factors.in;
    const std::int64_t rank = shape.rank() == 2 ? shape[1 - own] : 0;
    if (shape.rank() != 2 || shape[own] != wanted || rank < 1 || rank > kMostRank ||
        (factors.rank != 0 && rank != factors.rank)) {
      const std::string r = factors.rank != 0 ? base::cat(factors.rank) : "rank";
      fail(ErrorCode::kCorrupt, name_, ": '", base::printable(tensor.name), "': expected [",
           factor->is_b ? base::cat(wanted, ",", r) : base::cat(r, ",", wanted), "], got ", shape.to_string(),
           made_for());
    }
    factors.rank = static_cast<int>(rank);
    (factor->is_b ? factors.b : factors.a) = values(tensor);
  }

  base::Buffer<float> values(const NamedTensor& tensor) const {
    const DType type = tensor.view.dtype;
    if (type != DType::kF32 && type != DType::kF16 && type != DType::kBF16) {
      fail(ErrorCode::kUnsupported, name_, ": '", base::printable(tensor.name),
           "': expected f32, bf16 or f16, got ", tensor::info(type).name);
    }
    base::Buffer<float> out(static_cast<std::size_t>(tensor.view.numel()));
    tensor::to_f32(tensor.view, out.data());
    check_finite(out.span(), tensor.name, adapter_.path);
    return out;
  }

  /// What one block has, all have, and with both factors.
  void check_whole() const {
    for (const Target& target : kTargets) {
      bool any = false;
      for (int block = 0; block < text_.layers; ++block)
        any = any || adapter_.layers.contains(layer_name(block, target));
      for (int block = 0; any && block < text_.layers; ++block) {
        const std::string layer = layer_name(block, target);
        for (const char* factor : {".A", ".B"}) {
          if (taken_.contains(layer + factor)) continue;
          fail(ErrorCode::kCorrupt, name_, ": expected ", target.name, " of all ", text_.layers,
               " text blocks, '", layer, factor, "' is missing", made_for());
        }
      }
    }
  }

  static std::string layer_name(int block, const Target& target) {
    return base::cat(kBlocks, block, ".", target.name);
  }

  void read_proj_input() {
    const bool has_proj = adapter_.layers.contains(layer_name(0, kTargets[1]));
    const std::optional<std::string> input = metadata("proj_input");
    if (input && *input != "block" && *input != "attn") {
      fail(ErrorCode::kUnsupported, name_, ": proj_input: expected block or attn, got '",
           base::printable(*input), "'");
    }
    if (!input && has_proj && !published_) {
      fail(ErrorCode::kUnsupported, name_,
           ": proj_input: expected block or attn in the metadata, got none: attn.proj's input is not known");
    }
    adapter_.proj_from_normed = has_proj && (input ? *input == "block" : published_);
  }

  void check_rank() const {
    const std::optional<std::string> said = metadata("rank");
    if (!said) return;
    for (const auto& [layer, factors] : adapter_.layers) {
      if (*said == base::cat(factors.rank)) continue;
      fail(ErrorCode::kCorrupt, name_, ": rank: expected that of '", layer, "', ", factors.rank, ", got '",
           base::printable(*said), "'");
    }
  }

  std::string made_for() const {
    return adapter_.base.empty() ? "" : base::cat("; it was made for '", base::printable(adapter_.base), "'");
  }

  const text::TextConfig& text_;
  formats::WeightFile file_;
  std::string name_;  // for messages
  Adapter adapter_;
  std::set<std::string, std::less<>> taken_;
  bool published_ = false;
};

/// A model's name without what copies of it are called by: folder, ending, type.
std::string family(std::string name) {
  name.erase(0, name.find_last_of('/') + 1);
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string_view ending :
         {".gguf", ".safetensors", "-f32", "-f16", "-bf16", "-int8", "-int4"}) {
      if (name.size() <= ending.size() || !name.ends_with(ending)) continue;
      name.resize(name.size() - ending.size());
      cut = true;
    }
  }
  return name;
}

}  // namespace

ops::LowRank AdapterFactors::view() const noexcept {
  const auto layer = [](const base::Buffer<float>& values, int rows, int columns) -> ops::Linear {
    return {{reinterpret_cast<const std::byte*>(values.data()), DType::kF32, {rows, columns}}, nullptr};
  };
  return {layer(a, rank, in), layer(b, out, rank)};
}

const AdapterFactors* Adapter::find(std::string_view tensor) const {
  if (!tensor.ends_with(kWeight)) return nullptr;
  const auto found = layers.find(tensor.substr(0, tensor.size() - kWeight.size()));
  return found == layers.end() ? nullptr : &found->second;
}

void Adapter::forget(std::string_view tensor) {
  MB_ASSERT(find(tensor));
  layers.erase(layers.find(tensor.substr(0, tensor.size() - kWeight.size())));
}

bool Adapter::can_merge(std::string_view tensor) const {
  return find(tensor) && !(proj_from_normed && tensor.ends_with(base::cat(kProj, kWeight)));
}

std::int64_t Adapter::bytes() const noexcept {
  std::int64_t sum = 0;
  for (const auto& [name, factors] : layers) sum += factors.bytes();
  return sum;
}

Adapter open_adapter(const std::string& path, const ModelConfig& config) {
  return AdapterReader(path, config).read();
}

std::string base_warning(const Adapter& adapter, const std::string& name, const std::string& variant) {
  const std::string base = family(adapter.base);
  if (base.empty() || base == family(name) || base == variant) return {};
  return base::cat(base::printable(adapter.path), ": the adapter was made for '",
                   base::printable(adapter.base), "', the model is '", base::printable(name), "'");
}

void merge(const AdapterFactors& factors, float* weights, base::ThreadPool& pool,
           const kernels::KernelTable& table) {
  const auto in = static_cast<std::size_t>(factors.in), rank = static_cast<std::size_t>(factors.rank);
  base::Buffer<float> turned(in * rank);  // [in, rank]
  for (std::size_t r = 0; r < rank; ++r) {
    for (std::size_t i = 0; i < in; ++i) turned[i * rank + r] = factors.a[r * in + i];
  }
  const ops::Linear layer{
      {reinterpret_cast<const std::byte*>(turned.data()), DType::kF32, {factors.in, factors.rank}}, nullptr};
  ops::Context context(pool, table);
  ops::linear(context, factors.b.data(), factors.out, layer, weights, kernels::Epilogue::kAdd);
}

}  // namespace moonbeam::model
