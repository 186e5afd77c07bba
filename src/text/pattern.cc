// Where the two dialects differ and a tokenizer may notice:
//   \s \S        Unicode White_Space, which PCRE2's own class exceeds by U+180E
//   \w \b        letters, marks, digits and connectors, not letters, numbers and underscore
//   \h \v        hex digit and U+000B, not classes of spaces
//   \p{Han}      the Script property, not Script_Extensions
//   x{1,3}+      a repeated interval, not a possessive one; x{2}? an optional one, not a lazy one; x{,3}
//   (?m)         the dot matches newlines; (?i) in the middle reaches over the alternatives that follow
// Set operations and nested classes are refused rather than read as literals. The classes were compared over
// all code points: only what Unicode assigned after the PCRE2 at hand was made differs.
#include "text/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cctype>
#include <vector>

#include "base/error.h"

namespace moonbeam::text {

namespace {

// Latin-1's superscript digits and fractions are words there, those of later blocks are not.
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
constexpr std::string_view kHexDigits = "0-9A-Fa-f";
constexpr std::size_t kNoAtom = std::string::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool compiles(const std::string& pattern) {
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr);
  pcre2_code_free(code);
  return code != nullptr;
}

class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) { groups_.push_back({0, 0}); }

  std::string run() {
    while (pos_ < in_.size()) step();
    if (groups_.size() != 1) refuse("an unclosed group");
    out_.append(static_cast<std::size_t>(groups_.back().extra_closes), ')');
    return std::move(out_);
  }

 private:
  struct Group {
    std::size_t start;  // in out_
    int extra_closes;   // groups opened for a bare (?i)
  };

  [[noreturn]] void refuse(std::string_view what) const {
    base::fail(ErrorCode::kUnsupported, "tokenizer pattern '", base::printable(in_), "': ", what);
  }
  char peek(std::size_t ahead = 0) const { return pos_ + ahead < in_.size() ? in_[pos_ + ahead] : '\0'; }
  void atom(std::string_view text) {
    atom_ = out_.size();
    out_ += text;
  }

  void step() {
    switch (const char c = in_[pos_]) {
      case '\\':
        return escape();
      case '[':
        return character_class();
      case '(':
        return open_group();
      case ')':
        return close_group();
      case '{':
        return interval();
      case '|':
        atom_ = kNoAtom;
        out_ += in_[pos_++];
        return;
      case '*':
      case '+':
      case '?':
        out_ += in_[pos_++];
        if (peek() == '?' || peek() == '+') out_ += in_[pos_++];
        return;
      default:
        // A whole character, so that an interval after it repeats all of it.
        if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) atom_ = out_.size();
        out_ += in_[pos_++];
    }
  }

  void escape() {
    const char c = peek(1);
    switch (c) {
      case 'w':
        atom(base::cat("[", kWord, "]"));
        break;
      case 'W':
        atom(base::cat("[^", kWord, "]"));
        break;
      case 'h':
        atom(base::cat("[", kHexDigits, "]"));
        break;
      case 'H':
        atom(base::cat("[^", kHexDigits, "]"));
        break;
      case 'b':
        atom(base::cat("(?:(?<=[", kWord, "])(?![", kWord, "])|(?<![", kWord, "])(?=[", kWord, "]))"));
        break;
      case 'B':
        atom(base::cat("(?:(?<=[", kWord, "])(?=[", kWord, "])|(?<![", kWord, "])(?![", kWord, "]))"));
        break;
      case 'A':
      case 'z':
      case 'Z':
      case 'R':
      case 'X':
      case 'k':
        atom(in_.substr(pos_, 2));
        break;
      default:
        atom_ = out_.size();
        out_ += common_escape();
        return;
    }
    pos_ += 2;
  }

  // Escapes that mean the same inside and outside a class; moves past them.
  std::string common_escape() {
    const char c = peek(1);
    if (pos_ + 1 >= in_.size()) refuse("a lone backslash at its end");
    switch (c) {
      case 's':
        return pos_ += 2, R"(\p{White_Space})";
      case 'S':
        return pos_ += 2, R"(\P{White_Space})";
      case 'v':
        return pos_ += 2, R"(\x{0b})";
      case 'u':
        return code_point(2, 4);
      case 'x':
        return peek(2) == '{' ? braced_code_point() : code_point(2, 2);
      case 'p':
      case 'P':
        return property();
      default:
        break;
    }
    const bool known = std::string_view("dDtnrfae0123456789").find(c) != std::string_view::npos;
    if (!known && std::isalpha(static_cast<unsigned char>(c)))
      refuse(base::cat("\\", c, " is not known here"));
    std::string same(in_.substr(pos_, 2));
    pos_ += 2;
    return same;
  }

  std::string code_point(std::size_t skip, std::size_t digits) {
    const std::string_view hex = in_.substr(std::min(pos_ + skip, in_.size()), digits);
    if (hex.size() < digits || hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      refuse(base::cat("expected ", digits, " hex digits after \\", peek(1)));
    }
    // \xE3 is a byte there and a character here.
    if (digits == 2 && hex[0] >= '8') refuse("\\x with a byte above 7f");
    pos_ += skip + digits;
    return base::cat("\\x{", hex, "}");
  }

  std::string braced_code_point() {
    const std::size_t close = in_.find('}', pos_);
    if (close == std::string_view::npos) refuse("\\x{ without }");
    std::string same(in_.substr(pos_, close + 1 - pos_));
    pos_ = close + 1;
    return same;
  }

  std::string property() {
    const char letter = peek(1);
    const std::size_t close = in_.find('}', pos_);
    if (peek(2) != '{' || close == std::string_view::npos) refuse("\\p without {name}");
    std::string_view name = in_.substr(pos_ + 3, close - pos_ - 3);
    pos_ = close + 1;
    const bool negated = !name.empty() && name[0] == '^';
    if (negated) name.remove_prefix(1);
    const std::string head = base::cat("\\", letter, negated ? "{^" : "{");
    const std::string script = base::cat(head, "sc:", name, "}");
    return name.size() > 2 && compiles(script) ? script : base::cat(head, name, "}");
  }

  void character_class() {
    atom_ = out_.size();
    out_ += in_[pos_++];
    if (peek() == '^') out_ += in_[pos_++];
    if (peek() == ']') {
      out_ += "\\]";
      ++pos_;
    }
    while (peek() != ']') {
      if (pos_ >= in_.size()) refuse("an unclosed class");
      class_member();
    }
    out_ += in_[pos_++];
  }

  void class_member() {
    const char c = peek();
    if (c == '&' && peek(1) == '&') refuse("an intersection of classes");
    if (c == '[') return posix_class();
    if (c != '\\') {
      out_ += in_[pos_++];
      return;
    }
    const char escaped = peek(1);
    if (escaped == 'w' || escaped == 'h') {
      out_ += escaped == 'w' ? kWord : kHexDigits;
      pos_ += 2;
    } else if (escaped == 'b') {
      out_ += R"(\x{08})";
      pos_ += 2;
    } else {
      out_ += common_escape();
    }
  }

  void posix_class() {
    struct Row {
      std::string_view name, same;
    };
    static constexpr Row kRows[] = {
        {"[:space:]", R"(\p{White_Space})"}, {"[:^space:]", R"(\P{White_Space})"},
        {"[:alpha:]", R"(\p{Alphabetic})"},  {"[:digit:]", R"(\p{Nd})"},
        {"[:^digit:]", R"(\P{Nd})"},         {"[:lower:]", R"(\p{Lowercase})"},
        {"[:upper:]", R"(\p{Uppercase})"},   {"[:word:]", kWord},
        {"[:xdigit:]", kHexDigits},          {"[:alnum:]", R"(\p{Alphabetic}\p{Nd})"},
        {"[:punct:]", R"(\p{P}\p{S})"}};
    for (const Row& row : kRows) {
      if (in_.substr(pos_, row.name.size()) != row.name) continue;
      out_ += row.same;
      pos_ += row.name.size();
      return;
    }
    refuse("a class inside a class");
  }

  void open_group() {
    if (peek(1) == '*') refuse("(* is not known here");
    if (peek(1) == '?' && peek(2) == '#') {
      const std::size_t close = in_.find(')', pos_);
      if (close == std::string_view::npos) refuse("an unclosed comment");
      pos_ = close + 1;
      return;
    }
    const bool flags =
        peek(1) == '?' && (peek(2) == '-' || std::isalpha(static_cast<unsigned char>(peek(2))));
    if (flags) return open_flags();
    groups_.push_back({out_.size(), 0});
    atom_ = kNoAtom;
    out_ += in_[pos_++];
    if (peek() != '?') return;
    // "(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?<name>"; what is left is PCRE2's to judge.
    out_ += in_[pos_++];
    if (peek() == '~') refuse("(?~ is not known here");
    if (pos_ < in_.size()) out_ += in_[pos_++];
    if (out_.back() == '<' && (peek() == '=' || peek() == '!')) out_ += in_[pos_++];
  }

  void open_flags() {
    const std::size_t start = out_.size();
    pos_ += 2;
    out_ += "(?";
    while (peek() == 'i' || peek() == 'm' || peek() == '-')
      out_ += in_[pos_] == 'm' ? 's' : in_[pos_], ++pos_;
    if (peek() != ':' && peek() != ')') refuse(base::cat("the flag '", peek(), "'"));
    atom_ = kNoAtom;
    if (in_[pos_++] == ':') {
      groups_.push_back({start, 0});
    } else {
      ++groups_.back().extra_closes;
    }
    out_ += ':';
  }

  void close_group() {
    if (groups_.size() == 1) refuse("a ')' too many");
    out_.append(static_cast<std::size_t>(groups_.back().extra_closes), ')');
    atom_ = groups_.back().start;
    groups_.pop_back();
    out_ += in_[pos_++];
  }

  void interval() {
    std::size_t end = pos_ + 1;
    while (end < in_.size() && (is_digit(in_[end]) || in_[end] == ',')) ++end;
    const std::string_view body = in_.substr(pos_ + 1, end - pos_ - 1);
    const bool counts = end < in_.size() && in_[end] == '}' && !body.empty() && body != "," &&
                        body.find(',') == body.rfind(',');
    if (!counts) {
      ++pos_;
      return atom("\\{");
    }
    if (atom_ == kNoAtom) refuse("a count of nothing");
    out_ += base::cat("{", body[0] == ',' ? "0" : "", body, "}");
    pos_ = end + 1;
    const bool repeated = peek() == '+';
    const bool optional = peek() == '?' && body.find(',') == std::string_view::npos;
    if (repeated || optional) {
      out_.insert(atom_, "(?:");
      out_ += ')';
      out_ += in_[pos_++];
    } else if (peek() == '?') {
      out_ += in_[pos_++];
    }
  }

  std::string_view in_;
  std::size_t pos_ = 0;
  std::string out_;
  std::size_t atom_ = kNoAtom;  // where in out_ the thing begins that a quantifier would repeat
  std::vector<Group> groups_;
};

}  // namespace

std::string to_pcre2(std::string_view pattern) {
  return Translator(pattern).run();
}

}  // namespace moonbeam::text
