// All different pieces lie one behind the other as linked symbols; a pair knows where it occurs, so a merge
// touches its occurrences and nothing else. Counts in the heap may be too high: they are looked at again when
// they come to the top.
#include "train/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "text/bpe.h"

namespace moonbeam::train {

namespace {

// What the ids mean: docs/model.md, "Tokens".
constexpr std::array<std::string_view, 10> kSpecial = {
    "<|endoftext|>", "<|md_reserved_0|>", "<|md_reserved_1|>",       "<|md_reserved_2|>", "<|md_reserved_3|>",
    "<|coord|>",     "<|size|>",          "<|start_ground_points|>", "<|md_reserved_4|>", "<|end_ground|>"};
constexpr int kReservedAmongThem = 5;

struct PairInfo {
  std::int64_t count = 0;
  std::vector<std::uint32_t> places;  // index of the left symbol; some may be merged away since
  bool refused = false;               // its text is a token already, or too long
};

struct Candidate {
  std::int64_t count;
  std::uint64_t pair;
};
// std heaps keep the greatest on top.
bool later(const Candidate& a, const Candidate& b) {
  return a.count != b.count ? a.count < b.count : a.pair > b.pair;
}

std::uint64_t pair_of(int left, int right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}
int left_of(std::uint64_t pair) {
  return static_cast<int>(pair >> 32);
}
int right_of(std::uint64_t pair) {
  return static_cast<int>(pair & 0xFFFFFFFFu);
}

class Merger {
 public:
  Merger(const TokenizerOptions& options, formats::TokenizerData& data) : options_(options), data_(data) {
    for (int id = 0; id < options.special; ++id) add_special(id);
    // In the order of the alphabet's characters, as the published vocabularies have them.
    std::vector<std::pair<char32_t, int>> order;
    for (int byte = 0; byte < 256; ++byte) {
      order.emplace_back(text::byte_alphabet()[static_cast<std::size_t>(byte)], byte);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [character, byte] : order) {
      std::string spelling;
      base::append_utf8(spelling, character);
      byte_ids_[static_cast<std::size_t>(byte)] = add_token(spelling, 1);
    }
  }

  void add_piece(std::string_view piece, std::int64_t count) {
    const std::size_t begin = symbols_.size();
    if (begin + piece.size() >= UINT32_MAX) {
      base::fail(ErrorCode::kExhausted, "tokenizer: expected at most 4 GiB of different pieces");
    }
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const auto at = static_cast<std::int64_t>(begin + i);
      symbols_.push_back({byte_ids_[static_cast<unsigned char>(piece[i])],
                          i == 0 ? kNone : static_cast<std::uint32_t>(at - 1),
                          i + 1 == piece.size() ? kNone : static_cast<std::uint32_t>(at + 1), count});
    }
  }

  void merge_until_full() {
    for (std::uint32_t at = 0; at < symbols_.size(); ++at) {
      if (symbols_[at].next != kNone) raise(at, symbols_[at].count);
    }
    push_raised();
    while (static_cast<int>(data_.tokens.size()) < options_.vocab && !heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const Candidate top = heap_.back();
      heap_.pop_back();
      PairInfo& info = pairs_.find(top.pair)->second;
      if (info.count < options_.fewest || info.refused || top.count < info.count) continue;
      if (top.count > info.count) {  // occurrences went into other merges
        push({info.count, top.pair});
        continue;
      }
      merge(top.pair, info);
    }
  }

 private:
  static constexpr std::uint32_t kNone = ~0u;
  struct Symbol {
    int id;  // < 0: merged away
    std::uint32_t previous, next;
    std::int64_t count;  // of its piece
  };

  void add_special(int id) {
    formats::AddedToken token;
    token.id = id;
    token.content = special_token(id);
    token.special = true;
    add_token(token.content, 0);
    data_.added.push_back(std::move(token));
  }

  int add_token(const std::string& spelling, std::size_t bytes) {
    const int id = static_cast<int>(data_.tokens.size());
    data_.tokens.push_back(spelling);
    lengths_.push_back(bytes);
    ids_.emplace(spelling, id);
    return id;
  }

  // The pair that begins at `at` occurs `count` times more.
  void raise(std::uint32_t at, std::int64_t count) {
    const std::uint64_t pair = pair_of(symbols_[at].id, symbols_[symbols_[at].next].id);
    PairInfo& info = pairs_[pair];
    info.count += count;
    info.places.push_back(at);
    raised_.push_back(pair);
  }
  void lower(std::uint32_t at) {
    const Symbol& left = symbols_[at];
    pairs_.find(pair_of(left.id, symbols_[left.next].id))->second.count -= left.count;
  }

