#include "grammar/automaton.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "grammar/step.h"

namespace moonbeam::grammar {

namespace {

// Ways to read one text. Alternatives that begin alike, inside each other, may give more: those that come
// last are then given up, which only means fewer texts, all of them good.
constexpr std::size_t kMaxStacks = 256;

void append_key(const Stack& stack, std::string& key) {
  const std::size_t bytes = stack.size * sizeof(Frame), before = key.size();
  key.resize(before + 1 + bytes);
  key[before] = static_cast<char>(stack.size);
  std::memcpy(key.data() + before + 1, stack.frames.data(), bytes);
}

// @return the key of what is left.
std::string remove_copies(std::vector<Stack>& stacks) {
  std::string all;
  if (stacks.size() == 1) {
    append_key(stacks[0], all);
    return all;
  }
  std::unordered_set<std::string> met;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < stacks.size() && kept < kMaxStacks; ++i) {
    std::string key;
    append_key(stacks[i], key);
    if (!met.insert(key).second) continue;
    all += key;
    stacks[kept++] = stacks[i];
  }
  stacks.resize(kept);
  return all;
}

}  // namespace

Automaton::Automaton(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  std::vector<Stack> stacks;
  for (const std::uint32_t node : grammar_->values[grammar_->root])
    push(*grammar_, stacks.emplace_back(), node);
  start_ = intern(std::move(stacks));
}

Automaton::State Automaton::run(State from, std::string_view bytes) {
  for (const char byte : bytes) {
    if (from == kDead) break;
    from = step(from, static_cast<std::uint8_t>(byte));
  }
  return from;
}

Automaton::State Automaton::find_step(State from, std::uint8_t byte) {
  std::vector<Stack> stacks;
  for (const Stack& stack : at(from).stacks) take(*grammar_, stack, byte, stacks);
  const State found = intern(std::move(stacks));
  states_[static_cast<std::size_t>(from)]->next[byte] = found;
  return found;
}

Automaton::State Automaton::intern(std::vector<Stack> stacks) {
  if (stacks.empty()) return kDead;
  const auto [place, added] = by_stacks_.emplace(remove_copies(stacks), static_cast<State>(states_.size()));
  if (!added) return place->second;
  bytes_ += sizeof(Data) + stacks.size() * sizeof(Stack) + 2 * place->first.size();
  auto data = std::make_unique<Data>();
  data->next.fill(kUnknown);
  data->ended = true;
  for (const Stack& stack : stacks) {
    if (stack.size == 0) {
      data->complete = true;
      continue;
    }
    data->ended = false;
    const Frame& top = stack.top();
    if (stack.size == 1 && may_end(*grammar_, top)) data->complete = true;
    if (grammar_->nodes[top.node].kind != Node::Kind::kString) continue;
    if (top.phase > kCharacter) data->inside_unit = true;
    data->in_free_string = stacks.size() == 1 && top.phase == kCharacter && top.count == kNoLimit;
  }
  data->stacks = std::move(stacks);
  states_.push_back(std::move(data));
  return place->second;
}

Automaton::State Automaton::similar(State state, std::uint32_t reach) {
  std::vector<Stack> stacks = at(state).stacks;
  bool changed = false;
  for (Stack& stack : stacks) {
    for (std::size_t i = 0; i < stack.size; ++i) {
      Frame& frame = stack.frames[i];
      const Node& node = grammar_->nodes[frame.node];
      if (node.most == kNoLimit) continue;
      if (node.kind == Node::Kind::kString && frame.count > reach && frame.count != kNoLimit) {
        frame.count = kNoLimit;
        changed = true;
      }
      // No member is shorter than a byte.
      const bool array = node.kind == Node::Kind::kArray;
      if (array && frame.count > node.least && node.most - frame.count > reach) {
        frame.count = node.least;
        changed = true;
      }
    }
  }
  return changed ? intern(std::move(stacks)) : state;
}

void Automaton::keep_only(std::span<State* const> kept) {
  std::vector<std::vector<Stack>> stacks;
  for (const State* state : kept) stacks.push_back(at(*state).stacks);
  std::vector<Stack> first = at(start_).stacks;
  states_.clear();
  by_stacks_.clear();
  bytes_ = 0;
  start_ = intern(std::move(first));
  for (std::size_t i = 0; i < kept.size(); ++i) *kept[i] = intern(std::move(stacks[i]));
}

// --- The shortest way to an end ----------------------------------------------------------------------------

std::string Automaton::completion(State state) const {
  std::string best;
  bool first = true;
  for (const Stack& stack : at(state).stacks) {
    std::string one = completion(stack);
    if (first || one.size() < best.size()) best = std::move(one);
    first = false;
  }
  return best;
}

std::string Automaton::completion(const Stack& stack) const {
  std::string out;
  for (std::size_t i = stack.size; i-- > 0;) complete_frame(stack.frames[i], out);
  return out;
}

