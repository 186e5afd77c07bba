#include "grammar/constraint.h"

#include "base/error.h"
#include "base/text.h"

namespace moonbeam::grammar {

namespace {

// Of one answer: a state takes a little more than a kilobyte as a rule, a mask an eighth of a byte a token.
constexpr std::size_t kMaxBytes = std::size_t{6} << 20;
constexpr std::size_t kMaxMasks = 256;

}  // namespace

Constraint::Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Vocabulary> vocabulary)
    : vocabulary_(std::move(vocabulary)),
      automaton_(std::move(grammar)),
      state_(automaton_.start()),
      shown_(state_) {}

bool Constraint::allows(int id) {
  if (id < 0 || id >= vocabulary_->size() || vocabulary_->bytes(id).empty()) return false;
  return automaton_.run(state_, vocabulary_->bytes(id)) != Automaton::kDead;
}

const Mask& Constraint::mask() {
  if (automaton_.bytes() > kMaxBytes || masks_.size() > kMaxMasks) forget();
  const Automaton::State state = automaton_.similar(state_, vocabulary_->longest());
  const auto known = masks_.find(state);
  if (known != masks_.end()) return known->second;
  return masks_.emplace(state, vocabulary_->allowed(automaton_, state)).first->second;
}

std::string_view Constraint::push(int id) {
  if (automaton_.bytes() > kMaxBytes) forget();
  const std::size_t before = text_.size();
  for (const char byte : vocabulary_->bytes(id)) {
    state_ = automaton_.step(state_, static_cast<std::uint8_t>(byte));
    MB_ASSERT(state_ != Automaton::kDead);
    tail_ += byte;
    if (automaton_.inside_unit(state_) || base::incomplete_utf8_tail(tail_) > 0) continue;
    text_ += tail_;
    tail_.clear();
    shown_ = state_;
  }
  return std::string_view(text_).substr(before);
}

std::string_view Constraint::close() {
  const std::size_t before = text_.size();
  text_ += automaton_.completion(shown_);
  tail_.clear();
  state_ = shown_ = automaton_.run(shown_, std::string_view(text_).substr(before));
  MB_ASSERT(state_ != Automaton::kDead && complete());
  return std::string_view(text_).substr(before);
}

void Constraint::forget() {
  Automaton::State* kept[] = {&state_, &shown_};
  automaton_.keep_only(kept);
  masks_.clear();
}

}  // namespace moonbeam::grammar
