// Token ids to pieces of text that may be shown at once: whole characters, the reference's word rule
// (`_generate_answer` in vikhyat/moondream moondream/torch/moondream.py), stop strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace moonbeam::text {

struct TextStreamOptions {
  /// Reference's rule: emit up to the last space, all at a newline or a CJK character. Off: emit at once
  /// whatever is whole.
  bool by_words = true;
  /// Drop white space at both ends of the whole text.
  bool strip = false;
  /// The text ends before the first of these; empty ones are ignored. What could still become one is held
  /// back, whatever the word rule says.
  std::vector<std::string> stop = {};
};

/// One per answer. Special tokens and ids outside the vocabulary are silent. Every piece is valid UTF-8: an
/// incomplete character (at most 3 bytes) waits for its rest and becomes U+FFFD when that does not come.
class TextStream {
 public:
  /// The tokenizer must outlive the stream.
  TextStream(const Tokenizer& tokenizer, TextStreamOptions options);

  /// What may be shown now, possibly nothing; valid until the next call. After stopped() always empty.
  std::string_view push(int id);
  /// The rest. Nothing may be pushed after it.
  std::string_view finish();

  /// A stop string was met: the text is complete, decoding may end.
  bool stopped() const noexcept { return stopped_; }
  /// All that was emitted so far.
  const std::string& text() const noexcept { return text_; }

 private:
  void take_characters(std::string_view bytes, bool last);
  void find_stop(bool last);
  std::size_t held_for_stop() const;
  std::size_t emittable() const;
  std::string_view emit(std::size_t length, bool last);

  const Tokenizer* tokenizer_;
  TextStreamOptions options_;
  std::string tail_;   // start of a character, not decoded yet: 0..3 bytes
  std::string stop_;   // characters that may belong to a stop string
  std::string ready_;  // characters that no stop string can reach, held by the word rule
  std::string space_;  // white space at the end of what was emitted, shown only if text follows (strip)
  std::string text_;
  bool stopped_ = false;
};

}  // namespace moonbeam::text