void Automaton::complete_frame(const Frame& frame, std::string& out) const {
  const Node& node = grammar_->nodes[frame.node];
  switch (node.kind) {
    case Node::Kind::kString:
      MB_ASSERT(frame.phase <= kCharacter);
      out += frame.phase == kQuote ? "\"\"" : "\"";
      return;
    case Node::Kind::kLiterals: {
      // All texts through a place begin alike: the shortest rest is that of the shortest text.
      const LiteralTrie& trie = grammar_->tries[node.trie];
      if (trie.places[frame.at].literal >= 0) return;
      const auto& below = trie.places[frame.at].below;
      const auto shortest = std::min_element(
          below.begin(), below.end(),
          [&](std::uint32_t a, std::uint32_t b) { return trie.texts[a].size() < trie.texts[b].size(); });
      const std::string& text = trie.texts[*shortest];
      std::size_t depth = 0;
      for (std::uint32_t at = 0; at != frame.at; ++depth) {
        for (const auto& [byte, place] : trie.places[at].next) {
          if (byte != static_cast<std::uint8_t>(text[depth])) continue;
          at = place;
          break;
        }
      }
      out.append(text, depth);
      return;
    }
    case Node::Kind::kInteger:
    case Node::Kind::kNumber:
      if (!may_end(*grammar_, frame)) out += '0';
      return;
    case Node::Kind::kObject:
      return complete_object(node, frame, out);
    default:
      break;
  }
  const bool array = node.kind == Node::Kind::kArray;
  std::uint32_t count = frame.count;
  bool after = frame.phase >= kColon && frame.phase <= kAfter;
  if (frame.phase == kOpen) out += array ? '[' : '{';
  if (frame.phase == kMapName || frame.phase == kColon) out += ':';
  if (frame.phase == kMapName || frame.phase == kColon || frame.phase == kColonSpace) out += ' ';
  if (frame.phase == kMapName || (frame.phase >= kColon && frame.phase <= kMember)) {
    append_shortest(node.value, out);
    after = true;
  }
  if (frame.phase == kCommaSpace) out += ' ';
  if (frame.phase == kCommaSpace || frame.phase == kNext) {
    if (!array) out += "\"\": ";
    append_shortest(node.value, out);
    after = true;
    ++count;
  }
  for (; count < node.least; ++count) {
    if (after) out += ", ";
    append_shortest(node.value, out);
    after = true;
  }
  out += array ? ']' : '}';
}

void Automaton::complete_object(const Node& node, const Frame& frame, std::string& out) const {
  const LiteralTrie& names = grammar_->tries[node.trie];
  std::uint32_t next = frame.count;  // property that may come next
  bool comma = frame.phase == kAfter;
  if (frame.phase == kOpen) out += '{';
  if (frame.phase == kName || frame.phase == kCommaSpace || frame.phase == kNext) {
    // A name is begun or must follow: of those that may, the shortest.
    if (frame.phase == kCommaSpace) out += ' ';
    const std::uint32_t at = frame.phase == kName ? frame.at : 0;
    const auto& below = names.places[at].below;
    const std::uint32_t last = Grammar::next_required(node, next);
    std::uint32_t chosen = Node::kNone;
    for (auto name = std::lower_bound(below.begin(), below.end(), next); name != below.end() && *name <= last;
         ++name) {
      if (chosen == Node::kNone || names.texts[*name].size() < names.texts[chosen].size()) chosen = *name;
    }
    const std::string& text = names.texts[chosen];
    std::size_t depth = 0;
    for (std::uint32_t place = 0; place != at; ++depth) {
      for (const auto& [byte, to] : names.places[place].next) {
        if (byte != static_cast<std::uint8_t>(text[depth])) continue;
        place = to;
        break;
      }
    }
    out.append(text, depth);
    out += ": ";
    append_shortest(node.properties[chosen].value, out);
    next = chosen + 1;
    comma = true;
  } else if (frame.phase >= kColon && frame.phase <= kMember) {
    if (frame.phase == kColon) out += ':';
    if (frame.phase <= kColonSpace) out += ' ';
    append_shortest(node.properties[next - 1].value, out);
    comma = true;
  }
  const auto properties = static_cast<std::uint32_t>(node.properties.size());
  for (next = Grammar::next_required(node, next); next < properties;
       next = Grammar::next_required(node, next + 1)) {
    if (comma) out += ", ";
    out += names.texts[next];
    out += ": ";
    append_shortest(node.properties[next].value, out);
    comma = true;
  }
  out += '}';
}

void Automaton::append_shortest(std::uint32_t value, std::string& out) const {
  Frame frame{.node = grammar_->cheapest(value)};
  complete_frame(frame, out);
}

}  // namespace moonbeam::grammar
