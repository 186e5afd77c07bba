// Byte-pair encoding of one piece: the merge of lowest rank first, the leftmost among equals.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/tokenizer_data.h"

namespace moonbeam::text {

/// Spelling of bytes in GPT-2's printable alphabet: byte -> character.
const std::array<char32_t, 256>& byte_alphabet();
/// `bytes` in the alphabet, as UTF-8.
std::string to_byte_alphabet(std::string_view bytes);

class Bpe {
 public:
  using Vocabulary = std::unordered_map<std::string_view, int>;
  struct Scratch;

  /// `vocabulary` maps spellings in the byte-level alphabet to ids. @throws Error kCorrupt (a merge of what
  /// is not in the vocabulary), kUnsupported (byte_fallback where bytes have no token).
  Bpe(const formats::TokenizerData& data, const Vocabulary& vocabulary);

  /// Appends the ids of `piece` (bytes, not the alphabet). A byte without a token is dropped. O(n log n).
  void encode(std::string_view piece, Scratch& scratch, std::vector<int>& ids) const;

  struct Symbol {
    int id;  // < 0: merged away
    int previous, next;
  };
  struct Candidate {
    std::uint32_t rank;
    int at, left, right;  // index of the left symbol; both ids, to see whether they are still there
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

 private:
  struct Merge {
    std::uint64_t pair;  // left id << 32 | right id
    std::uint32_t rank;
    int result;
  };
  const Merge* find(int left, int right) const noexcept;
  void insert(const Merge& merge);
  void propose(Scratch& scratch, int left) const;

  std::array<int, 256> byte_ids_;
  std::vector<Merge> table_;  // open addressing, a power of two
  std::size_t mask_ = 0;
};

}  // namespace moonbeam::text
