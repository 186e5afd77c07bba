// The published releases and our own models: one row each, with sizes and prompts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/config.h"

namespace moonbeam::model {

/// A token that the variant's tokenizer must have, so that another one is noticed.
struct TokenizerProbe {
  int id = -1;                 ///< -1: any tokenizer
  std::string_view token;      ///< in the byte-level alphabet
  std::string_view tokenizer;  ///< whose, for people
};

struct Variant {
  std::string_view name;     ///< "moondream2-2025-06-21"
  std::string_view licence;  ///< SPDX; empty: not known
  ModelConfig config;
  TokenizerProbe probe;
};

/// Newest first, then our own ("tiny", "small"); "moonbeam", whose sizes come from config.json, stands last.
std::span<const Variant> variants();
/// By name or alias ("moondream2": the newest; "0.5b"; a date: moondream2 of that day). @throws Error
/// kInvalidArgument listing the names.
const Variant& variant(std::string_view name);

inline constexpr std::string_view kOwnVariant = "moonbeam";

}  // namespace moonbeam::model
