#include "data/pipeline/writing/rules.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> out;
  for (const Word& word : words_of(text)) out.push_back(word.text);
  return out;
}

/// A word with a capital that neither begins a sentence nor is a thing's: "Then Maria sits".
bool has_name(std::string_view text, const Facts& facts) {
  for (const std::string& sentence : sentences_of(text)) {
    const std::vector<Word> words = words_of(sentence);
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string_view written =
          std::string_view(sentence).substr(words[i].begin, words[i].end - words[i].begin);
      const bool capital = written.size() > 1 && written[0] >= 'A' && written[0] <= 'Z' &&
                           written[1] >= 'a' && written[1] <= 'z';
      if (!capital || is_function_word(words[i].text)) continue;
      const bool said = std::any_of(facts.all().begin(), facts.all().end(), [&](const Fact& fact) {
        return fact.type != "text" && (has_words(fact.subject, written) || has_words(fact.object, written));
      });
      if (!said) return true;
    }
  }
  return false;
}

/// Control characters, or letters that are not of English.
std::string script_fault(std::string_view text) {
  if (!base::is_valid_utf8(text)) return "language";
  int foreign = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = base::next_code_point(text, at);
    if (c < 0x20 || c == 0x7F) return "control";
    foreign += c >= 0x250 && !(c >= 0x2010 && c <= 0x2026);
  }
  return foreign > 0 ? "language" : "";
}

/// What a colour in a sentence is said of: "cup" of "a red wooden cup", "the cup is red"; "" for nothing.
std::string owner_of(const std::vector<Word>& words, std::size_t colour, const std::vector<NounAt>& nouns) {
  constexpr std::size_t kBetween = 3;
  std::size_t at = colour + 1;
  while (at < words.size() && (words[at].text == "and" || colour_of(words[at].text))) ++at;
  for (std::size_t k = at; k < std::min(at + kBetween, words.size()) && !is_function_word(words[k].text);
       ++k) {
    for (const NounAt& noun : nouns) {
      if (noun.begin == words[k].begin) return noun.noun;
    }
  }
  std::string before;
  for (const NounAt& noun : nouns) {
    if (noun.end <= words[colour].begin) before = noun.noun;
  }
  return before;
}

/// Some fact says it of the owner.
bool colour_told(const std::string& colour, const std::string& owner, const Facts& facts) {
  const Lexicon& lexicon = facts.lexicon();
  for (const Fact& fact : facts.all()) {
    bool tells = false;
    for (const std::string& word : plain_words(cat(fact.subject, ' ', fact.object))) {
      tells = tells || colour_of(word) == colour;
    }
    if (!tells) continue;
    if (owner.empty() || is_about(fact.subject, owner, lexicon) || lexicon.is_a(fact.subject, owner) ||
        has_words(fact.subject, owner) || has_words(fact.object, owner)) {
      return true;
    }
  }
  return false;
}

bool number_told(int number, const std::string& sentence, const Facts& facts) {
  for (const Fact& fact : facts.all()) {
    if (fact.type == "count" && number_of(fact.object) == number &&
        facts.lexicon().mentions(sentence, fact.subject)) {
      return true;
    }
    if (fact.type != "text" && fact.type != "count") {
      for (const std::string& word : plain_words(cat(fact.subject, ' ', fact.object))) {
        if (number_of(word) == number) return true;
      }
    }
  }
  return false;
}

}  // namespace

Phrases::Phrases(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) phrases_.push_back(plain_words(line));
}

bool Phrases::in(std::string_view text) const {
  const std::vector<std::string> words = plain_words(text);
  return std::any_of(phrases_.begin(), phrases_.end(), [&](const auto& phrase) {
    return std::search(words.begin(), words.end(), phrase.begin(), phrase.end()) != words.end();
  });
}

bool Phrases::begin(std::string_view text) const {
  const std::vector<std::string> words = plain_words(text);
  return std::any_of(phrases_.begin(), phrases_.end(), [&](const auto& phrase) {
    return phrase.size() <= words.size() && std::equal(phrase.begin(), phrase.end(), words.begin());
  });
}

Rules::Rules(const Prompts& prompts)
    : meta_(prompts.list("meta")),
      person_(prompts.list("first_person")),
      hedges_(prompts.list("hedges")),
      moods_(prompts.list("moods")),
      openings_(prompts.list("openings")),
      denials_(prompts.list("denials")),
      declines_(prompts.list("declines")),
      frame_(prompts.list("frame")) {}

