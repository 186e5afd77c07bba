// Finds added tokens ("<|endoftext|>", runs of spaces) in text before anything else looks at it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"
#include "text/regex.h"

namespace moonbeam::text {

class AddedTokens {
 public:
  struct Part {
    Span span;
    int id;  ///< kText: not an added token
  };
  static constexpr int kText = -1;

  /// `content` is what to look for: the token's text, normalised where the token is. Empty ones are ignored.
  void add(const formats::AddedToken& token, std::string content);
  /// Sorts; call once, after the last add().
  void finish();

  /// Text and tokens of `text` in order, leftmost-longest. A special token that is not wanted
  /// (`parse_special` false) or does not stand alone (single_word) stays text.
  std::vector<Part> split(std::string_view text, bool parse_special) const;

 private:
  struct Entry {
    std::string content;
    int id;
    bool special, lstrip, rstrip, single_word;
  };
  const Entry* match_at(std::string_view text) const;

  std::vector<Entry> by_first_byte_[256];  // longest first
};

}  // namespace moonbeam::text
