// Tensors of a model by our plain names, whatever file they come from: read from headers alone, values made
// or read later. Between the formats and everything that wants a model (loader, converter, inspect).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "formats/gguf.h"
#include "formats/tokenizer_data.h"
#include "formats/weight_file.h"
#include "model/config.h"

namespace moonbeam::model {

/// A tensor that lies in a file (`view.data`) or is made when asked for (`make`): joined, unpacked,
/// generated.
struct SourceTensor {
  std::string source_name;  ///< in the file
  tensor::TensorView view;  ///< data null: see make
  /// Writes view.bytes() bytes.
  std::function<void(std::byte* out, base::ThreadPool& pool)> make;
  std::optional<std::uint64_t> checksum = {};  ///< base::hash64 of its bytes, where the file says it
};

struct Source {
  std::string path;    ///< as the user named it
  std::string name;    ///< file name without folder and ending
  std::string folder;  ///< of the files; empty for generated weights
  std::string format, layout;
  std::vector<std::shared_ptr<const formats::WeightFile>> files;
  std::map<std::string, SourceTensor, std::less<>> tensors;  ///< by plain name
  std::vector<std::string> skipped, notes;
  std::string variant;                         ///< row that the source itself names; empty: go by shapes
  std::string config_text, config_name;        ///< config.json and what to call it in messages; empty: none
  std::optional<ModelConfig> config;           ///< complete already (generated weights)
  std::string tokenizer_text, tokenizer_name;  ///< tokenizer.json, likewise
  std::optional<formats::TokenizerData> tokenizer;  ///< from somewhere else
  std::string licence;                              ///< SPDX; empty: not known
  std::string provenance;                           ///< as `convert` wrote it: JSON; empty: not known
  std::string recipe;                               ///< as `quantize` wrote it; empty: not quantised
  std::string accuracy;                             ///< as `quantize` measured it: JSON; empty: not known
  bool old_region = false;                          ///< has the unused region model of 2024-08-26
  bool llama_pair = false;                          ///< llama.cpp's two GGUF files
  std::function<void(ModelConfig&)> adjust;         ///< sizes that the container says

  const SourceTensor* find(std::string_view plain) const;
  /// Size `axis` of a tensor; 0 if there is none or it has fewer axes.
  std::int64_t size(std::string_view plain, int axis) const;
};

/// The tensor's values where they lie, or `made` filled with them where no file holds them.
tensor::TensorView view_of(const SourceTensor& tensor, base::ThreadPool& pool, base::Buffer<std::byte>& made);

/// Opens a file or folder, or generates "synth:VARIANT[:DTYPE]"; names are resolved before.
/// @throws Error kNotFound, kCorrupt, kUnsupported, kInvalidArgument.
Source open_source(const std::string& path);

// The parts of it, one a container.
Source open_safetensors_source(const std::string& path);  ///< one file or an index
Source open_gguf_source(const std::string& path);
Source make_synth_source(const std::string& spec);  ///< "VARIANT[:DTYPE]"

/// Takes tensors under safetensors names into `source` under plain ones, and says the layout.
void take_named_tensors(Source& source, const std::vector<formats::NamedTensor>& tensors);
/// Replaces the makers' int4 triples (.packed, .scale, .zero_point) by bf16 tensors made when asked for.
void unpack_int4(Source& source);
/// Tensors of llama.cpp's text and image file.
void take_llama_pair(Source& source, const formats::GgufFile& text, const formats::GgufFile& vision);

/// Number of blocks whose names start with `prefix` ("vision.blocks."): highest index + 1.
int count_blocks(const std::vector<std::string>& names, std::string_view prefix);

}  // namespace moonbeam::model
