// Joins the parts: added tokens, NFC, pre-tokenizers, BPE. Follows huggingface/tokenizers in their order:
// tokens marked `normalized` are looked for after normalisation, the others in the raw text.
#include "text/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/unicode.h"

namespace moonbeam::text {

namespace {

constexpr int kMaxIds = 1 << 20;  // twenty times the largest vocabulary we know of

// The vocabulary's spelling back to bytes; a token with a character outside the alphabet is plain text.
std::string spelled_bytes(std::string_view token) {
  std::string out;
  for (std::size_t at = 0; at < token.size();) {
    const char32_t c = base::next_code_point(token, at);
    const auto& alphabet = byte_alphabet();
    const auto found = c < alphabet.size() && alphabet[c] == c
                           ? alphabet.begin() + c
                           : std::find(alphabet.begin(), alphabet.end(), c);
    if (found == alphabet.end()) return std::string(token);
    out += static_cast<char>(found - alphabet.begin());
  }
  return out;
}

}  // namespace

struct Tokenizer::State {
  explicit State(formats::TokenizerData from);

  void encode_text(std::string text, bool parse_special, Bpe::Scratch& scratch, std::vector<int>& ids) const;
  void encode_piece(std::string_view piece, Bpe::Scratch& scratch, std::vector<int>& ids) const;
  bool known(int id) const noexcept { return id >= 0 && id < count(); }
  int count() const noexcept { return static_cast<int>(special.size()); }

  formats::TokenizerData data;
  Bpe::Vocabulary vocabulary;     // views into data.tokens
  Bpe::Vocabulary added_by_text;  // views into data.added
  std::vector<char> special;      // [ids]
  std::string bytes;              // of all tokens, one behind the other
  std::vector<std::size_t> ends;  // [ids + 1]
  AddedTokens raw, normalized;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<Bpe> bpe;
};

Tokenizer::State::State(formats::TokenizerData from)
    : data(std::move(from)), pre_tokenizer(data.pre_tokenizers) {
  int ids = static_cast<int>(std::min<std::size_t>(data.tokens.size(), kMaxIds + 1));
  for (const auto& token : data.added) {
    if (token.id < 0) base::fail(ErrorCode::kCorrupt, "tokenizer: added token with the id ", token.id);
    ids = std::max(ids, token.id < kMaxIds ? token.id + 1 : kMaxIds + 1);
  }
  if (ids > kMaxIds) base::fail(ErrorCode::kCorrupt, "tokenizer: expected at most ", kMaxIds, " ids");

  std::vector<const formats::AddedToken*> added(static_cast<std::size_t>(ids));
  special.resize(added.size());
  for (const auto& token : data.added) {
    added[static_cast<std::size_t>(token.id)] = &token;
    special[static_cast<std::size_t>(token.id)] = token.special;
    added_by_text.emplace(token.content, token.id);
    if (token.normalized) {
      normalized.add(token, data.nfc ? to_nfc(base::replace_invalid_utf8(token.content)) : token.content);
    } else {
      raw.add(token, token.content);
    }
  }
  raw.finish();
  normalized.finish();

  ends.push_back(0);
  for (std::size_t id = 0; id < added.size(); ++id) {
    const bool in_vocabulary = id < data.tokens.size() && !data.tokens[id].empty();
    if (in_vocabulary) vocabulary.emplace(data.tokens[id], static_cast<int>(id));
    if (added[id]) {
      bytes += spelled_bytes(added[id]->content);
    } else if (in_vocabulary) {
      bytes += spelled_bytes(data.tokens[id]);
    }
    ends.push_back(bytes.size());
  }
  bpe = std::make_unique<Bpe>(data, vocabulary);
}

void Tokenizer::State::encode_piece(std::string_view piece, Bpe::Scratch& scratch,
                                    std::vector<int>& ids) const {
  if (data.ignore_merges) {
    const auto found = vocabulary.find(to_byte_alphabet(piece));
    // A special token is reached by parse_special alone, whatever its spelling.
    if (found != vocabulary.end() && !special[static_cast<std::size_t>(found->second)]) {
      ids.push_back(found->second);
      return;
    }
  }
  bpe->encode(piece, scratch, ids);
}

void Tokenizer::State::encode_text(std::string text, bool parse_special, Bpe::Scratch& scratch,
                                   std::vector<int>& ids) const {
  if (data.nfc) text = to_nfc(text);
  for (const auto& [span, id] : normalized.split(text, parse_special)) {
    if (id != AddedTokens::kText) {
      ids.push_back(id);
      continue;
    }
    const Pieces pieces = pre_tokenizer.split(text.substr(span.begin, span.end - span.begin));
    for (const Span& piece : pieces.spans) {
      encode_piece(std::string_view(pieces.text).substr(piece.begin, piece.end - piece.begin), scratch, ids);
    }
  }
}

Tokenizer::Tokenizer(formats::TokenizerData data) : state_(std::make_unique<const State>(std::move(data))) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int> Tokenizer::encode(std::string_view text, bool parse_special) const {
  std::string replaced;
  if (!base::is_valid_utf8(text)) text = replaced = base::replace_invalid_utf8(text);
  std::vector<int> ids;
  Bpe::Scratch scratch;
  for (const auto& [span, id] : state_->raw.split(text, parse_special)) {
    if (id == AddedTokens::kText) {
      state_->encode_text(std::string(text.substr(span.begin, span.end - span.begin)), parse_special, scratch,
                          ids);
    } else {
      ids.push_back(id);
    }
  }
  return ids;
}

std::string Tokenizer::decode_bytes(std::span<const int> ids, bool skip_special) const {
  std::string out;
  for (const int id : ids) {
    if (!skip_special || !is_special(id)) out += token_bytes(id);
  }
  return out;
}

std::string Tokenizer::decode(std::span<const int> ids, bool skip_special) const {
  return base::replace_invalid_utf8(decode_bytes(ids, skip_special));
}

std::string_view Tokenizer::token_bytes(int id) const noexcept {
  if (!state_->known(id)) return {};
  const std::size_t begin = state_->ends[static_cast<std::size_t>(id)];
  return std::string_view(state_->bytes)
      .substr(begin, state_->ends[static_cast<std::size_t>(id) + 1] - begin);
}

bool Tokenizer::is_special(int id) const noexcept {
  return state_->known(id) && state_->special[static_cast<std::size_t>(id)];
}

int Tokenizer::token_count() const noexcept {
  return state_->count();
}

std::optional<int> Tokenizer::find(std::string_view token) const {
  for (const auto* map : {&state_->added_by_text, &state_->vocabulary}) {
    const auto found = map->find(token);
    if (found != map->end()) return found->second;
  }
  return std::nullopt;
}

const formats::TokenizerData& Tokenizer::data() const noexcept {
  return state_->data;
}

}  // namespace moonbeam::text
