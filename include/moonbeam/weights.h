// Model files without running them: look inside, change container and plain types, generate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <moonbeam/types.h>

namespace moonbeam {

struct TensorSummary {
  std::string name;         ///< our plain name, e.g. "text.blocks.0.attn.qkv.weight"
  std::string source_name;  ///< name in the file
  std::string dtype = {};
  std::vector<std::int64_t> shape;
  std::int64_t bytes = 0;
};

struct DTypeSummary {
  std::string dtype = {};
  std::int64_t tensors = 0, parameters = 0, bytes = 0;
  std::int64_t memory_bytes = 0;  ///< once loaded: norms and biases become f32
};

/// What `moonbeam inspect` shows.
struct ModelSummary {
  std::string path;
  std::string format;  ///< "safetensors", "safetensors (sharded)", "gguf", "moonbeam"
  std::string variant = {};
  std::string layout;  ///< tensor names in the file: "hf_2025", "plain", "checkpoint_2024", "gguf_clip_phi2"
  std::string licence = {};     ///< SPDX identifier; empty: not known
  std::string provenance = {};  ///< JSON by convert_model: source files and their SHA-256; empty: not known
  std::vector<TensorSummary> tensors;
  std::vector<DTypeSummary> dtypes;
  std::int64_t parameters = 0, bytes = 0;
  std::string mode = {};             ///< that Mode::kAuto would choose here, and the memory is for
  std::int64_t memory_bytes = 0;     ///< loaded and with one picture encoded, estimate
  std::int64_t work_bytes = 0;       ///< of these, what the picture and its answer take
  std::string config_json;           ///< the configuration in use, keys of the published config.json
  std::vector<std::string> skipped;  ///< tensors in the file that no variant uses
  std::vector<std::string> notes;
};

/// Reads headers only. @throws Error as Model::load.
/// @param verify  also read every value and refuse NaN and infinity.
ModelSummary inspect_model(const std::string& model, bool verify = false);

struct ConvertOptions {
  std::string dtype = {};      ///< "f32", "f16", "bf16"; empty keeps each tensor's type
  std::string layout = {};     ///< "llama.cpp": see below; empty: ours
  std::string variant = {};    ///< as LoadOptions::variant
  std::string tokenizer = {};  ///< tokenizer.json to embed instead of the one found beside the weights
  std::string licence = {};    ///< SPDX identifier to state instead of what the source says
  ProgressFn progress = {};
};

/// Writes `model` to `out`: a path ending in .gguf gives our single file, a folder (or a path ending in '/')
/// the published layout. The layout "llama.cpp" writes the two files that llama.cpp reads into a folder, for
/// models that it can run (moondream2 until 2024-05-08), also as "q8_0" or "q4_0", as "f16" if no dtype is
/// given; region heads are left out. Nothing stands under the final name until all of it is written.
void convert_model(const std::string& model, const std::string& out, const ConvertOptions& options = {});

/// Folders in which names are looked up, first first: $MOONBEAM_MODELS, the user's cache, the installation's
/// share/moonbeam/models, the source tree's models/ (builds that were not installed).
std::vector<std::string> model_folders();
/// Where names are looked up last: the cache of Hugging Face's tools (HF_HUB_CACHE, HF_HOME), read, never
/// written. There "hf:OWNER/NAME" and "hf:OWNER/NAME@REVISION" name a model too. Empty where nothing says
/// where it is.
std::string hugging_face_cache();
/// Path of the model that is used when none is named. @throws Error kNotFound listing the folders searched.
std::string default_model();

/// Names that -m synth:NAME and `weights synth` know.
std::vector<std::string> synth_variants();

}  // namespace moonbeam
