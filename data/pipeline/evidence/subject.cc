#include "data/pipeline/evidence/subject.h"

#include <algorithm>

#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

Subject subject_of(const std::string& phrase, const Lexicon& lexicon) {
  Subject out;
  out.noun = lexicon.head(phrase);
  const std::vector<Word> words = words_of(phrase);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (const auto colour = colour_of(words[i].text)) {
      out.colour = *colour;
      break;
    }
  }
  return out;
}

bool holds(const std::vector<std::string>& classes, const std::string& noun, const Lexicon& lexicon) {
  if (std::find(classes.begin(), classes.end(), noun) != classes.end()) return true;
  for (const std::string& name : lexicon.synonyms(noun)) {
    if (std::find(classes.begin(), classes.end(), name) != classes.end()) return true;
  }
  return false;
}

void forbid_absence(Sheet& sheet, const std::string& noun, const Lexicon& lexicon) {
  std::erase_if(sheet.exhaustive, [&](const std::string& name) {
    const bool boxed = std::any_of(sheet.objects.begin(), sheet.objects.end(),
                                   [&](const SheetObject& one) { return one.name == name; });
    return !boxed && lexicon.is_a(noun, name);
  });
}

Things things_of(const Sheet& sheet, const Subject& subject, const Lexicon& lexicon) {
  Things out;
  const auto gather = [&](const auto& fits) {
    for (const SheetObject& one : sheet.objects) {
      if (fits(one.name)) out.of_noun.push_back(&one);
    }
  };
  gather([&](const std::string& name) { return lexicon.same(name, subject.noun); });
  out.exact = !out.of_noun.empty();
  if (!out.exact) gather([&](const std::string& name) { return lexicon.is_a(name, subject.noun); });
  if (out.of_noun.empty()) gather([&](const std::string& name) { return lexicon.is_a(subject.noun, name); });
  for (const SheetObject* one : out.of_noun) {
    if (subject.colour.empty() || one->colour == subject.colour) {
      out.all.push_back(one);
    } else if (one->colour.empty() &&
               (one->colours.empty() ||
                std::find(one->colours.begin(), one->colours.end(), subject.colour) != one->colours.end())) {
      ++out.unclear;
    }
  }
  return out;
}

std::string content_of(const Claim& claim, const Lexicon& lexicon) {
  const Subject subject = subject_of(claim.subject, lexicon);
  std::string object;
  for (const Word& word : words_of(claim.object)) {
    if (is_function_word(word.text) && claim.type != "text") continue;
    object +=
        (object.empty() ? "" : " ") + (lexicon.is_noun(word.text) ? lexicon.singular(word.text) : word.text);
  }
  return base::cat(claim.type, '|', subject.colour, ' ', subject.noun, '|', lower(claim.predicate), '|',
                   object);
}

}  // namespace moonbeam::pipeline