  void push(Candidate candidate) {
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void push_raised() {
    std::sort(raised_.begin(), raised_.end());
    raised_.erase(std::unique(raised_.begin(), raised_.end()), raised_.end());
    for (const std::uint64_t pair : raised_) push({pairs_.find(pair)->second.count, pair});
    raised_.clear();
  }

  void merge(std::uint64_t pair, PairInfo& info) {
    const int left = left_of(pair), right = right_of(pair);
    const std::string spelling =
        data_.tokens[static_cast<std::size_t>(left)] + data_.tokens[static_cast<std::size_t>(right)];
    const std::size_t length =
        lengths_[static_cast<std::size_t>(left)] + lengths_[static_cast<std::size_t>(right)];
    // A vocabulary holds each text once: a second way to a token would change what its merges mean.
    if (length > options_.longest || ids_.contains(spelling)) {
      info.refused = true;
      return;
    }
    const int result = add_token(spelling, length);
    data_.merges.emplace_back(data_.tokens[static_cast<std::size_t>(left)],
                              data_.tokens[static_cast<std::size_t>(right)]);
    // From left to right, as the tokenizer merges; `pairs_` may grow, so `info` is not used from here on.
    std::vector<std::uint32_t> places = std::move(info.places);
    info.places.clear();
    std::sort(places.begin(), places.end());
    for (const std::uint32_t at : places) merge_at(at, left, right, result);
    push_raised();
  }

  void merge_at(std::uint32_t at, int left, int right, int result) {
    Symbol& first = symbols_[at];
    if (first.id != left || first.next == kNone || symbols_[first.next].id != right) return;
    Symbol& second = symbols_[first.next];
    lower(at);
    if (first.previous != kNone) lower(first.previous);
    if (second.next != kNone) lower(first.next);
    first.id = result;
    second.id = -1;
    first.next = second.next;
    if (first.next != kNone) symbols_[first.next].previous = at;
    if (first.previous != kNone) raise(first.previous, first.count);
    if (first.next != kNone) raise(at, first.count);
  }

  const TokenizerOptions& options_;
  formats::TokenizerData& data_;
  std::array<int, 256> byte_ids_{};
  std::vector<std::size_t> lengths_;  // [ids] bytes
  std::unordered_map<std::string, int> ids_;
  std::vector<Symbol> symbols_;
  std::unordered_map<std::uint64_t, PairInfo> pairs_;
  std::vector<Candidate> heap_;
  std::vector<std::uint64_t> raised_;
};

std::vector<formats::PreTokenizer> published_pre_tokenizer() {
  return {formats::PreTokenizer{}};  // ByteLevel, no space in front, GPT-2's pattern
}

}  // namespace

void TokenizerOptions::validate() const {
  const auto fail = [](const char* field, const std::string& expected, std::int64_t got) {
    base::fail(ErrorCode::kInvalidArgument, "tokenizer: ", field, ": expected ", expected, ", got ", got);
  };
  if (special < 1 || special > 1024) fail("special", "1 to 1024", special);
  const int least = special + 256;
  if (vocab < least || vocab > 1 << 20) fail("vocab", base::cat(least, " to ", 1 << 20), vocab);
  if (fewest < 1) fail("fewest", "1 or more", fewest);
  if (longest < 1) fail("longest", "1 or more", static_cast<std::int64_t>(longest));
}

std::string special_token(int id) {
  const auto known = static_cast<std::size_t>(id);
  if (known < kSpecial.size()) return std::string(kSpecial[known]);
  return base::cat("<|md_reserved_", id - static_cast<int>(kSpecial.size()) + kReservedAmongThem, "|>");
}

BpeTrainer::BpeTrainer(const TokenizerOptions& options)
    : options_(options), pre_tokenizer_(published_pre_tokenizer()) {
  options.validate();
}

void BpeTrainer::add(std::string_view text) {
  bytes_ += text.size();
  const text::Pieces pieces =
      pre_tokenizer_.split(base::is_valid_utf8(text) ? std::string(text) : base::replace_invalid_utf8(text));
  std::string piece;
  for (const text::Span& span : pieces.spans) {
    piece.assign(pieces.text, span.begin, span.end - span.begin);
    ++counts_[piece];
  }
}

formats::TokenizerData BpeTrainer::train() const {
  formats::TokenizerData data;
  data.pre_tokenizers = published_pre_tokenizer();
  Merger merger(options_, data);
  std::vector<const std::pair<const std::string, std::int64_t>*> sorted;
  sorted.reserve(counts_.size());
  for (const auto& entry : counts_) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  for (const auto* entry : sorted) merger.add_piece(entry->first, entry->second);
  merger.merge_until_full();
  return data;
}

}  // namespace moonbeam::train
