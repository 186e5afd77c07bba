// Text to token ids and back, for any byte-level BPE that a tokenizer.json describes (model.md 7).
// Leaves reading the file to formats/tokenizer_data.h and the streaming of text to text_stream.h.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"

namespace moonbeam::text {

/// Const after construction and shared between threads. Ids are those of TokenizerData.
class Tokenizer {
 public:
  /// @throws Error kCorrupt (a merge or an added token that contradicts the vocabulary), kUnsupported
  /// (a pattern or a combination that this build cannot follow, named).
  explicit Tokenizer(formats::TokenizerData data);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Never adds BOS or EOS. With `parse_special` the text of a special token ("<|endoftext|>") becomes that
  /// token; without it stays text, so that a user cannot write control tokens. Added tokens that are not
  /// special (Phi's runs of spaces) are always matched. Invalid UTF-8 is read as U+FFFD, one for each maximal
  /// invalid prefix, as a caller of the Hugging Face tokenizer would have to.
  /// @throws Error kExhausted where a pattern of the file takes absurdly long on this text.
  std::vector<int> encode(std::string_view text, bool parse_special) const;

  /// Valid UTF-8: what is no character becomes U+FFFD. Ids outside the vocabulary decode to nothing.
  std::string decode(std::span<const int> ids, bool skip_special) const;
  /// The same before invalid sequences are replaced.
  std::string decode_bytes(std::span<const int> ids, bool skip_special) const;
  /// Bytes of one token; empty for an id outside the vocabulary. Valid while the tokenizer lives.
  std::string_view token_bytes(int id) const noexcept;
  bool is_special(int id) const noexcept;

  /// Highest id + 1, added tokens included.
  int token_count() const noexcept;
  /// Id of an added token by its text or of a token by its spelling in the byte-level alphabet.
  std::optional<int> find(std::string_view token) const;

  const formats::TokenizerData& data() const noexcept;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace moonbeam::text
