#include "data/pipeline/writing/facts.h"

#include <algorithm>

#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

constexpr std::string_view kSaid[] = {"left of", "right of", "above", "below", "inside"};

std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> out;
  for (const Word& word : words_of(text)) out.push_back(word.text);
  return out;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// 1: "dogs" stands in a text that may be trusted; 0: not; -1: the word does not show it ("sheep").
int said_in_plural(const Record& record, const Lexicon& lexicon, const std::string& name) {
  const std::string plural = lexicon.plural(name);
  if (plural == name) return -1;
  return std::any_of(record.sources.begin(), record.sources.end(), [&](const Source& source) {
    return !source.low_trust && source.kind != "alt" && has_words(source.text, plural);
  });
}

}  // namespace

Json shown(const Fact& fact) {
  return {{"id", fact.id},
          {"type", fact.type},
          {"subject", fact.subject},
          {"predicate", fact.predicate},
          {"object", fact.object}};
}

Json shown(const std::vector<Fact>& facts) {
  Json out = Json::array();
  for (const Fact& one : facts) out.push_back(shown(one));
  return out;
}

bool is_place(const Fact& fact) {
  return fact.type == "relation" && fact.predicate == "position";
}

bool is_colour(const Fact& fact) {
  return fact.type == "attribute" && colour_of(fact.object).has_value();
}

bool has_words(std::string_view text, std::string_view phrase) {
  const std::vector<std::string> words = plain_words(text), wanted = plain_words(phrase);
  return !wanted.empty() &&
         std::search(words.begin(), words.end(), wanted.begin(), wanted.end()) != words.end();
}

std::vector<std::string> nouns_in(std::string_view text, const Lexicon& lexicon) {
  std::vector<std::string> out;
  for (NounAt& at : lexicon.nouns_in(text)) {
    if (lexicon.is_concrete(at.noun)) out.push_back(std::move(at.noun));
  }
  return out;
}

bool is_about(std::string_view phrase, std::string_view name, const Lexicon& lexicon) {
  return lexicon.same(phrase, name) || lexicon.same(lexicon.head(phrase), name);
}

bool count_doubted(const Record& record, const Lexicon& lexicon, const std::string& name, int count) {
  for (const Claim& claim : record.claims) {
    if (claim.type != "count" || !lexicon.same(claim.subject, name)) continue;
    const auto number = number_of(claim.object);
    if (number && *number != count) return true;
  }
  return count == 1 && said_in_plural(record, lexicon, name) == 1;
}

int sure_count(const Record& record, const Lexicon& lexicon, const std::string& name) {
  const auto row = std::find_if(record.sheet.counts.begin(), record.sheet.counts.end(),
                                [&](const SheetCount& one) { return one.name == name; });
  if (row == record.sheet.counts.end() || !row->exact) return -1;
  if (contains(record.sheet.uncertain, name) || contains(record.sheet.crowds, name)) return -1;
  if (count_doubted(record, lexicon, name, row->count)) return -1;
  if (row->count < 2) return row->count;
  const bool told = std::any_of(record.claims.begin(), record.claims.end(), [&](const Claim& claim) {
    return claim.type == "count" && lexicon.same(claim.subject, name) &&
           number_of(claim.object) == row->count;
  });
  return told || said_in_plural(record, lexicon, name) == 1 ? row->count : -1;
}

std::vector<Fact> some_of(const std::vector<Fact>& facts, double low, double high, std::size_t least,
                          data::Stream& draws) {
  const double share = draws.uniform(static_cast<float>(low), static_cast<float>(high));
  std::size_t wanted = static_cast<std::size_t>(share * static_cast<double>(facts.size()) + .5);
  wanted = std::min(std::max(wanted, least), facts.size());
  std::vector<Fact> out;
  for (std::size_t i = 0; i < facts.size(); ++i) {  // each with equal odds, in their order
    const auto left = static_cast<std::uint32_t>(facts.size() - i);
    if (draws.below(left) < wanted - out.size()) out.push_back(facts[i]);
  }
  return out;
}

