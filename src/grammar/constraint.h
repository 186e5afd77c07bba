// One answer on its way through a grammar: which tokens may come next, and its text so far.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "grammar/vocabulary.h"

namespace moonbeam::grammar {

class Constraint {
 public:
  Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const Vocabulary> vocabulary);

  /// Whether the token may come next. Cheaper than the mask, for one.
  bool allows(int id);
  /// All that may. Valid until the next push().
  const Mask& mask();
  bool complete() const { return automaton_.complete(state_); }  ///< the text may end here
  bool ended() const { return automaton_.ended(state_); }        ///< nothing else may follow

  /// Takes a token that is allowed. @return what may be shown now: whole characters and escapes, possibly
  /// none; valid until the next call.
  std::string_view push(int id);
  /// Brings the text to its nearest end, leaving out a character or escape that was not whole. @return what
  /// that adds. Nothing may be pushed after it.
  std::string_view close();
  /// All that was returned so far; complete after close().
  const std::string& text() const noexcept { return text_; }

 private:
  void forget();

  std::shared_ptr<const Vocabulary> vocabulary_;
  Automaton automaton_;
  Automaton::State state_;
  Automaton::State shown_;  // where text_ ends
  std::string tail_;        // what stands between the two
  std::string text_;
  std::unordered_map<Automaton::State, Mask> masks_;
};

}  // namespace moonbeam::grammar
