// What a tokenizer file says, as plain data. The tokenizer itself is text/tokenizer.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/gguf.h"

namespace moonbeam::formats {

struct AddedToken {
  int id = 0;
  std::string content;
  bool special = false;  ///< left out when decoding for people
  bool normalized = false, lstrip = false, rstrip = false, single_word = false;
};

struct PreTokenizer {
  enum class Kind { kByteLevel, kSplit };
  enum class Behavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };
  Kind kind = Kind::kByteLevel;
  // kByteLevel
  bool add_prefix_space = false;
  bool use_regex = true;
  // kSplit
  std::string pattern;
  bool pattern_is_regex = true;
  Behavior behavior = Behavior::kIsolated;
  bool invert = false;
};

struct TokenizerData {
  /// By id, in the byte-level alphabet; empty: no such id, or one that stands in `added` alone.
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, std::string>> merges;  ///< in order of rank
  std::vector<AddedToken> added;                            ///< in order of id
  std::vector<PreTokenizer> pre_tokenizers;  ///< applied in order; empty: the text is one piece
  bool nfc = false;                          ///< normalise to NFC first
  bool ignore_merges = false;                ///< a piece that is a token stays one
  bool byte_fallback = false;
};

/// Generic tokenizer.json (model.md 7.2). @throws Error kCorrupt, kUnsupported naming what is not known.
/// `name` stands in front of messages.
TokenizerData parse_tokenizer_json(std::string_view text, const std::string& name);
/// tokenizer.ggml.* keys (model "gpt2").
TokenizerData tokenizer_from_gguf(const GgufFile& file);
/// A tokenizer.json with the same content, so that a folder can be written from a GGUF file.
std::string write_tokenizer_json(const TokenizerData& data);

}  // namespace moonbeam::formats
