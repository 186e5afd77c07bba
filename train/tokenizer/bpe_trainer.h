// Learns the merges of a byte-level BPE tokenizer from text. Leaves reading files to tokenizer_files.h and
// using what was learnt to text/tokenizer.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "formats/tokenizer_data.h"
#include "text/pretokenizer.h"

namespace moonbeam::train {

struct TokenizerOptions {
  int vocab = 2048;           ///< ids in all: special ones, 256 bytes, one for each merge
  int special = 10;           ///< ids 0 .. special - 1; the first ten as in the published models
  std::int64_t fewest = 2;    ///< a pair that occurs less often is not merged
  std::size_t longest = 256;  ///< bytes of a token
  void validate() const;      ///< throws kInvalidArgument, naming the field
};

/// Content of special id `id`: "<|endoftext|>", ...; those past the tenth are further "<|md_reserved_N|>".
std::string special_token(int id);

/// Counts pieces of text, then learns. The same pieces in any order give the same tokenizer.
class BpeTrainer {
 public:
  explicit BpeTrainer(const TokenizerOptions& options);

  /// `text` stands alone: no piece crosses from one call to the next. Bytes that are not UTF-8 count as the
  /// tokenizer will read them.
  void add(std::string_view text);

  std::uint64_t bytes() const { return bytes_; }  ///< of all text added
  std::size_t pieces() const { return counts_.size(); }

  /// Each merge is of the pair that occurs most often, of equals the one with the smaller left id, then the
  /// smaller right id. Fewer tokens than asked for where the text has no more pairs.
  formats::TokenizerData train() const;

 private:
  TokenizerOptions options_;
  text::PreTokenizer pre_tokenizer_;
  std::unordered_map<std::string, std::int64_t> counts_;
  std::uint64_t bytes_ = 0;
};

}  // namespace moonbeam::train
