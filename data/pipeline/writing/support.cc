#include "data/pipeline/writing/support.h"

#include <algorithm>

#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/rules.h"

namespace moonbeam::pipeline {

namespace {

std::string text_of(const Json& claim, const char* key) {
  return claim.contains(key) && claim[key].is_string() ? claim[key].get<std::string>() : std::string();
}

struct Read {
  std::string type, subject, predicate, object;
};

bool within(const std::set<std::string>& words, const std::set<std::string>& all) {
  return std::includes(all.begin(), all.end(), words.begin(), words.end());
}

std::set<std::string> colours_in(std::string_view text) {
  std::set<std::string> out;
  for (const Word& word : words_of(text)) {
    if (const auto colour = colour_of(word.text)) out.insert(*colour);
  }
  return out;
}

/// The dog, or an animal where the facts know a dog.
bool about(const std::string& noun, const std::string& of, const Lexicon& lexicon) {
  const std::string one = lexicon.singular(noun);
  return lexicon.same(one, of) || lexicon.is_a(of, one) || has_words(of, one);
}

bool inverse(std::string_view a, std::string_view b) {
  static const std::set<std::string> kPairs[] = {{"left"}, {"right"}, {"above"}, {"below"}};
  const std::set<std::string> one = way_words(a), other = way_words(b);
  return (one == kPairs[0] && other == kPairs[1]) || (one == kPairs[1] && other == kPairs[0]) ||
         (one == kPairs[2] && other == kPairs[3]) || (one == kPairs[3] && other == kPairs[2]);
}

bool bears(const Read& claim, const Fact& fact, const Lexicon& lexicon) {
  const bool subject = about(claim.subject, fact.subject, lexicon);
  if (claim.type == "existence") {
    return subject ||
           (fact.type == "relation" && !is_place(fact) && about(claim.subject, fact.object, lexicon));
  }
  if (claim.type == "count") {
    return subject && fact.type == "count" && number_of(claim.object) == number_of(fact.object);
  }
  const std::string told = fact.subject + " " + fact.predicate + " " + fact.object;
  if (const auto colours = colours_in(claim.object); claim.type == "attribute" && !colours.empty()) {
    return subject && within(colours, colours_in(told));
  }
  if (claim.predicate == "position") {
    const auto places = place_words(claim.object);
    return subject && is_place(fact) && !places.empty() && within(places, place_words(fact.object));
  }
  if (claim.type == "text") return fact.type == "text" && has_words(told, claim.object);
  if (subject && within(content_words(claim.predicate + " " + claim.object), content_words(told)) &&
      within(way_words(claim.predicate), way_words(fact.predicate))) {
    return true;
  }
  // "the cup is right of the dog" of "the dog is left of the cup".
  return claim.type == "relation" && fact.type == "relation" && inverse(claim.predicate, fact.predicate) &&
         about(claim.subject, fact.object, lexicon) && about(claim.object, fact.subject, lexicon);
}

}  // namespace

std::vector<std::string> bearing(const Json& claim, const Facts& facts) {
  const Read read = {text_of(claim, "type"), text_of(claim, "subject"), text_of(claim, "predicate"),
                     text_of(claim, "object")};
  std::vector<std::string> out;
  for (const Fact& fact : facts.all()) {
    if (bears(read, fact, facts.lexicon())) out.push_back(fact.id);
  }
  return out;
}

}  // namespace moonbeam::pipeline
