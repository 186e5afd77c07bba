// Walking all of a vocabulary costs a look-up a place. In a free string nearly all tokens fit, whatever
// stands round it, so those that stay inside are found once; what is walked then is the rest of those that
// leave it.
#include "grammar/vocabulary.h"

#include <algorithm>

namespace moonbeam::grammar {

namespace {

// Bytes of states that one walk may add. Where hundreds of alternatives begin alike, every token may lead to
// a state of its own of 40 KB: a schema of 120 KB had a mask of 1.1 GB. An `enum` of 15,000 words alone takes
// 33 MB.
constexpr std::size_t kMostOfAWalk = std::size_t{64} << 20;

}  // namespace

Vocabulary::Trie::Trie(std::vector<std::pair<std::string_view, int>> texts) {
  std::sort(texts.begin(), texts.end());
  std::vector<std::uint32_t> open;  // places on the way to the text before
  std::string_view before;
  for (const auto& [text, id] : texts) {
    std::size_t common = 0;
    while (common < std::min(before.size(), text.size()) && before[common] == text[common]) ++common;
    for (; open.size() > common; open.pop_back()) {
      places_[open.back()].behind = static_cast<std::uint32_t>(places_.size());
    }
    for (std::size_t i = common; i < text.size(); ++i) {
      open.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.push_back({static_cast<std::uint8_t>(text[i]), static_cast<std::uint32_t>(i), 0,
                         static_cast<std::uint32_t>(ids_.size())});
    }
    ids_.push_back(id);
    if (text.empty()) {
      empty_ = static_cast<std::uint32_t>(ids_.size());
    } else {
      // A text ends at the newest place: one that lies before it in the order was there first.
      places_[open.back()].ids = static_cast<std::uint32_t>(ids_.size());
    }
    depth_ = std::max(depth_, text.size());
    before = text;
  }
  for (const std::uint32_t place : open) places_[place].behind = static_cast<std::uint32_t>(places_.size());
}

void Vocabulary::Trie::allow(Automaton& automaton, Automaton::State state, Mask& mask) const {
  for (std::uint32_t i = 0; i < empty_; ++i) mask.set(ids_[i]);
  std::vector<Automaton::State> states(depth_ + 1);
  states[0] = state;
  const std::size_t most = automaton.bytes() + kMostOfAWalk;
  for (std::size_t i = 0; i < places_.size() && automaton.bytes() <= most;) {
    const Place& place = places_[i];
    const Automaton::State next = automaton.step(states[place.depth], place.byte);
    if (next == Automaton::kDead) {
      i = place.behind;
      continue;
    }
    states[place.depth + 1] = next;
    for (std::uint32_t id = i > 0 ? places_[i - 1].ids : empty_; id < place.ids; ++id) mask.set(ids_[id]);
    ++i;
  }
}

Vocabulary::Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)), inside_string_(size()) {
  Document string;
  string.schemas.push_back({.kind = Schema::Kind::kString, .place = {}});
  Automaton automaton(std::make_shared<const Grammar>(compile(string)));
  const Automaton::State inside = automaton.run(automaton.start(), "\"");
  std::vector<std::pair<std::string_view, int>> all, behind;
  for (int id = 0; id < size(); ++id) {
    const std::string_view text = bytes(id);
    if (text.empty()) continue;
    all.emplace_back(text, id);
    longest_ = std::max(longest_, static_cast<std::uint32_t>(text.size()));
    Automaton::State state = inside;
    std::size_t read = 0;
    while (read < text.size() && state != Automaton::kDead && !automaton.ended(state)) {
      state = automaton.step(state, static_cast<std::uint8_t>(text[read++]));
    }
    if (state == Automaton::kDead) continue;
    if (automaton.ended(state)) {
      behind.emplace_back(text.substr(read), id);
    } else {
      inside_string_.set(id);
    }
  }
  all_ = Trie(std::move(all));
  behind_string_ = Trie(std::move(behind));
}

Mask Vocabulary::allowed(Automaton& automaton, Automaton::State state) const {
  if (automaton.in_free_string(state)) {
    Mask mask = inside_string_;
    behind_string_.allow(automaton, automaton.step(state, '"'), mask);
    return mask;
  }
  Mask mask(size());
  all_.allow(automaton, state, mask);
  return mask;
}

}  // namespace moonbeam::grammar
