// What both readers of tokenizers share: limits and the rules that the parts obey together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "formats/tokenizer_data.h"

namespace moonbeam::formats {

/// Ids lie below: the list by id never takes more than 32 MB of slots.
inline constexpr std::uint64_t kMaxTokenIds = 1u << 20;

/// "a b" -> a, b. @throws Error kCorrupt.
std::pair<std::string, std::string> split_merge(std::string_view merge, const std::string& where);

/// Puts added tokens in order and checks that merges and added tokens fit the vocabulary.
/// @throws Error kCorrupt.
void finish_tokenizer(TokenizerData& data, const std::string& name);

/// Whether each byte has its character of the byte-level alphabet as a token.
bool covers_all_bytes(const TokenizerData& data);

}  // namespace moonbeam::formats
