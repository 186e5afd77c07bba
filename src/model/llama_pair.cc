// llama.cpp's two files of moondream2 (text: phi2, image: clip), as the makers' create_gguf.py wrote them.
// Its traps: q, k and v of the image encoder are split; ffn_up and ffn_down are swapped there; a copy of the
// last image block is appended because llama.cpp skips one; the norms' eps in the keys is not the one that is
// run. There are no region heads.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "model/source.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

using base::cat;
using base::fail;
using formats::GgufFile;
using tensor::TensorView;

namespace {

int size_key(const GgufFile& file, const std::string& key) {
  const auto value = file.integer(key);
  if (!value || *value < 1 || *value > 1 << 22) {
    fail(ErrorCode::kCorrupt, base::printable(file.weights.path), ": key '", key,
         "': expected a positive number, got ", value ? cat(*value) : "none");
  }
  return static_cast<int>(*value);
}

const TensorView& need(const GgufFile& file, std::string_view name) {
  const TensorView* view = file.weights.find(name);
  if (!view)
    fail(ErrorCode::kCorrupt, base::printable(file.weights.path), ": tensor '", name, "' is missing");
  return *view;
}

bool same(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape &&
         std::memcmp(a.data, b.data, static_cast<std::size_t>(a.bytes())) == 0;
}

/// Blocks to load: one less than written where the last repeats the one before it.
int real_blocks(const GgufFile& vision, int written) {
  if (written < 2) return written;
  const std::string last = cat("v.blk.", written - 1, "."), before = cat("v.blk.", written - 2, ".");
  bool any = false;
  for (const formats::NamedTensor& tensor : vision.weights.tensors) {
    if (!tensor.name.starts_with(last)) continue;
    any = true;
    const TensorView* twin = vision.weights.find(before + tensor.name.substr(last.size()));
    if (!twin || !same(tensor.view, *twin)) return written;
  }
  return any ? written - 1 : written;
}

/// The parts' rows under one another: [d, ...] x 3 -> [3d, ...].
SourceTensor joined(const GgufFile& file, const std::string& block, const std::string& ending) {
  std::vector<TensorView> parts;
  for (const char* part : {"attn_q", "attn_k", "attn_v"})
    parts.push_back(need(file, cat(block, part, ending)));
  for (const TensorView& part : parts) {
    if (part.dtype != parts[0].dtype || !(part.shape == parts[0].shape) || part.shape.rank() < 1) {
      fail(ErrorCode::kCorrupt, base::printable(file.weights.path), ": '", block, "attn_{q,k,v}", ending,
           "': expected one shape and type, got ", parts[0].shape.to_string(), " and ",
           part.shape.to_string());
    }
  }
  std::vector<std::int64_t> dims(parts[0].shape.dims().begin(), parts[0].shape.dims().end());
  dims[0] *= 3;
  SourceTensor out{
      cat(block, "attn_{q,k,v}", ending), {nullptr, parts[0].dtype, tensor::Shape(dims)}, nullptr};
  out.make = [parts](std::byte* to, base::ThreadPool&) {
    for (const TensorView& part : parts) {
      std::memcpy(to, part.data, static_cast<std::size_t>(part.bytes()));
      to += part.bytes();
    }
  };
  return out;
}

/// The same memory in the table's shape, where the file's has other axes (patch kernel, leading 1).
void reshape(SourceTensor& tensor, const tensor::Shape& shape) {
  if (tensor.view.shape.rank() != shape.rank() && tensor.view.numel() == shape.numel())
    tensor.view.shape = shape;
}

/// Whether the file's ffn_up is fc1 after all: its rows take the image width.
bool up_is_first(const GgufFile& vision, const std::string& block, int dim) {
  const TensorView& up = need(vision, block + "ffn_up.weight");
  return up.shape.rank() == 2 && up.shape[1] == dim && up.shape[0] != dim;
}

std::string swap_ffn(std::string name) {
  const std::size_t up = name.find("ffn_up"), down = name.find("ffn_down");
  if (up != std::string::npos) return name.replace(up, 6, "ffn_down");
  if (down != std::string::npos) return name.replace(down, 8, "ffn_up");
  return name;
}

/// An id for the configuration's checks, whatever the key says.
int token_id(std::int64_t id) {
  return static_cast<int>(std::clamp<std::int64_t>(id, -1, 1 << 30));
}

void take(Source& source, const GgufFile& file, const TensorSpec& spec, const std::string& name) {
  const TensorView* view = file.weights.find(name);
  if (!view) return;  // reported with the other missing ones
  SourceTensor tensor{name, *view, nullptr};
  reshape(tensor, spec.shape);
  source.tensors.emplace(spec.name, std::move(tensor));
}

void take_vision(Source& source, const GgufFile& vision, const TensorSpec& spec, int dim) {
  const std::size_t blk = spec.gguf.find("v.blk.");
  if (blk != 0) return take(source, vision, spec, spec.gguf);
  const std::string block = spec.gguf.substr(0, spec.gguf.find('.', 6) + 1);
  if (spec.gguf.find("attn_qkv") != std::string::npos && !vision.weights.find(spec.gguf)) {
    const std::string ending = spec.gguf.substr(spec.gguf.rfind('.'));
    source.tensors.emplace(spec.name, joined(vision, block, ending));
    return;
  }
  const bool ffn = spec.gguf.find("ffn_") != std::string::npos;
  take(source, vision, spec, ffn && up_is_first(vision, block, dim) ? swap_ffn(spec.gguf) : spec.gguf);
}

}  // namespace