std::string outside_quotes(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') {
      quoted = !quoted;
      out += ' ';
    } else if (!quoted) {
      out += c;
    }
  }
  return out;
}

bool loops(std::string_view text) {
  const std::vector<std::string> words = plain_words(text);
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i + 4 <= words.size(); ++i) {
    if (++seen[cat(words[i], ' ', words[i + 1], ' ', words[i + 2], ' ', words[i + 3])] >= 3) return true;
  }
  return false;
}

std::set<std::string> place_words(std::string_view text) {
  static const std::map<std::string, std::string, std::less<>> kPlaces = {
      {"top", "top"},       {"upper", "top"},     {"bottom", "bottom"}, {"lower", "bottom"},
      {"left", "left"},     {"right", "right"},   {"middle", "middle"}, {"center", "middle"},
      {"centre", "middle"}, {"central", "middle"}};
  std::set<std::string> out;
  for (const std::string& word : plain_words(text)) {
    if (const auto found = kPlaces.find(word); found != kPlaces.end()) out.insert(found->second);
  }
  if (out.size() > 1) out.erase("middle");  // "the middle of the left side"
  return out;
}

std::set<std::string> way_words(std::string_view text) {
  static const std::map<std::string, std::string, std::less<>> kWays = {
      {"left", "left"},     {"right", "right"},     {"above", "above"},   {"over", "above"},
      {"below", "below"},   {"under", "below"},     {"beneath", "below"}, {"behind", "behind"},
      {"inside", "inside"}, {"in", "inside"},       {"within", "inside"}, {"outside", "outside"},
      {"on", "on"},         {"between", "between"}, {"front", "front"}};
  std::set<std::string> out;
  for (const std::string& word : plain_words(text)) {
    if (const auto found = kWays.find(word); found != kWays.end()) out.insert(found->second);
  }
  if (out.contains("left") || out.contains("right")) out.erase("on");  // "on the left of"
  return out;
}

std::string Rules::fault(std::string_view whole, const Facts& facts) const {
  if (const std::string bad = script_fault(whole); !bad.empty()) return bad;
  const std::string text = outside_quotes(whole);
  if (words_of(whole).empty()) return "empty";
  if (meta_.in(text)) return "meta";
  // The picture may show a mouse.
  if ((has_words(text, "mouse") && !facts.names("mouse")) ||
      (has_words(text, "cursor") && !facts.names("cursor")))
    return "meta";
  if (person_.in(text)) return "person";
  if (hedges_.in(text)) return "hedge";
  if (moods_.in(text)) return "mood";
  if (loops(text)) return "loop";
  if (has_name(text, facts)) return "name";
  return "";
}

std::string Rules::unsupported(std::string_view whole, const Facts& facts, std::string_view also) const {
  const Lexicon& lexicon = facts.lexicon();
  for (const std::string& sentence : sentences_of(outside_quotes(whole))) {
    const std::vector<Word> words = words_of(sentence);
    std::vector<NounAt> nouns = lexicon.nouns_in(sentence);
    std::erase_if(nouns, [&](const NounAt& at) {  // "Can it be seen?" is about no can
      return frame_.in(at.noun) || is_function_word(at.noun) || !lexicon.is_concrete(at.noun);
    });
    for (const NounAt& at : nouns) {
      const bool named = !also.empty() && (lexicon.same(at.noun, also) || has_words(also, at.noun));
      if (!named && !facts.names(at.noun)) return cat("noun ", at.noun);
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
      // "An orange" is a thing, which the nouns above are about.
      const bool thing = std::any_of(nouns.begin(), nouns.end(), [&](const NounAt& at) {
        return at.begin <= words[i].begin && words[i].end <= at.end;
      });
      if (const auto colour = colour_of(words[i].text); colour && !thing) {
        if (!colour_told(*colour, owner_of(words, i, nouns), facts)) return cat("colour ", *colour);
      } else if (const auto number = number_of(words[i].text);
                 number && *number != 1 && (*number != 0 || also.empty())) {
        if (!number_told(*number, sentence, facts)) return cat("number ", *number);
      }
    }
  }
  return "";
}

}  // namespace moonbeam::pipeline
