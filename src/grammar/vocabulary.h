// A tokenizer's tokens as bytes, in the order of a trie: which of them a grammar allows next.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/automaton.h"

namespace moonbeam::grammar {

/// One bit a token.
class Mask {
 public:
  explicit Mask(int size = 0) : words_((static_cast<std::size_t>(size) + 63) / 64) {}
  void set(int id) { words_[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64); }
  bool test(int id) const { return words_[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1; }
  std::span<const std::uint64_t> words() const noexcept { return words_; }
  bool operator==(const Mask&) const = default;

 private:
  std::vector<std::uint64_t> words_;
};

/// Constant after construction and shared between threads.
class Vocabulary {
 public:
  /// By id; an empty one is never allowed (control tokens, ids without a token).
  explicit Vocabulary(std::vector<std::string> tokens);

  int size() const noexcept { return static_cast<int>(tokens_.size()); }
  const std::string& bytes(int id) const { return tokens_[static_cast<std::size_t>(id)]; }
  /// Bytes of the longest token.
  std::uint32_t longest() const noexcept { return longest_; }

  /// Tokens all of whose bytes may follow; fewer where finding out would take tens of megabytes.
  Mask allowed(Automaton& automaton, Automaton::State state) const;

 private:
  /// Texts in ascending order, each place of their trie before those below it: a walk goes from front to
  /// back.
  class Trie {
   public:
    Trie() = default;
    explicit Trie(std::vector<std::pair<std::string_view, int>> texts);
    void allow(Automaton& automaton, Automaton::State state, Mask& mask) const;

   private:
    struct Place {
      std::uint8_t byte;
      std::uint32_t depth;   // of its byte in the texts
      std::uint32_t behind;  // the first place that is not below it
      std::uint32_t ids;     // end of those that end here, in ids_; they begin where the place before ends
    };
    std::vector<Place> places_;
    std::vector<int> ids_;
    std::uint32_t empty_ = 0;  // ids_ before this end at the root
    std::size_t depth_ = 0;
  };

  std::vector<std::string> tokens_;
  std::uint32_t longest_ = 0;
  Trie all_;
  // A free string: those that stay inside it, and what stands behind its closing quote in the others.
  Mask inside_string_;
  Trie behind_string_;
};

}  // namespace moonbeam::grammar