void take_llama_pair(Source& source, const GgufFile& text, const GgufFile& vision) {
  source.llama_pair = true;
  ModelConfig sizes;
  sizes.vision.dim = size_key(vision, "clip.vision.embedding_length");
  sizes.vision.ff_dim = size_key(vision, "clip.vision.feed_forward_length");
  sizes.vision.heads = size_key(vision, "clip.vision.attention.head_count");
  sizes.vision.crop_size = size_key(vision, "clip.vision.image_size");
  sizes.vision.patch_size = size_key(vision, "clip.vision.patch_size");
  const int written = size_key(vision, "clip.vision.block_count");
  sizes.vision.layers = written <= 1024 ? real_blocks(vision, written) : written;
  sizes.text.dim = size_key(text, "phi2.embedding_length");
  sizes.text.ff_dim = size_key(text, "phi2.feed_forward_length");
  sizes.text.layers = size_key(text, "phi2.block_count");
  sizes.text.heads = size_key(text, "phi2.attention.head_count");
  sizes.text.kv_heads = size_key(text, "phi2.attention.head_count_kv");
  sizes.text.max_context = size_key(text, "phi2.context_length");
  sizes.text.rope_dims = size_key(text, "phi2.rope.dimension_count");
  const TensorView& first = need(vision, "mm.0.weight");
  if (first.shape.rank() == 2) {
    sizes.vision.proj_inner_dim = static_cast<int>(std::min<std::int64_t>(first.shape[0], 1 << 20));
    sizes.vision.proj_in_dim = static_cast<int>(std::min<std::int64_t>(first.shape[1], 1 << 20));
  }
  sizes.vision.proj_out_dim = sizes.text.dim;
  const TensorView& wte = need(text, "token_embd.weight");
  if (wte.shape.rank() == 2)
    sizes.text.vocab_size = static_cast<int>(std::min<std::int64_t>(wte.shape[0], 1 << 23));
  sizes.vision.cropping = vision::Cropping::kSingle;
  sizes.vision.max_crops = 1;
  sizes.text.prefix_attn = 0;
  if (sizes.vision.patch_size <= sizes.vision.crop_size) sizes.vision.image_grid = sizes.vision.grid_side();
  sizes.vision.validate();
  sizes.text.validate();
  const auto bos = text.integer("tokenizer.ggml.bos_token_id"),
             eos = text.integer("tokenizer.ggml.eos_token_id");
  source.adjust = [sizes, bos, eos](ModelConfig& config) {
    if (bos) config.prompts.bos = token_id(*bos);
    if (eos) config.prompts.eos = token_id(*eos);
    config.vision = sizes.vision;
    config.text = sizes.text;
    config.region.reset();
  };
  for (const TensorSpec& spec : tensor_table(sizes)) {
    if (spec.name.starts_with("vision.")) {
      take_vision(source, vision, spec, sizes.vision.dim);
    } else {
      take(source, text, spec, spec.gguf);
    }
  }
  source.notes.emplace_back("a GGUF pair of llama.cpp has no region heads: caption and query only");
  if (written != sizes.vision.layers) {
    source.notes.push_back(
        cat("image block ", written - 1, " repeats block ", written - 2, " and is left out"));
  }
}

}  // namespace moonbeam::model
