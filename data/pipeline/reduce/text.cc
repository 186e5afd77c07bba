#include "data/pipeline/reduce/text.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

#include "base/hash64.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::uint64_t kSalt = 0x6d6f6f6e6265616d;

/// The finaliser of SplitMix64.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void sort_once(std::vector<std::uint64_t>& hashes) {
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

}  // namespace

std::uint64_t hash_of(std::string_view text) {
  return base::hash64(std::as_bytes(std::span(text)));
}

std::uint64_t joined_hash(std::uint64_t a, std::uint64_t b) {
  return mixed(mixed(a ^ kSalt) + b);
}

std::string wide_hash(std::string_view text) {
  const std::uint64_t words[2] = {hash_of(text), hash_of(std::string(text) + "\x01moonbeam")};
  std::string out(sizeof words, '\0');
  std::memcpy(out.data(), words, sizeof words);
  return out;
}

std::string squeezed(std::string_view text) {
  std::string out;
  bool space = false;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += lowered(c);
  }
  return out;
}

std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? lowered(text[i]) : ' ';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0) {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

std::vector<std::uint64_t> word_shingles(std::string_view text, int length) {
  const std::vector<std::string> words = plain_words(text);
  const std::size_t run = std::min(words.size(), static_cast<std::size_t>(length));
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; run > 0 && i + run <= words.size(); ++i) {
    std::string shingle;
    for (std::size_t k = 0; k < run; ++k) shingle += words[i + k] + ' ';
    out.push_back(hash_of(shingle));
  }
  sort_once(out);
  return out;
}

std::vector<std::uint64_t> letter_shingles(std::string_view text, int length) {
  const std::string letters = squeezed(text);
  const std::size_t run = std::min(letters.size(), static_cast<std::size_t>(length));
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; run > 0 && i + run <= letters.size(); ++i) {
    out.push_back(hash_of(std::string_view(letters).substr(i, run)));
  }
  sort_once(out);
  return out;
}

std::vector<std::uint64_t> min_hash(const std::vector<std::uint64_t>& shingles, const MinHashShape& shape) {
  std::vector<std::uint64_t> out;
  for (int band = 0; band < shape.bands; ++band) {
    std::uint64_t hash = static_cast<std::uint64_t>(band);
    for (int row = 0; row < shape.rows; ++row) {
      const std::uint64_t salt = mixed(static_cast<std::uint64_t>(band * shape.rows + row));
      std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
      for (const std::uint64_t shingle : shingles) least = std::min(least, mixed(shingle ^ salt));
      hash = joined_hash(hash, least);
    }
    out.push_back(hash);
  }
  return out;
}

std::uint32_t UnionFind::first(std::uint32_t member) {
  while (parent_[member] != member) {
    parent_[member] = parent_[parent_[member]];
    member = parent_[member];
  }
  return member;
}

void UnionFind::join(std::uint32_t a, std::uint32_t b) {
  a = first(a);
  b = first(b);
  if (a != b) parent_[std::max(a, b)] = std::min(a, b);
}

}  // namespace moonbeam::pipeline
