// What writers may say of a picture: its accepted claims, and what the sheet says of things that people named
// too. Where people and annotators differ about a number, nothing is said that depends on it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {

/// A claim's words. Ids: of the claim, or "place:O1", "relation:O1:O2:above", "count:NAME", "absent:NAME".
struct Fact {
  std::string id, type, subject, predicate, object;
  std::string thing = {};  ///< the sheet's object it is about
};
Json shown(const Fact& fact);
Json shown(const std::vector<Fact>& facts);

class Facts {
 public:
  Facts(const Record& record, const Lexicon& lexicon);

  const std::vector<Fact>& all() const { return all_; }
  const Fact* find(std::string_view id) const;
  /// A subject or object, a synonym or a kind of one ("animal" of a dog), or a part of its name.
  bool names(std::string_view noun) const;
  /// Named by people and annotated exactly once, and nobody says otherwise: "the dog" is this one.
  const SheetObject* only(std::string_view noun) const;
  const Record& record() const { return record_; }
  const Lexicon& lexicon() const { return lexicon_; }

 private:
  void add_claims();
  void add_layout();
  bool named(const std::string& name) const;

  const Record& record_;
  const Lexicon& lexicon_;
  std::vector<Fact> all_;
  std::vector<const SheetObject*> only_;
};

/// People say of this class another number than the sheet: a number, or several where it has one.
bool count_doubted(const Record& record, const Lexicon& lexicon, const std::string& name, int count);
/// The sheet's number where it is exact and people's words bear it out; -1 otherwise.
int sure_count(const Record& record, const Lexicon& lexicon, const std::string& name);

/// A random share of them in their order, at least `least` (E4).
std::vector<Fact> some_of(const std::vector<Fact>& facts, double low, double high, std::size_t least,
                          data::Stream& draws);

/// Concrete nouns of a text; singular.
std::vector<std::string> nouns_in(std::string_view text, const Lexicon& lexicon);
/// "red cup" is about a "cup".
bool is_about(std::string_view phrase, std::string_view name, const Lexicon& lexicon);
/// Whether the words of `phrase` stand in the text one after the other.
bool has_words(std::string_view text, std::string_view phrase);
bool is_place(const Fact& fact);
bool is_colour(const Fact& fact);

}  // namespace moonbeam::pipeline
