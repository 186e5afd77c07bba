// The splits of Hugging Face's tokenizers: Split with its five behaviours, and ByteLevel's own pattern. The
// map to the byte-level alphabet is the tokenizer's; here text stays text.
#include "text/pretokenizer.h"

#include <algorithm>

#include "base/error.h"

namespace moonbeam::text {

namespace {

using Behavior = formats::PreTokenizer::Behavior;
using Kind = formats::PreTokenizer::Kind;

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

struct Part {
  Span span;
  bool delimiter;
};

void find_text(std::string_view text, std::string_view wanted, std::vector<Span>& matches) {
  for (std::size_t at = text.find(wanted); at != std::string_view::npos;) {
    matches.push_back({at, at + wanted.size()});
    at = text.find(wanted, at + wanted.size());
  }
}

// Matches and what lies between them, in order, covering the text. Empty matches stay: they are places to
// cut.
std::vector<Part> cover(std::size_t size, const std::vector<Span>& matches, bool invert) {
  std::vector<Part> parts;
  std::size_t at = 0;
  for (const Span& match : matches) {
    if (match.begin > at) parts.push_back({{at, match.begin}, invert});
    parts.push_back({match, !invert});
    at = match.end;
  }
  if (at < size) parts.push_back({{at, size}, invert});
  return parts;
}

// A delimiter joins the part before it (or, seen from the end, after it) unless that is a delimiter too.
std::vector<Span> merge_previous(const std::vector<Part>& parts) {
  std::vector<Span> out;
  bool after_delimiter = false;
  for (const Part& part : parts) {
    if (part.delimiter && !after_delimiter && !out.empty()) {
      out.back().end = part.span.end;
    } else {
      out.push_back(part.span);
    }
    after_delimiter = part.delimiter;
  }
  return out;
}

std::vector<Span> merge_next(const std::vector<Part>& parts) {
  std::vector<Span> out;
  bool before_delimiter = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->delimiter && !before_delimiter && !out.empty()) {
      out.back().begin = part->span.begin;
    } else {
      out.push_back(part->span);
    }
    before_delimiter = part->delimiter;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<Span> contiguous(const std::vector<Part>& parts) {
  std::vector<Span> out;
  bool previous = false;
  for (const Part& part : parts) {
    if (!out.empty() && part.delimiter == previous) {
      out.back().end = part.span.end;
    } else {
      out.push_back(part.span);
    }
    previous = part.delimiter;
  }
  return out;
}

std::vector<Span> arrange(const std::vector<Part>& parts, Behavior behavior) {
  std::vector<Span> out;
  switch (behavior) {
    case Behavior::kMergedWithPrevious:
      return merge_previous(parts);
    case Behavior::kMergedWithNext:
      return merge_next(parts);
    case Behavior::kContiguous:
      return contiguous(parts);
    case Behavior::kIsolated:
    case Behavior::kRemoved:
      break;
  }
  for (const Part& part : parts) {
    if (behavior == Behavior::kIsolated || !part.delimiter) out.push_back(part.span);
  }
  return out;
}

// Each piece that does not begin with a space gets one.
Pieces with_prefix_spaces(const Pieces& pieces) {
  Pieces out;
  for (const Span& span : pieces.spans) {
    const std::size_t begin = out.text.size();
    if (pieces.text[span.begin] != ' ') out.text += ' ';
    out.text.append(pieces.text, span.begin, span.end - span.begin);
    out.spans.push_back({begin, out.text.size()});
  }
  return out;
}

}  // namespace

PreTokenizer::PreTokenizer(std::span<const formats::PreTokenizer> steps) {
  for (const formats::PreTokenizer& what : steps) {
    if (!steps_.empty() && steps_.back().what.kind == Kind::kByteLevel) {
      base::fail(ErrorCode::kUnsupported, "tokenizer: a pre-tokenizer behind ByteLevel");
    }
    Step step{what, {}};
    if (what.kind == Kind::kByteLevel && what.use_regex) step.regex.emplace_back(kGpt2Pattern);
    // An empty text is found between any two characters, as an empty pattern is.
    if (what.kind == Kind::kSplit && (what.pattern_is_regex || what.pattern.empty())) {
      step.regex.emplace_back(what.pattern);
    }
    steps_.push_back(std::move(step));
  }
}

Pieces PreTokenizer::split(std::string text) const {
  Pieces pieces;
  pieces.text = std::move(text);
  if (!pieces.text.empty()) pieces.spans.push_back({0, pieces.text.size()});
  std::vector<Span> matches;
  for (const Step& step : steps_) {
    const bool byte_level = step.what.kind == Kind::kByteLevel;
    if (byte_level && step.what.add_prefix_space) pieces = with_prefix_spaces(pieces);
    if (byte_level && !step.what.use_regex) continue;
    std::vector<Span> out;
    for (const Span& span : pieces.spans) {
      const std::string_view piece = std::string_view(pieces.text).substr(span.begin, span.end - span.begin);
      matches.clear();
      if (step.regex.empty()) {
        find_text(piece, step.what.pattern, matches);
      } else {
        step.regex.front().find_all(piece, matches);
      }
      const auto parts = cover(piece.size(), matches, !byte_level && step.what.invert);
      for (const Span& part : arrange(parts, byte_level ? Behavior::kIsolated : step.what.behavior)) {
        if (part.begin < part.end) out.push_back({span.begin + part.begin, span.begin + part.end});
      }
    }
    pieces.spans = std::move(out);
  }
  return pieces;
}

}  // namespace moonbeam::text
