// One compiled pattern of a tokenizer file, over PCRE2, with bounded work.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace moonbeam::text {

/// Bytes [begin, end) of some text.
struct Span {
  std::size_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};

/// Const and shared between threads.
class Regex {
 public:
  /// `pattern` in Oniguruma's syntax (pattern.h). @throws Error kUnsupported naming the pattern.
  explicit Regex(std::string_view pattern);

  /// Appends the matches in `text`, valid UTF-8, from left to right, not overlapping. Empty matches count,
  /// except right behind another match. @throws Error kExhausted when the pattern backtracks without end.
  void find_all(std::string_view text, std::vector<Span>& matches) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const noexcept;
  };
  std::string pattern_;
  std::unique_ptr<pcre2_real_code_8, Free> code_;
};

}  // namespace moonbeam::text