Facts::Facts(const Record& record, const Lexicon& lexicon) : record_(record), lexicon_(lexicon) {
  for (const SheetObject& one : record.sheet.objects) {
    if (named(one.name) && sure_count(record, lexicon, one.name) == 1) only_.push_back(&one);
  }
  add_claims();
  add_layout();
}

bool Facts::named(const std::string& name) const {
  return std::any_of(record_.claims.begin(), record_.claims.end(), [&](const Claim& claim) {
    return claim.accepted && is_about(claim.subject, name, lexicon_);
  });
}

const SheetObject* Facts::only(std::string_view noun) const {
  const SheetObject* found = nullptr;
  for (const SheetObject* one : only_) {
    if (!is_about(noun, one->name, lexicon_)) continue;
    if (found != nullptr) return nullptr;
    found = one;
  }
  return found;
}

void Facts::add_claims() {
  const auto annotated = [&](const std::string& noun) {
    return std::any_of(record_.sheet.objects.begin(), record_.sheet.objects.end(),
                       [&](const SheetObject& one) { return is_about(noun, one.name, lexicon_); });
  };
  for (const Claim* claim : record_.accepted()) {
    if (claim->type == "count") continue;  // by code, below
    const Fact fact{claim->id, claim->type, claim->subject, claim->predicate, claim->object, claim->thing};
    // Of several dogs nobody knows which is the red one; the sheet places what it holds better than words do.
    if (fact.type != "existence" && annotated(fact.subject) && only(fact.subject) == nullptr) continue;
    if (is_place(fact) && annotated(fact.subject)) continue;
    all_.push_back(fact);
  }
  for (const SheetCount& row : record_.sheet.counts) {
    const int count = named(row.name) ? sure_count(record_, lexicon_, row.name) : -1;
    if (count < 1) continue;
    std::string id = cat("count:", row.name);
    for (const Claim* claim : record_.accepted()) {
      if (claim->type == "count" && lexicon_.same(claim->subject, row.name)) id = claim->id;
    }
    all_.push_back({id, "count", row.name, "count", cat(count)});
  }
}

void Facts::add_layout() {
  const auto known = [&](const std::string& id) -> const SheetObject* {
    const auto found =
        std::find_if(only_.begin(), only_.end(), [&](const SheetObject* one) { return one->id == id; });
    return found == only_.end() ? nullptr : *found;
  };
  for (const SheetObject* one : only_) {
    all_.push_back({cat("place:", one->id), "relation", one->name, "position", one->place, one->id});
  }
  for (const SheetRelation& one : record_.sheet.relations) {
    const SheetObject *subject = known(one.subject), *object = known(one.object);
    if (subject == nullptr || object == nullptr) continue;
    if (std::find(std::begin(kSaid), std::end(kSaid), one.predicate) == std::end(kSaid)) continue;
    const bool twice = std::any_of(all_.begin(), all_.end(), [&](const Fact& fact) {
      return fact.predicate == one.predicate && lexicon_.same(fact.subject, subject->name) &&
             lexicon_.same(fact.object, object->name);
    });
    if (twice) continue;
    all_.push_back({cat("relation:", subject->id, ':', object->id, ':', one.predicate), "relation",
                    subject->name, one.predicate, object->name, subject->id});
  }
}

const Fact* Facts::find(std::string_view id) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Fact& one) { return one.id == id; });
  return found == all_.end() ? nullptr : &*found;
}

bool Facts::names(std::string_view noun) const {
  const std::string one = lexicon_.singular(noun);
  return std::any_of(all_.begin(), all_.end(), [&](const Fact& fact) {
    for (const std::string& said : {fact.subject, fact.object}) {
      if (said.empty()) continue;
      if (lexicon_.same(one, said) || lexicon_.is_a(said, one) || has_words(said, one) ||
          has_words(said, noun))
        return true;
      for (const std::string& part : nouns_in(said, lexicon_)) {  // "a man in a red shirt"
        if (lexicon_.same(one, part) || lexicon_.is_a(part, one)) return true;
      }
    }
    return false;
  });
}

}  // namespace moonbeam::pipeline
