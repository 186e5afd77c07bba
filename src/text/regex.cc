// Compiling and matching. A tokenizer file may be hostile, so every attempt has a step limit and a call has a
// limit of CPU time; both are far above what any honest pattern needs.
#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <time.h>

#include "base/error.h"
#include "text/pattern.h"

namespace moonbeam::text {

namespace {

constexpr std::size_t kMaxPatternBytes = 1 << 16;
constexpr int kAttemptsPerClockRead = 64;

struct FreeMatch {
  void operator()(pcre2_match_data* p) const noexcept { pcre2_match_data_free(p); }
  void operator()(pcre2_match_context* p) const noexcept { pcre2_match_context_free(p); }
};

// CPU time of this thread, so that a machine under load or a stopped process does not count.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

std::string pcre2_message(int error) {
  char text[160] = "";
  pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof text);
  return text;
}

// Attempts at one position after the other: an attempt is the unit that PCRE2's step limit bounds.
class Matcher {
 public:
  Matcher(const pcre2_code* code, std::string_view text, const std::string& pattern)
      : code_(code),
        text_(text),
        pattern_(pattern),
        data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    if (!data_ || !context_) base::fail(ErrorCode::kExhausted, "no memory to match a tokenizer pattern");
    // An honest alternative walks a run of characters once, back once; there are a dozen of them.
    const auto steps = std::min<std::size_t>(50'000 + 32 * text.size(), 10'000'000);
    pcre2_set_match_limit(context_.get(), static_cast<std::uint32_t>(steps));
  }

  // Whether there is a match that begins its search at `at`.
  bool match_at(std::size_t at, Span& match) {
    if (++attempts_ % kAttemptsPerClockRead == 0) check_time();
    const int rc = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), at,
                               PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, data_.get(), context_.get());
    if (rc == PCRE2_ERROR_NOMATCH) return false;
    if (rc < 0) refuse(pcre2_message(rc));
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
    match = {ends[0], ends[1]};
    return match.begin >= at && match.begin <= match.end;
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    base::fail(ErrorCode::kExhausted, "tokenizer pattern '", base::printable(pattern_), "' on ", text_.size(),
               " bytes: ", why);
  }
  void check_time() {
    const double now = thread_seconds();
    if (attempts_ == kAttemptsPerClockRead) start_ = now;
    if (now - start_ > 2.0 + 1e-5 * static_cast<double>(text_.size())) refuse("takes too long");
  }

  const pcre2_code* code_;
  std::string_view text_;
  const std::string& pattern_;
  std::unique_ptr<pcre2_match_data, FreeMatch> data_;
  std::unique_ptr<pcre2_match_context, FreeMatch> context_;
  long attempts_ = 0;
  double start_ = 0;
};

}  // namespace

void Regex::Free::operator()(pcre2_real_code_8* code) const noexcept {
  pcre2_code_free(code);
}

Regex::Regex(std::string_view pattern) : pattern_(pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    base::fail(ErrorCode::kUnsupported, "tokenizer pattern: expected at most ", kMaxPatternBytes,
               " bytes, got ", pattern.size());
  }
  if (!base::is_valid_utf8(pattern)) {
    base::fail(ErrorCode::kUnsupported, "tokenizer pattern '", base::printable(pattern), "' is not UTF-8");
  }
  const std::string translated = to_pcre2(pattern);
  int error = 0;
  PCRE2_SIZE at = 0;
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  if (context) pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                            PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &at,
                            context.get()));
  if (!code_) {
    base::fail(ErrorCode::kUnsupported, "tokenizer pattern '", base::printable(pattern),
               "': ", pcre2_message(error));
  }
}

void Regex::find_all(std::string_view text, std::vector<Span>& matches) const {
  Matcher matcher(code_.get(), text, pattern_);
  bool after_match = false;  // a match ended where the search stands
  for (std::size_t at = 0; at <= text.size();) {
    Span match;
    if (!matcher.match_at(at, match) || (after_match && match.begin == match.end)) {
      at = next_character(text, at);
      after_match = false;
      continue;
    }
    matches.push_back(match);
    at = match.end;
    after_match = true;
  }
}

}  // namespace moonbeam::text
