#include "data/pipeline/evidence/claim_check.h"

#include <algorithm>
#include <set>

#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/evidence/subject.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

/// The noun, one of its names or kinds.
bool names(std::string_view text, const std::string& noun, const Lexicon& lexicon) {
  return lexicon.mentions(text, noun);
}

bool is_negated(std::string_view quote, const std::string& noun, const Lexicon& lexicon) {
  for (const NounAt& at : lexicon.nouns_in(quote)) {
    if (!lexicon.is_a(at.noun, noun)) continue;
    const std::vector<Word> before = words_of(quote.substr(0, at.begin));
    for (std::size_t i = before.size(); i > 0 && i + 3 > before.size(); --i) {
      const std::string& word = before[i - 1].text;
      if (word == "no" || word == "not" || word == "without" || word.ends_with("n't")) return true;
    }
  }
  return false;
}

/// "run" of "running", "hold" of "holds".
std::string root(const std::string& word) {
  for (const std::string_view tail : {"ing", "ed", "es", "s"}) {
    if (word.size() > tail.size() + 2 && word.ends_with(tail))
      return word.substr(0, word.size() - tail.size());
  }
  return word;
}

/// One word of what is claimed, in any form, stands in the quote.
bool bears(std::string_view quote, const std::string& said, const Lexicon& lexicon) {
  std::set<std::string> roots;
  for (const Word& word : words_of(quote)) {
    roots.insert(root(word.text));
    roots.insert(lexicon.singular(word.text));
    if (const auto colour = colour_of(word.text)) roots.insert(*colour);
    if (const auto number = number_of(word.text)) roots.insert(std::to_string(*number));
  }
  const std::vector<Word> words = words_of(said);
  return std::any_of(words.begin(), words.end(), [&](const Word& word) {
    const std::string one = root(word.text);
    // "run" in "running": doubled letters
    return roots.contains(one) || roots.contains(lexicon.singular(word.text)) ||
           (one.size() >= 3 && std::any_of(roots.begin(), roots.end(), [&](const std::string& other) {
              return other.size() >= 3 && (other.starts_with(one) || one.starts_with(other));
            }));
  });
}

std::string squeezed(const std::string& text) {
  std::string out;
  for (const Word& word : words_of(text)) out += (out.empty() ? "" : " ") + word.text;
  return out;
}

}  // namespace

std::string claim_fault(const Claim& claim, const Source& source, const Lexicon& lexicon) {
  if (words_of(claim.subject).empty() || words_of(claim.quote).empty()) return "empty";
  if (source.text.find(claim.quote) == std::string::npos &&
      source.raw.find(claim.quote) == std::string::npos) {
    return "quote-not-in-source";
  }
  if (claim.type == "text") {
    return !claim.object.empty() && claim.quote.find(claim.object) != std::string::npos
               ? ""
               : "quote-without-object";
  }
  const Subject subject = subject_of(claim.subject, lexicon);
  if (claim.type == "scene") {
    const bool said = bears(claim.quote, claim.subject, lexicon) || bears(claim.quote, claim.object, lexicon);
    return said ? "" : "quote-without-object";
  }
  if (is_picture_word(subject.noun)) return "no-thing";
  if (is_negated(claim.quote, subject.noun, lexicon)) return "negated";
  if (claim.type == "existence")
    return names(claim.quote, subject.noun, lexicon) ? "" : "quote-without-subject";
  if (!names(source.text, subject.noun, lexicon)) return "subject-not-in-source";
  if (claim.type == "count") {
    const auto number = number_of(claim.object);
    if (!number) return "count-without-number";
    return bears(claim.quote, std::to_string(*number), lexicon) ? "" : "quote-without-object";
  }
  if (const std::string place = place_of(claim); !place.empty()) {
    const std::string text = lower(claim.quote);
    const std::vector<Word> words = words_of(place);
    const bool all = std::all_of(words.begin(), words.end(), [&](const Word& word) {
      return text.find(word.text) != std::string::npos ||
             (word.text == "middle" && text.find("cent") != std::string::npos);
    });
    return all ? "" : "quote-without-object";
  }
  // An action may have no object, an attribute's predicate is a name of ours ("colour").
  const std::string said = claim.type == "action" || claim.type == "relation"
                               ? claim.predicate + " " + claim.object
                               : claim.object;
  if (!bears(claim.quote, said, lexicon)) return "quote-without-object";
  if (claim.type == "relation" && !names(source.text, lexicon.head(claim.object), lexicon))
    return "quote-without-object";
  return "";
}

void tidy(Claim& claim, const Sheet& sheet, const Lexicon& lexicon) {
  const auto words = [](const std::string& text) { return squeezed(text); };
  if (claim.type != "text") claim.object = words(claim.object);
  claim.predicate = words(claim.predicate);
  if (claim.predicate == "color") claim.predicate = "colour";
  claim.subject = words(claim.subject);
  for (const char* article : {"a ", "an ", "the ", "some "}) {
    if (claim.subject.starts_with(article)) claim.subject.erase(0, std::string_view(article).size());
  }
  if (claim.type == "scene" || claim.type == "text") return;
  // One thing, and where the sheet has it, under its name there.
  const Subject subject = subject_of(claim.subject, lexicon);
  std::string name = subject.noun;
  for (const SheetObject& one : sheet.objects) {
    if (lexicon.same(one.name, subject.noun)) name = one.name;
  }
  const bool bare = lexicon.singular(claim.subject) == subject.noun;
  if (bare) {
    claim.subject = name;
  } else if (!subject.colour.empty() && words_of(claim.subject).size() == 1 + words_of(subject.noun).size()) {
    claim.subject = subject.colour + " " + name;
  }
  if (claim.type == "count") {
    if (const auto number = number_of(claim.object)) claim.object = std::to_string(*number);
  }
  if (claim.type == "attribute") {
    if (const auto colour = colour_of(claim.object)) claim.object = *colour, claim.predicate = "colour";
  }
}

std::string colour_before(std::string_view text, const std::string& noun, const Lexicon& lexicon) {
  for (const NounAt& at : lexicon.nouns_in(text)) {
    if (!lexicon.is_a(at.noun, noun)) continue;
    const std::vector<Word> before = words_of(text.substr(0, at.begin));
    if (before.empty() || at.begin - before.back().end > 1) continue;
    if (const auto colour = colour_of(before.back().text)) return *colour;
  }
  return "";
}

void scope(Claim& claim, const Sheet& sheet, const Source& source, const Lexicon& lexicon) {
  if (claim.type == "scene" || claim.type == "text") return;
  const Subject subject = subject_of(claim.subject, lexicon);
  if (!subject.colour.empty()) return;
  const std::string colour = colour_before(claim.quote, subject.noun, lexicon);
  if (colour.empty()) return;
  std::set<std::string> told;  // colours that this text gives things of the noun
  for (const NounAt& at : lexicon.nouns_in(source.text)) {
    if (!lexicon.same(at.noun, subject.noun)) continue;
    const std::vector<Word> before = words_of(std::string_view(source.text).substr(0, at.begin));
    if (before.empty()) continue;
    if (const auto one = colour_of(before.back().text)) told.insert(*one);
  }
  if (things_of(sheet, {subject.noun}, lexicon).of_noun.size() < 2 && told.size() < 2) return;
  const bool same = claim.type == "attribute" && claim.object == colour;
  if (claim.type == "attribute" && colour_of(claim.object) && !same) return;
  claim.subject = colour + " " + claim.subject;
  if (same) claim.type = "existence", claim.predicate = "exists", claim.object.clear();
}

}  // namespace moonbeam::pipeline
