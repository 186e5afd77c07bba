// Model files without running them: look inside, change container and types, generate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moonbeam/model.h>
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

/// How far one stage of a quantised model is from its source.
struct StageAccuracy {
  std::string stage;  ///< "patch_embedding", "vit_block", "features", "projector", "text_block", "logits"
  int layer = -1;     ///< of a block; -1 elsewhere
  double error = 0;   ///< L2 distance over the source's L2 norm
  double cosine = 0;
  double bar = 0;  ///< highest error that the mode allows; 0: none
};

/// Measured by quantize_model() on fixed inputs, against the source in f32.
struct ModelAccuracy {
  std::string mode;
  int positions = 0;    ///< of text, at which the logits were compared
  double top1 = 0;      ///< share of these with the same likeliest token
  double top1_bar = 0;  ///< lowest share that the mode allows
  std::vector<StageAccuracy> stages;
};

/// What `moonbeam inspect` shows.
struct ModelSummary {
  std::string path;
  std::string format;  ///< "safetensors", "safetensors (sharded)", "gguf", "moonbeam"
  std::string variant = {};
  std::string layout;  ///< tensor names in the file: "hf_2025", "plain", "checkpoint_2024", "gguf_clip_phi2"
  std::string licence = {};     ///< SPDX identifier; empty: not known
  std::string provenance = {};  ///< JSON by convert_model: source files and their SHA-256; empty: not known
  std::string recipe = {};      ///< by quantize_model: types by name; empty: not quantised
  std::optional<ModelAccuracy> accuracy = {};  ///< by quantize_model
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
  std::string adapter = {};    ///< LoRA adapter to merge into the weights, as LoadOptions::adapter
  ProgressFn progress = {};
};

/// Writes `model` to `out`: a path ending in .gguf gives our single file, a folder (or a path ending in '/')
/// the published layout. The layout "llama.cpp" writes the two files that llama.cpp reads into a folder, for
/// models that it can run (moondream2 until 2024-05-08), also as "q8_0" or "q4_0", as "f16" if no dtype is
/// given; region heads are left out. Nothing stands under the final name until all of it is written.
/// An adapter is merged in f32, then rounded to the type of the weights. @throws Error as Model::load;
/// kUnsupported where it cannot be merged: quantised weights, adapters that read another input than the
/// weights do.
void convert_model(const std::string& model, const std::string& out, const ConvertOptions& options = {});

struct FuseOptions {
  std::uint64_t seed = 0;      ///< of the projector and the region heads, which are fresh
  std::string dtype = {};      ///< as ConvertOptions::dtype
  std::string tokenizer = {};  ///< tokenizer.json instead of the text model's
  std::string licence = {};    ///< SPDX identifier to state; empty: none
  ProgressFn progress = {};
};

/// Writes a model to `out` (as convert_model) that joins a pretrained image encoder (SigLIP) and text model
/// (Phi-1.5), each a folder as Hugging Face's transformers names its tensors. Nothing between them has
/// learnt anything yet: it is what `moonbeam train --init` begins from.
/// @throws Error as Model::load.
void fuse_models(const std::string& vision, const std::string& text, const std::string& out,
                 const FuseOptions& options = {});

struct QuantizeOptions {
  Mode mode = Mode::kInt8;     ///< kBF16, kInt8 or kInt4: its built-in recipe
  std::string recipe = {};     ///< text of another recipe; see docs/modes.md
  bool measure = true;         ///< run source and result on fixed inputs; the source in f32
  std::string variant = {};    ///< as LoadOptions::variant
  std::string tokenizer = {};  ///< as ConvertOptions::tokenizer
  std::string licence = {};    ///< as ConvertOptions::licence
  std::string adapter = {};    ///< LoRA adapter to merge into the weights first, as convert_model does
  int threads = 0;             ///< as LoadOptions::threads
  ProgressFn progress = {};
};

struct QuantizeResult {
  Mode mode = Mode::kInt8;  ///< that the file will run in
  std::optional<ModelAccuracy> accuracy = {};
  /// Rules that fit nothing; an adapter made for another model; bars that were missed, and rules against it.
  std::vector<std::string> warnings;
};

/// Text of the recipe of kBF16, kInt8 or kInt4.
std::string_view quantize_recipe(Mode mode);

/// Writes `model`, whatever its container and types, to `out` (a path ending in .gguf) with the types of a
/// recipe, packed as the kernels read them. The file runs in the mode of its types, starts at the speed of a
/// copy, and bears its recipe, checksums and measured accuracy. Nothing stands under the final name until all
/// of it is written. With an adapter the weights are those that convert_model() gives without a dtype.
/// @throws Error as Model::load; kInvalidArgument (a recipe that is none, or packs nothing); kUnsupported
/// (an adapter that cannot be merged).
QuantizeResult quantize_model(const std::string& model, const std::string& out,
                              const QuantizeOptions& options = {});

/// Folders in which names are looked up, first first: $MOONBEAM_MODELS, the user's cache, the installation's
/// share/moonbeam/models, the source tree's models/ (builds that were not installed).
std::vector<std::string> model_folders();
/// Where names are looked up last: the cache of Hugging Face's tools (HF_HUB_CACHE, HF_HOME), read, never
/// written. There "hf:OWNER/NAME" and "hf:OWNER/NAME@REVISION" name a model too. Empty where nothing says
/// where it is.
std::string hugging_face_cache();
/// Path of the model that is used when none is named. @throws Error kNotFound listing the folders searched.
std::string default_model();

/// The folder among them that downloaded models go to, MODELS/NAME/REVISION/FILES: below $MOONBEAM_CACHE or
/// the user's cache. Empty where nothing says where that is.
std::string models_cache();

/// A release on Hugging Face's hub.
struct PublishedModel {
  std::string name;          ///< "moondream2"
  std::string revision;      ///< "2025-06-21", after the name: "moondream2@2025-06-21"
  std::string dtype;         ///< "bf16", "f16", "int4"
  std::string repository;    ///< "vikhyatk/moondream2"
  std::string hub_revision;  ///< branch or tag there
  std::string tokenizer;     ///< repository whose tokenizer.json takes the place of its own; empty: none
  std::string licence;       ///< SPDX identifier
  std::string folder;        ///< name below models_cache()
  std::int64_t bytes = 0;    ///< of the weights, without headers; 0: not known
};
/// Newest first; the first one of a name is what the name alone means.
std::vector<PublishedModel> published_models();

/// Name below models_cache() of a repository of the hub: "moondream2" for the makers' own, otherwise
/// "owner--name" in lower case.
std::string folder_of_repository(std::string_view repository);
/// The same for NAME:DTYPE, "moondream2" and "q4": "moondream2-int4".
std::string folder_of_type(std::string_view name, std::string_view dtype);

/// Names that -m synth:NAME and `weights synth` know.
std::vector<std::string> synth_variants();

}  // namespace moonbeam
