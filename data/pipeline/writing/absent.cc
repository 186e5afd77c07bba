#include "data/pipeline/writing/absent.h"

#include <algorithm>
#include <set>

#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

/// Of pictures with u and without v, and the other way round.
double alone(const CorpusStats& corpus, const std::string& u, const std::string& v) {
  return static_cast<double>(corpus.count(u) - corpus.together(u, v));
}

double weight_of(Negative kind, const std::string& u, const std::string& v, const CorpusStats* corpus) {
  if (corpus == nullptr) return 1;
  const double here = alone(*corpus, u, v), there = alone(*corpus, v, u);
  if (there <= 0) return 0;  // wherever v is seen u is seen too: it would be asked for only where it is not
  const double odds = here <= 0 ? 1 : std::min(1.0, there / here);
  if (kind == Negative::kPopular) {
    const auto share = [&](const std::string& name) { return static_cast<double>(corpus->count(name)); };
    return odds * share(u) * share(v);
  }
  return kind == Negative::kAdversarial ? odds * static_cast<double>(corpus->together(u, v)) : odds;
}

}  // namespace

Heard::Heard(const Record& record, const Lexicon& lexicon) : record_(record), lexicon_(lexicon) {
  for (const auto* list : {&record.sheet.uncertain, &record.sheet.crowds, &record.sheet.stuff}) {
    nouns_.insert(list->begin(), list->end());
  }
  for (const auto* list : {&record.sheet.objects, &record.sheet.disputed}) {
    for (const SheetObject& one : *list) nouns_.insert(one.name);
  }
  // Those too small for the sheet.
  for (const InputInstance& one : record.input.instances) nouns_.insert(one.name);
  for (const Claim& one : record.claims) nouns_.insert(lexicon.singular(one.subject));
  for (const Source& source : record.sources) {
    for (const std::string* text : {&source.raw, &source.text}) {
      for (NounAt& at : lexicon.nouns_in(*text)) nouns_.insert(std::move(at.noun));
      for (Word& word : words_of(*text)) words_.insert(std::move(word.text));
    }
  }
}

bool Heard::never_of(const std::string& noun) const {
  if (std::any_of(nouns_.begin(), nouns_.end(),
                  [&](const std::string& one) { return lexicon_.related(noun, one); })) {
    return false;
  }
  // "Some animals": words for kinds of things are not all nouns of the list.
  for (const std::string& kind : lexicon_.kinds_of(noun)) {
    if (words_.contains(kind) || words_.contains(lexicon_.plural(kind))) return false;
  }
  if (lexicon_.is_noun(noun)) return true;
  return std::none_of(record_.sources.begin(), record_.sources.end(), [&](const Source& source) {
    return lexicon_.mentions(source.raw, noun) || lexicon_.mentions(source.text, noun);
  });
}

std::vector<std::string> absent_classes(const Record& record, const Context& context) {
  std::set<std::string> names(record.sheet.exhaustive.begin(), record.sheet.exhaustive.end());
  names.insert(record.input.negatives.begin(), record.input.negatives.end());
  const Heard heard(record, context.lexicon);
  std::vector<std::string> out;
  for (const std::string& name : names) {
    // What no picture of the corpus shows would never be asked for where it is.
    if (context.corpus != nullptr && context.corpus->count(name) == 0) continue;
    if (heard.never_of(name)) out.push_back(name);
  }
  return out;
}

std::vector<std::string> present_classes(const Facts& facts) {
  std::set<std::string> names;
  const Record& record = facts.record();
  for (const SheetObject& one : record.sheet.objects) {
    const bool told = std::any_of(record.claims.begin(), record.claims.end(), [&](const Claim& claim) {
      return claim.accepted && is_about(claim.subject, one.name, facts.lexicon());
    });
    if (told) names.insert(one.name);
  }
  return {names.begin(), names.end()};
}

std::string_view negative_name(Negative kind) {
  return kind == Negative::kRandom ? "random" : kind == Negative::kPopular ? "popular" : "adversarial";
}

std::optional<Twin> draw_twin(Negative kind, const std::vector<std::string>& present,
                              const std::vector<std::string>& absent, const CorpusStats* corpus,
                              data::Stream& draws) {
  std::vector<float> weights;
  double total = 0;
  for (const std::string& u : present) {
    for (const std::string& v : absent) {
      const double weight = weight_of(kind, u, v, corpus);
      total += weight;
      weights.push_back(static_cast<float>(weight));
    }
  }
  if (total <= 0) {
    if (kind == Negative::kRandom) return std::nullopt;
    return draw_twin(Negative::kRandom, present, absent, corpus, draws);
  }
  const auto which = static_cast<std::size_t>(draws.weighted(weights));
  return Twin{present[which / absent.size()], absent[which % absent.size()]};
}

}  // namespace moonbeam::pipeline
