// Symbols are a linked list, candidates a heap: superword tokenizers have pieces as long as the text.
#include "text/bpe.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace moonbeam::text {

namespace {

constexpr std::uint64_t kFree = ~0ull;

std::uint64_t pair_key(int left, int right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::size_t hash(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15ull;
  return static_cast<std::size_t>(key ^ key >> 29);
}

// std heaps keep the greatest on top.
bool later(const Bpe::Candidate& a, const Bpe::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
}

int id_of(const Bpe::Vocabulary& vocabulary, const std::string& token, const std::string& merge) {
  const auto found = vocabulary.find(token);
  if (found == vocabulary.end()) {
    base::fail(ErrorCode::kCorrupt, "tokenizer: merge '", base::printable(merge), "': expected '",
               base::printable(token), "' in the vocabulary");
  }
  return found->second;
}

}  // namespace

const std::array<char32_t, 256>& byte_alphabet() {
  static const auto kTable = [] {
    std::array<char32_t, 256> table{};
    char32_t next = 256;
    for (unsigned b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      table[b] = printable ? b : next++;
    }
    return table;
  }();
  return kTable;
}

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) base::append_utf8(out, byte_alphabet()[static_cast<unsigned char>(c)]);
  return out;
}

Bpe::Bpe(const formats::TokenizerData& data, const Vocabulary& vocabulary) {
  bool complete = true;
  for (unsigned b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    const auto found = vocabulary.find(to_byte_alphabet({&byte, 1}));
    byte_ids_[b] = found == vocabulary.end() ? -1 : found->second;
    complete = complete && byte_ids_[b] >= 0;
  }
  // With a token for each byte there is nothing to fall back from.
  if (data.byte_fallback && !complete) {
    base::fail(ErrorCode::kUnsupported, "tokenizer: byte_fallback with a vocabulary that lacks bytes");
  }
  table_.assign(std::bit_ceil(2 * data.merges.size() + 2), {kFree, 0, 0});
  mask_ = table_.size() - 1;
  std::uint32_t rank = 0;
  for (const auto& [left, right] : data.merges) {
    const std::string both = base::cat(left, " ", right);
    insert({pair_key(id_of(vocabulary, left, both), id_of(vocabulary, right, both)), rank++,
            id_of(vocabulary, left + right, both)});
  }
}

void Bpe::insert(const Merge& merge) {
  std::size_t slot = hash(merge.pair) & mask_;
  while (table_[slot].pair != kFree && table_[slot].pair != merge.pair) slot = (slot + 1) & mask_;
  table_[slot] = merge;  // the last of equal lines holds, as in the reference
}

const Bpe::Merge* Bpe::find(int left, int right) const noexcept {
  const std::uint64_t pair = pair_key(left, right);
  for (std::size_t slot = hash(pair) & mask_; table_[slot].pair != kFree; slot = (slot + 1) & mask_) {
    if (table_[slot].pair == pair) return &table_[slot];
  }
  return nullptr;
}

void Bpe::propose(Scratch& scratch, int left) const {
  const int right = left < 0 ? -1 : scratch.symbols[static_cast<std::size_t>(left)].next;
  if (right < 0) return;
  const int left_id = scratch.symbols[static_cast<std::size_t>(left)].id;
  const int right_id = scratch.symbols[static_cast<std::size_t>(right)].id;
  if (const Merge* merge = find(left_id, right_id)) {
    scratch.heap.push_back({merge->rank, left, left_id, right_id});
    std::push_heap(scratch.heap.begin(), scratch.heap.end(), later);
  }
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<int>& ids) const {
  auto& symbols = scratch.symbols;
  symbols.clear();
  scratch.heap.clear();
  for (const char c : piece) {
    const int id = byte_ids_[static_cast<unsigned char>(c)];
    const int at = static_cast<int>(symbols.size());
    if (id >= 0) symbols.push_back({id, at - 1, at + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  for (int at = 0; at + 1 < static_cast<int>(symbols.size()); ++at) propose(scratch, at);

  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), later);
    const Candidate best = scratch.heap.back();
    scratch.heap.pop_back();
    Symbol& left = symbols[static_cast<std::size_t>(best.at)];
    if (left.id != best.left || left.next < 0) continue;
    Symbol& right = symbols[static_cast<std::size_t>(left.next)];
    if (right.id != best.right) continue;
    left.id = find(best.left, best.right)->result;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = best.at;
    propose(scratch, left.previous);
    propose(scratch, best.at);
  }
  for (int at = 0; at >= 0; at = symbols[static_cast<std::size_t>(at)].next) {
    ids.push_back(symbols[static_cast<std::size_t>(at)].id);
  }
}

}  // namespace moonbeam::text
