// One const model: configuration, tokenizer and weights, loaded and validated.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <moonbeam/model.h>

#include "base/buffer.h"
#include "base/machine.h"
#include "formats/tokenizer_data.h"
#include "formats/weight_file.h"
#include "model/adapter.h"
#include "model/config.h"
#include "model/recipe.h"
#include "model/source.h"
#include "region/weights.h"
#include "text/weights.h"
#include "vision/weights.h"

namespace moonbeam::model {

/// What the structs below view into. Kept alive by the model.
struct Storage {
  std::vector<std::shared_ptr<const formats::WeightFile>> files;
  std::vector<base::Buffer<float>> floats;       ///< norms, biases, tables: small, always f32
  std::vector<base::Buffer<std::byte>> tensors;  ///< generated, joined or unpacked weights
  std::optional<Adapter> adapter;                ///< its layers that are not merged
};

struct Model {
  std::string name, path, format, layout;
  ModelConfig config;
  formats::TokenizerData tokenizer;
  std::string tokenizer_json;  ///< as found or written anew
  vision::VisionWeights vision;
  text::TextWeights text;
  std::optional<region::RegionWeights> region;
  std::string dtype;       ///< most frequent weight type in the source
  Mode mode = Mode::kF32;  ///< never kAuto
  std::string mode_reason;
  std::int64_t parameters = 0, weight_bytes = 0;
  std::vector<std::string> notes;
  std::vector<std::string> warnings;         ///< for people who did not ask
  std::string adapter_path, adapter_digest;  ///< the latter SHA-256 of the file; empty: none
  Storage storage;
};

struct LoadRequest {
  std::string path = {};              ///< file, folder, name or "synth:VARIANT[:DTYPE]"
  std::string variant = {};           ///< forced row; empty: by shapes and configuration
  Mode mode = Mode::kF32;             ///< as choose_mode()
  std::optional<Recipe> recipe = {};  ///< instead of the mode's; the mode then follows from it
  bool mmap = false;                  ///< as LoadOptions::mmap
  std::string tokenizer = {};         ///< a tokenizer.json instead of the one found
  std::string adapter = {};           ///< file of a LoRA adapter; empty: none
  bool check_memory = true;
  std::optional<base::Memory> memory = {};  ///< what there is; none: ask the machine
  int threads = 0;                          ///< for weights that are made; as base::choose_threads
  std::function<bool(int done, int total)> progress = {};  ///< false cancels
};

/// @throws Error kNotFound, kCorrupt, kUnsupported, kExhausted, kCancelled.
std::shared_ptr<const Model> load(const LoadRequest& request);

/// The same from a source that is open already; `request.path` does not count.
std::shared_ptr<const Model> load(const Source& source, const LoadRequest& request);

}  // namespace moonbeam::model
