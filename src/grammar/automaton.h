// Reads a text byte by byte and says where it stands in a grammar: a pushdown automaton whose stacks cannot
// grow past kMaxNesting, so that it is a finite one too. States and their steps are made as they are met.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/grammar.h"

namespace moonbeam::grammar {

/// Where a text stands inside one node.
struct Frame {
  std::uint32_t node = 0;
  std::uint32_t phase = 0;  ///< what is expected next; of the node's kind
  std::uint32_t count = 0;  ///< members or properties so far, characters left, digits
  std::uint32_t at = 0;     ///< place in a trie

  bool operator==(const Frame&) const = default;
};

/// One way to read a text: nodes that are open, the outermost first. Empty: it is complete.
struct Stack {
  std::array<Frame, kMaxNesting + 2> frames{};
  std::size_t size = 0;

  Frame& top() { return frames[size - 1]; }
  const Frame& top() const { return frames[size - 1]; }
  void push(std::uint32_t node) { frames[size++] = {.node = node}; }
  void pop() { frames[--size] = {}; }
  bool operator==(const Stack&) const = default;
};

/// Not safe from many threads: each answer has its own.
class Automaton {
 public:
  using State = int;
  static constexpr State kDead = -1;  ///< no text goes on like this

  explicit Automaton(std::shared_ptr<const Grammar> grammar);

  State start() const noexcept { return start_; }
  State step(State from, std::uint8_t byte) {
    const State known = states_[static_cast<std::size_t>(from)]->next[byte];
    return known != kUnknown ? known : find_step(from, byte);
  }
  /// After all bytes.
  State run(State from, std::string_view bytes);

  /// The text may end here.
  bool complete(State state) const { return at(state).complete; }
  /// It must: nothing can follow.
  bool ended(State state) const { return at(state).ended; }
  /// Inside a character or an escape of a free string.
  bool inside_unit(State state) const { return at(state).inside_unit; }
  /// At a character's start in a free string without a limit, and no other way to read the text.
  bool in_free_string(State state) const { return at(state).in_free_string; }

  /// The shortest text that completes what stands here, which is not inside a unit.
  std::string completion(State state) const;

  /// A state with the same continuations of up to `reach` bytes, the same one for many: limits that are
  /// further away are left out.
  State similar(State state, std::uint32_t reach);

  std::size_t bytes() const noexcept { return bytes_; }  ///< that its states take, about
  /// Forgets all states but these and gives them their new names.
  void keep_only(std::span<State* const> kept);

 private:
  static constexpr State kUnknown = -2;
  struct Data {
    std::vector<Stack> stacks;
    bool complete = false, ended = false, inside_unit = false, in_free_string = false;
    std::array<State, 256> next;
  };

  const Data& at(State state) const { return *states_[static_cast<std::size_t>(state)]; }
  State find_step(State from, std::uint8_t byte);
  State intern(std::vector<Stack> stacks);
  std::string completion(const Stack& stack) const;
  void complete_frame(const Frame& frame, std::string& out) const;
  void complete_object(const Node& node, const Frame& frame, std::string& out) const;
  void append_shortest(std::uint32_t value, std::string& out) const;

  std::shared_ptr<const Grammar> grammar_;
  std::vector<std::unique_ptr<Data>> states_;
  std::unordered_map<std::string, State> by_stacks_;
  State start_ = kDead;
  std::size_t bytes_ = 0;
};

}  // namespace moonbeam::grammar
