#include "data/pipeline/evidence/questions.h"

#include <array>
#include <optional>

#include "data/pipeline/evidence/sheet_check.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::array<std::string_view, 11> kColours = {"red",  "green", "blue",  "yellow", "orange", "purple",
                                                       "pink", "white", "black", "brown",  "gray"};

std::optional<bool> yes_or_no(const std::string& answer) {
  const std::vector<Word> words = words_of(answer);
  if (words.empty()) return std::nullopt;
  if (words[0].text == "yes" || words[0].text == "true") return true;
  if (words[0].text == "no" || words[0].text == "false") return false;
  return std::nullopt;
}

/// The only colour of an answer.
std::string colour_in(const std::string& answer) {
  std::string out;
  for (const Word& word : words_of(answer)) {
    const auto colour = colour_of(word.text);
    if (!colour || *colour == out) continue;
    if (!out.empty()) return "";
    out = *colour;
  }
  return out;
}

}  // namespace

std::string clause_of(const Claim& claim, const Lexicon& lexicon) {
  const std::string verb = lexicon.singular(claim.subject) == claim.subject ? "is" : "are";
  const std::string subject = "the " + claim.subject;
  if (claim.type == "existence") return "there " + verb + " " + with_article(claim.subject);
  if (claim.type == "attribute") return subject + " " + verb + " " + claim.object;
  if (claim.type == "scene") return "it shows " + (claim.object.empty() ? claim.subject : claim.object);
  const bool to_be = words_of(claim.predicate).empty() || claim.predicate.starts_with("is ") ||
                     claim.predicate.starts_with("are ");
  const std::string first = words_of(claim.predicate).empty() ? "" : words_of(claim.predicate)[0].text;
  const bool needs_verb =
      !to_be && (first.ends_with("ing") || is_function_word(first) || claim.type == "relation");
  const std::string tail = claim.object.empty()            ? ""
                           : lexicon.is_noun(claim.object) ? " the " + claim.object
                                                           : " " + claim.object;
  return subject + " " + (needs_verb ? verb + " " : "") + claim.predicate + tail;
}

SightQuestions questions_about(const Claim& claim, const Lexicon& lexicon, data::Stream& draws) {
  if (claim.type == "existence") {
    const std::string thing = with_article(claim.subject);
    return {"Is there " + thing + " in the picture?",
            "Is it true that there is no " + claim.subject + " in the picture?"};
  }
  if (claim.type == "attribute") {
    if (const auto colour = colour_of(claim.object)) {
      std::string other;
      do {
        other = kColours[draws.below(static_cast<std::uint32_t>(kColours.size()))];
      } while (other == *colour);
      return {"What color is the " + claim.subject + "?", "Is the " + claim.subject + " " + other + "?",
              *colour, other};
    }
  }
  const std::string clause = clause_of(claim, lexicon);
  return {"Is this right about the picture: " + clause + "?",
          "Is this wrong about the picture: " + clause + "?"};
}

std::string seen(const SightQuestions& asked, const std::string& neutral, const std::string& swapped) {
  const std::optional<bool> second = yes_or_no(swapped);
  if (!asked.colour.empty()) {
    const std::string colour = colour_in(neutral);
    if (colour.empty() || !second) return kUnknown;
    if (*second) return colour == asked.other ? kContradicted : kUnknown;
    return colour == asked.colour ? kSupported : colour == asked.other ? kUnknown : kContradicted;
  }
  const std::optional<bool> first = yes_or_no(neutral);
  if (!first || !second || *first == *second) return kUnknown;
  return *first ? kSupported : kContradicted;
}

bool agrees_with_both(const std::string& neutral, const std::string& swapped) {
  return yes_or_no(neutral).value_or(false) && yes_or_no(swapped).value_or(false);
}

}  // namespace moonbeam::pipeline
