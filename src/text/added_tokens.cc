// Follows huggingface/tokenizers, added_vocabulary.rs, in what the flags mean.
#include "text/added_tokens.h"

#include <algorithm>

#include "base/text.h"
#include "text/unicode.h"

namespace moonbeam::text {

namespace {

bool stands_alone(std::string_view text, Span match) {
  if (match.begin > 0 && is_word(last_code_point(text.substr(0, match.begin)))) return false;
  if (match.end == text.size()) return true;
  std::size_t next = match.end;
  return !is_word(base::next_code_point(text, next));
}

}  // namespace

void AddedTokens::add(const formats::AddedToken& token, std::string content) {
  if (content.empty()) return;
  auto& entries = by_first_byte_[static_cast<unsigned char>(content[0])];
  entries.push_back(
      {std::move(content), token.id, token.special, token.lstrip, token.rstrip, token.single_word});
}

void AddedTokens::finish() {
  for (auto& entries : by_first_byte_) {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.content.size() > b.content.size(); });
  }
}

const AddedTokens::Entry* AddedTokens::match_at(std::string_view text) const {
  for (const Entry& entry : by_first_byte_[static_cast<unsigned char>(text[0])]) {
    if (text.starts_with(entry.content)) return &entry;
  }
  return nullptr;
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text, bool parse_special) const {
  std::vector<Part> parts;
  std::size_t done = 0;  // everything before it is in `parts`
  for (std::size_t at = 0; at < text.size();) {
    const Entry* entry = match_at(text.substr(at));
    if (!entry) {
      ++at;
      continue;
    }
    Span span{at, at + entry->content.size()};
    at = span.end;
    if (entry->special && !parse_special) continue;
    if (entry->single_word && !stands_alone(text, span)) continue;
    if (entry->lstrip) {
      span.begin -= trailing_white_space(text.substr(done, span.begin - done));
    }
    if (entry->rstrip) span.end += leading_white_space(text.substr(span.end));
    if (done < span.begin) parts.push_back({{done, span.begin}, kText});
    parts.push_back({span, entry->id});
    at = done = span.end;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, kText});
  return parts;
}

}  // namespace moonbeam::text
