// Text to the pieces that BPE works on: the file's pre-tokenizers, one after the other.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/tokenizer_data.h"
#include "text/regex.h"

namespace moonbeam::text {

/// Pieces of `text` in their order; what a Removed split drops lies between them.
struct Pieces {
  std::string text;
  std::vector<Span> spans;
};

/// Const and shared between threads.
class PreTokenizer {
 public:
  /// @throws Error kUnsupported: a pattern, or a step behind ByteLevel (which changes the alphabet).
  explicit PreTokenizer(std::span<const formats::PreTokenizer> steps);

  /// `text` is valid UTF-8. Empty pieces are dropped. @throws Error kExhausted (see Regex).
  Pieces split(std::string text) const;

 private:
  struct Step {
    formats::PreTokenizer what;
    std::vector<Regex> regex;  // one or none
  };
  std::vector<Step> steps_;
};

}  // namespace moonbeam::text
