// Which row of the variant table a file is, its configuration and its tokenizer.
#pragma once

#include <string>

#include "model/source.h"
#include "model/variants.h"

namespace moonbeam::model {

struct Identified {
  std::string variant_name;
  std::string licence;
  ModelConfig config;
  formats::TokenizerData tokenizer;
  std::string tokenizer_json;  ///< as found, or written anew
};

struct IdentifyOptions {
  std::string variant;         ///< forced row; empty: by the source, its configuration and shapes
  std::string tokenizer_path;  ///< a tokenizer.json to take instead of the one found; empty: none
};

/// Decides on shapes; where two releases have the same ones, on the tokenizer and what lies beside.
/// @throws Error kNotFound (no tokenizer, no configuration for unknown sizes), kCorrupt, kUnsupported (a
/// tokenizer of another release).
Identified identify(const Source& source, const IdentifyOptions& options);

}  // namespace moonbeam::model
