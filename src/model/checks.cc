// What must hold before weights are used: names, shapes, types, memory, finite values.
#include "model/checks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "model/mode.h"
#include "tensor/packed.h"

namespace moonbeam::model {

using base::fail;

namespace {

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    out += (i ? ", '" : "'") + base::printable(names[i]) + "'";
  }
  if (names.size() > kShown) out += base::cat(" and ", names.size() - kShown, " more");
  return out;
}

void check_missing(const Source& source, const std::vector<TensorSpec>& table) {
  std::vector<std::string> missing;
  for (const TensorSpec& spec : table) {
    if (!source.find(spec.name)) {
      missing.push_back(source.layout == "checkpoint_2024" ? spec.checkpoint_2024 : spec.name);
    }
  }
  if (missing.empty()) return;
  fail(ErrorCode::kCorrupt, base::printable(source.path), ": ", missing.size(), " of ", table.size(),
       " tensors missing: ", first_names(missing));
}

/// A block beyond the configured ones means that the configuration is of another model.
void check_extra_blocks(const Source& source, const std::vector<std::string>& unused) {
  for (const std::string& name : unused) {
    const bool block = name.starts_with("vision.blocks.") || name.starts_with("text.blocks.");
    if (!block || !name.ends_with(".attn.proj.bias")) continue;
    fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(name),
         "': expected fewer blocks by the configuration, got this one too");
  }
}

bool is_whole_number(tensor::DType type) {
  using tensor::DType;
  constexpr DType kWhole[] = {DType::kI64, DType::kI32, DType::kI16, DType::kI8, DType::kU8, DType::kBool};
  return std::find(std::begin(kWhole), std::end(kWhole), type) != std::end(kWhole);
}

}  // namespace

std::vector<std::string> unused_tensors(const Source& source, const std::vector<TensorSpec>& table) {
  std::set<std::string, std::less<>> known;
  for (const TensorSpec& spec : table) known.insert(spec.name);
  std::vector<std::string> out;
  for (const auto& [name, unused] : source.tensors) {
    if (!known.contains(name)) out.push_back(name);
  }
  return out;
}

void check_tensors(const Source& source, const std::vector<TensorSpec>& table,
                   std::vector<std::string>& notes) {
  check_missing(source, table);
  for (const TensorSpec& spec : table) {
    const SourceTensor& tensor = *source.find(spec.name);
    const bool same = tensor.view.shape == spec.shape;
    // pos_emb may lack its leading 1.
    const bool flat = spec.shape[0] == 1 && tensor.view.shape.rank() == spec.shape.rank() - 1 &&
                      tensor.view.numel() == spec.shape.numel() && tensor.view.shape[0] == spec.shape[1];
    if (!same && !flat) {
      fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(tensor.source_name),
           "': expected ", spec.shape.to_string(), ", got ", tensor.view.shape.to_string());
    }
    const tensor::DTypeInfo& type = tensor::info(tensor.view.dtype);
    const bool readable =
        type.dequantize || (tensor::is_packed(type.type) && spec.kind == TensorKind::kMatrix);
    if (!readable || is_whole_number(type.type)) {
      fail(ErrorCode::kUnsupported, base::printable(source.path), ": '", base::printable(tensor.source_name),
           "': expected a type of weights, got ", type.name);
    }
  }
  std::vector<std::string> unused = unused_tensors(source, table);
  check_extra_blocks(source, unused);
  unused.insert(unused.end(), source.skipped.begin(), source.skipped.end());
  if (!unused.empty()) notes.push_back(base::cat("tensors that nothing uses: ", first_names(unused)));
}

bool is_read_whole(const SourceTensor& tensor, bool mmap) noexcept {
  return !mmap && tensor.view.data && (tensor.checksum || tensor::is_packed(tensor.view.dtype));
}

MemoryNeed memory_need(const Source& source, const std::vector<TensorSpec>& table, const ModelConfig& config,
                       Mode mode, const Recipe& recipe, bool mmap) {
  MemoryNeed need;
  for (const TensorSpec& spec : table) {
    const SourceTensor* tensor = source.find(spec.name);
    if (!tensor) continue;
    const tensor::DType type = loaded_type(spec, *tensor, mode, recipe);
    const bool mapped = spec.kind != TensorKind::kSmall && tensor->view.data && type == tensor->view.dtype &&
                        !is_read_whole(*tensor, mmap);
    (mapped ? need.mapped : need.owned) +=
        static_cast<std::int64_t>(tensor::byte_size(spec.shape, type).value_or(0));
  }
  constexpr std::int64_t kFloat = 4;
  const vision::VisionConfig& v = config.vision;
  const text::TextConfig& t = config.text;
  const std::int64_t crop =
      std::int64_t{v.patches()} * (6 * v.dim + std::max(v.ff_dim, 3 * v.dim) + v.patch_dim());
  const std::int64_t features = std::int64_t{v.patches()} * v.dim * (1 + v.max_crops);
  const std::int64_t prefill = (1 + std::int64_t{v.image_tokens()}) * (6 * t.dim + t.ff_dim + 3 * t.dim);
  const std::int64_t cache =
      std::int64_t{2} * t.layers * t.max_context * t.dim * (mode == Mode::kF32 ? kFloat : 2);
  need.work = kFloat * (std::max(crop + features, prefill) + t.vocab_size) + cache;
  return need;
}

void check_sum(const Source& source, const SourceTensor& tensor, std::uint64_t sum) {
  if (!tensor.checksum || *tensor.checksum == sum) return;
  base::fail(ErrorCode::kCorrupt, base::printable(source.path), ": '", base::printable(tensor.source_name),
             "': its bytes do not give its checksum: the file is damaged");
}

void check_memory(const MemoryNeed& need, const base::Memory& memory, const std::string& path) {
  if (need.total() <= memory.available) return;
  fail(ErrorCode::kExhausted, base::printable(path), ": needs ", base::format_bytes(need.total()),
       " of memory (weights ", base::format_bytes(need.owned + need.mapped), ", work ",
       base::format_bytes(need.work), "), got ", base::format_bytes(memory.available), " free of ",
       base::format_bytes(memory.total));
}

void check_finite(std::span<const float> values, const std::string& tensor, const std::string& path,
                  std::int64_t first) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    fail(ErrorCode::kCorrupt, base::printable(path), ": '", base::printable(tensor), "': value ",
         first + static_cast<std::int64_t>(i), ": expected a finite number, got ",
         std::isnan(values[i]) ? "NaN" : "infinity");
  }
}

std::string most_frequent_dtype(const Source& source, const std::vector<TensorSpec>& table) {
  std::map<std::string_view, std::int64_t> counts;
  for (const TensorSpec& spec : table) {
    if (const SourceTensor* tensor = source.find(spec.name)) {
      counts[tensor::info(tensor->view.dtype).name] += spec.shape.numel();
    }
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::string() : std::string(most->first);
}

}  // namespace moonbeam::model
