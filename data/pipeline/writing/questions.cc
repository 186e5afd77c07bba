#include "data/pipeline/writing/questions.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

using base::cat;

namespace {

using Words = std::set<std::string>;

constexpr std::array<std::string_view, 11> kColours = {"red",  "orange", "yellow", "green", "blue", "purple",
                                                       "pink", "brown",  "black",  "gray",  "white"};
/// People call one thing by either.
constexpr std::array<std::array<std::string_view, 2>, 11> kNear = {{{"red", "orange"},
                                                                    {"red", "pink"},
                                                                    {"red", "brown"},
                                                                    {"orange", "yellow"},
                                                                    {"orange", "brown"},
                                                                    {"blue", "purple"},
                                                                    {"purple", "pink"},
                                                                    {"black", "gray"},
                                                                    {"gray", "white"},
                                                                    {"blue", "green"},
                                                                    {"yellow", "green"}}};

bool near(std::string_view a, std::string_view b) {
  return a == b || std::any_of(kNear.begin(), kNear.end(), [&](const auto& pair) {
           return (pair[0] == a && pair[1] == b) || (pair[0] == b && pair[1] == a);
         });
}

Words colours_in(std::string_view text) {
  Words out;
  for (const Word& word : words_of(text)) {
    if (const auto colour = colour_of(word.text)) out.insert(*colour);
  }
  return out;
}

std::vector<int> numbers_in(std::string_view text) {
  std::vector<int> out;
  for (const Word& word : words_of(text)) {
    if (const auto number = number_of(word.text)) out.push_back(*number);
  }
  return out;
}

bool within(const Words& words, const Words& all) {
  return std::includes(all.begin(), all.end(), words.begin(), words.end());
}

std::string told(const Fact& fact) {
  return cat(fact.subject, ' ', fact.predicate, ' ', fact.object);
}

bool names(std::string_view text, const std::string& noun, const Lexicon& lexicon) {
  return has_words(text, noun) || lexicon.mentions(text, noun);
}

/// Of all that is annotated, by whom it is named or not.
bool only_answer(const std::string& noun, const Facts& facts, const auto& fits) {
  for (const SheetObject& one : facts.record().sheet.objects) {
    if (!facts.lexicon().same(one.name, noun) && fits(one)) return false;
  }
  return true;
}

/// "What animal is on the left?": no other thing is there, and no other animal.
std::string what_fault(const Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
  const Lexicon& lexicon = facts.lexicon();
  const auto of = std::find_if(cited.begin(), cited.end(), [&](const Fact& fact) {
    const std::vector<std::string> nouns = nouns_in(pair.a_short, lexicon);
    return std::any_of(nouns.begin(), nouns.end(), [&](const std::string& noun) {
      return lexicon.same(noun, fact.subject) || lexicon.same(noun, fact.object) ||
             has_words(fact.subject, noun);
    });
  });
  if (of == cited.end()) return "answer-not-cited";
  // Everything else that it may be asked about must not fit the question too.
  const Words places = place_words(pair.q), colours = colours_in(pair.q);
  std::vector<std::string> kinds;
  for (const Word& word : words_of(pair.q)) {
    const std::string kind = lexicon.singular(word.text);
    if (!lexicon.same(kind, of->subject) && lexicon.is_a(of->subject, kind)) kinds.push_back(kind);
  }
  if (!places.empty() && !std::any_of(facts.all().begin(), facts.all().end(), [&](const Fact& fact) {
        return is_place(fact) && lexicon.same(fact.subject, of->subject) &&
               within(places, place_words(fact.object));
      })) {
    return "place";
  }
  if (!colours.empty() && !within(colours, colours_in(told(*of)))) return "colour";
  if (places.empty() && colours.empty() && kinds.empty() && cited.size() == 1 && cited[0].type == "existence")
    return "vague";
  const bool alone = only_answer(of->subject, facts, [&](const SheetObject& one) {
    if (!places.empty() && !within(places, place_words(one.place))) return false;
    if (!colours.empty() && !one.colour.empty() && !near(*colours.begin(), one.colour)) return false;
    return std::all_of(kinds.begin(), kinds.end(),
                       [&](const std::string& kind) { return lexicon.is_a(one.name, kind); });
  });
  const bool narrowed = !places.empty() || !colours.empty() || !kinds.empty();
  return narrowed && !alone ? "several-answers" : "";
}

std::string where_fault(const Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
  for (const Fact& fact : cited) {
    if (!names(pair.q, fact.subject, facts.lexicon())) continue;
    if (is_place(fact) && place_words(pair.a_short) == place_words(fact.object) &&
        within(place_words(fact.object), place_words(pair.a_sentence))) {
      return "";
    }
    if (!is_place(fact) && fact.type == "relation" && has_words(pair.a_short, fact.predicate) &&
        names(pair.a_short, fact.object, facts.lexicon())) {
      return "";
    }
  }
  return "place";
}

std::string count_fault(Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
  const auto of = std::find_if(cited.begin(), cited.end(), [&](const Fact& fact) {
    return fact.type == "count" && names(pair.q, fact.subject, facts.lexicon());
  });
  if (of == cited.end()) return "uncited";
  if (!colours_in(pair.q).empty() || !place_words(pair.q).empty()) return "narrowed";
  const int count = number_of(of->object).value_or(-1);
  const std::vector<int> said = numbers_in(pair.a_short), told_numbers = numbers_in(pair.a_sentence);
  if (said.size() != 1 || said[0] != count) return "count";
  const bool none = count == 0 && (has_words(pair.a_sentence, "no") || has_words(pair.a_sentence, "not") ||
                                   has_words(pair.a_sentence, "none"));
  if (told_numbers.empty() ? !none : std::any_of(told_numbers.begin(), told_numbers.end(), [&](int n) {
        return n != count;
      }))
    return "number";
  pair.a_short = of->object;  // digits
  return "";
}

std::string colour_fault(const Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
  for (const Fact& fact : cited) {
    if (!is_colour(fact) || !names(pair.q, fact.subject, facts.lexicon())) continue;
    Words all;
    for (const Fact& other : facts.all()) {
      if (is_colour(other) && facts.lexicon().same(other.subject, fact.subject))
        all.merge(colours_in(other.object));
    }
    const Words said = colours_in(pair.a_short);
    if (said != all || all.size() > 2) return "colour";
    return colours_in(pair.a_sentence) == all ? "" : "colour";
  }
  return "uncited";
}

/// Stems: "running" of "runs".
bool alike(const std::string& a, const std::string& b) {
  constexpr std::size_t kStem = 3;
  const std::size_t least = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (same < least && a[same] == b[same]) ++same;
  return a == b || (same >= kStem && a.size() - same <= 4 && b.size() - same <= 4);
}

std::string action_fault(const Pair& pair, const std::vector<Fact>& cited) {
  Words all;
  for (const Fact& fact : cited) all.merge(content_words(told(fact)));
  for (const std::string& word : content_words(pair.a_short)) {
    if (!std::any_of(all.begin(), all.end(), [&](const std::string& one) { return alike(one, word); })) {
      return "answer-not-cited";
    }
  }
  return "";
}

/// Annotated relations of the same kind to or from the same thing.
bool several(const Fact& fact, bool subjects, const Facts& facts) {
  const Record& record = facts.record();
  const auto name_of = [&](const std::string& id) -> std::string {
    for (const SheetObject& one : record.sheet.objects) {
      if (one.id == id) return one.name;
    }
    return "";
  };
  std::set<std::string> others;
  for (const SheetRelation& one : record.sheet.relations) {
    if (one.predicate != fact.predicate) continue;
    const std::string fixed = name_of(subjects ? one.object : one.subject),
                      free = subjects ? one.subject : one.object;
    if (facts.lexicon().same(fixed, subjects ? fact.object : fact.subject)) others.insert(free);
  }
  for (const Fact& one : facts.all()) {
    if (one.type != "relation" || one.predicate != fact.predicate || one.id == fact.id) continue;
    if (facts.lexicon().same(subjects ? one.object : one.subject, subjects ? fact.object : fact.subject) &&
        !facts.lexicon().same(subjects ? one.subject : one.object, subjects ? fact.subject : fact.object)) {
      return true;
    }
  }
  return others.size() > 1;
}

std::size_t place_in(std::string_view text, const std::string& noun) {
  const std::vector<Word> words = words_of(text), wanted = words_of(noun);
  for (std::size_t i = 0; i + wanted.size() <= words.size(); ++i) {
    bool equal = true;
    for (std::size_t k = 0; k < wanted.size(); ++k) equal = equal && words[i + k].text == wanted[k].text;
    if (equal) return i;
  }
  return words.size();
}

std::string relation_fault(const Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
  const Lexicon& lexicon = facts.lexicon();
  std::string fault = "uncited";
  for (const Fact& fact : cited) {
    if (fact.type != "relation" || is_place(fact)) continue;
    const bool subject = names(pair.q, fact.subject, lexicon), object = names(pair.q, fact.object, lexicon);
    if (subject && object) {  // "Is the dog left or right of the cup?"
      if (place_in(pair.q, fact.subject) > place_in(pair.q, fact.object)) return "order";
      fault = within(content_words(pair.a_short), content_words(told(fact))) &&
                      has_words(fact.predicate,
                                words_of(pair.a_short).empty() ? "" : words_of(pair.a_short)[0].text)
                  ? ""
                  : "relation";
    } else if (object && names(pair.a_short, fact.subject, lexicon)) {  // "What is above the cup?"
      fault = !has_words(pair.q, fact.predicate) ? "relation"
              : several(fact, true, facts)       ? "several-answers"
                                                 : "";
    } else if (subject && names(pair.a_short, fact.object, lexicon)) {  // "What is the dog left of?"
      fault = !has_words(pair.q, fact.predicate) ? "relation"
              : several(fact, false, facts)      ? "several-answers"
                                                 : "";
    }
    if (fault.empty()) return "";
  }
  return fault;
}

std::string read_fault(Pair& pair, const std::vector<Fact>& cited) {
  for (const Fact& fact : cited) {
    if (fact.type != "text") continue;
    if (pair.a_short != fact.object) continue;
    if (pair.a_sentence.find(fact.object) == std::string::npos) return "not-verbatim";
    pair.needs_detail = true;
    return "";
  }
  return "not-verbatim";
}

std::string yes_fault(const Pair& pair, const std::vector<Fact>& cited, const Facts& facts) {
  if (lower(pair.a_short) != "yes" || !words_of(pair.a_sentence).size() ||
      words_of(pair.a_sentence)[0].text != "yes")
    return "not-yes";
  const Fact& fact = cited.front();
  if (!names(pair.q, fact.subject, facts.lexicon())) return "uncited";
  if (fact.type == "relation" && !is_place(fact)) {
    if (!names(pair.q, fact.object, facts.lexicon())) return "uncited";
    if (place_in(pair.q, fact.subject) > place_in(pair.q, fact.object)) return "order";
  }
  return "";
}

}  // namespace

void PairLimits::read(base::KeySection& keys) {
  keys.read("short_words", short_words, 1, 100);
  keys.read("answer_words", answer_words, 1, 1000);
  keys.read("question_words", question_words, 2, 1000);
}

const std::vector<std::string>& question_types() {
  static const std::vector<std::string> kTypes = {"what",   "where",    "count", "colour",
                                                  "action", "relation", "ocr",   "yesno"};
  return kTypes;
}

std::vector<Fact> facts_for(const std::string& type, const Facts& facts) {
  std::vector<Fact> out;
  for (const Fact& fact : facts.all()) {
    const bool between = fact.type == "relation" && !is_place(fact);
    const bool fits = type == "what"       ? is_place(fact) || fact.type == "attribute"
                      : type == "where"    ? is_place(fact) || (between && fact.predicate == "inside")
                      : type == "count"    ? fact.type == "count"
                      : type == "colour"   ? is_colour(fact)
                      : type == "action"   ? fact.type == "action"
                      : type == "relation" ? between
                      : type == "ocr"      ? fact.type == "text"
                                           : false;
    if (fits) out.push_back(fact);
  }
  return out;
}

std::optional<Swap> swap_of(const Fact& fact, const Facts& facts, data::Stream& draws) {
  if (is_colour(fact)) {
    Words own = colours_in(fact.object);
    if (own.size() != 1 || words_of(fact.object).size() != 1) return std::nullopt;
    for (const Fact& other : facts.all()) {
      if (other.id != fact.id && facts.lexicon().same(other.subject, fact.subject))
        own.merge(colours_in(told(other)));
    }
    if (const SheetObject* thing = facts.only(fact.subject); thing != nullptr) {
      own.insert(thing->colours.begin(), thing->colours.end());
      if (!thing->colour.empty()) own.insert(thing->colour);
    }
    std::vector<std::string> others;
    for (const std::string_view one : kColours) {
      if (std::none_of(own.begin(), own.end(), [&](const std::string& is) { return near(is, one); })) {
        others.emplace_back(one);
      }
    }
    if (others.empty()) return std::nullopt;
    return Swap{fact.object, others[draws.below(static_cast<std::uint32_t>(others.size()))]};
  }
  if (fact.type == "count") {
    const int count = number_of(fact.object).value_or(0);
    const int other = count + (draws.chance(.5) ? 1 : -1) * draws.between(1, 2);
    if (count < 2 || count > 10 || other < 2 || other > 10) return std::nullopt;
    return Swap{fact.object, cat(other)};
  }
  constexpr std::array<std::array<std::string_view, 2>, 4> kWays = {
      {{"left of", "right of"}, {"above", "below"}, {"left", "right"}, {"top", "bottom"}}};
  const bool between = fact.type == "relation" && !is_place(fact);
  const std::string& value = between ? fact.predicate : fact.object;
  if (!between && !is_place(fact)) return std::nullopt;
  for (const auto& [one, other] : kWays) {
    if (value == one) return Swap{std::string(one), std::string(other)};
    if (value == other) return Swap{std::string(other), std::string(one)};
  }
  return std::nullopt;
}

std::string any_pair_fault(const Pair& pair, const PairLimits& limits) {
  const auto count = [](std::string_view text) { return static_cast<int>(words_of(text).size()); };
  if (pair.q.empty() || pair.a_short.empty() || pair.a_sentence.empty()) return "empty";
  if (pair.q.back() != '?') return "no-question-mark";
  if (count(pair.q) < 2 || count(pair.q) > limits.question_words) return "length";
  if (count(pair.a_short) > limits.short_words || count(pair.a_sentence) > limits.answer_words)
    return "length";
  if (lower(pair.q) == lower(pair.a_sentence) || lower(pair.q) == lower(pair.a_short)) return "echo";
  const bool asks_yes = pair.type == "yesno" || pair.type == "absent";
  const bool declined = pair.type == "premise" || pair.type == "unknown";
  const std::string first = words_of(pair.a_short).empty() ? "" : words_of(pair.a_short)[0].text;
  const std::string begin = words_of(pair.a_sentence).empty() ? "" : words_of(pair.a_sentence)[0].text;
  if (asks_yes && first != "yes" && first != "no") return "not-yes-or-no";
  if (!asks_yes && (first == "yes" || begin == "yes" || (first == "no" && !declined))) return "yes-or-no";
  if (asks_yes && begin != first) return "answers-differ";
  const bool open = !asks_yes && !declined;
  if (open && !has_words(pair.q, "or")) {
    const Words answer = content_words(pair.a_short), question = content_words(pair.q);
    if (!answer.empty() && within(answer, question)) return "leak";
  }
  if (open && pair.type != "ocr") {
    const std::vector<int> brief = numbers_in(pair.a_short), full = numbers_in(pair.a_sentence);
    if (!brief.empty() && !full.empty() && std::find(full.begin(), full.end(), brief[0]) == full.end())
      return "number";
  }
  return "";
}

std::string pair_fault(Pair& pair, const std::vector<Fact>& cited, const Facts& facts, const Rules& rules,
                       const PairLimits& limits) {
  if (cited.empty()) return "uncited";
  if (std::string fault = any_pair_fault(pair, limits); !fault.empty()) return fault;
  if (rules.banned_opening(pair.q) || rules.banned_opening(pair.a_sentence)) return "opening";
  for (const std::string* text : {&pair.q, &pair.a_sentence}) {
    if (std::string fault = rules.fault(*text, facts); !fault.empty()) return fault;
  }
  const std::string zero = pair.type == "count" && cited.front().object == "0" ? cited.front().subject : "";
  if (pair.type != "ocr") {
    const std::string of_choice = has_words(pair.q, "or") ? "" : pair.q;
    if (!rules.unsupported(of_choice, facts, zero).empty() ||
        !rules.unsupported(pair.a_sentence, facts, zero).empty())
      return "unsupported";
  }
  if (pair.type == "what") return what_fault(pair, cited, facts);
  if (pair.type == "where") return where_fault(pair, cited, facts);
  if (pair.type == "count") return count_fault(pair, cited, facts);
  if (pair.type == "colour") return colour_fault(pair, cited, facts);
  if (pair.type == "action") return action_fault(pair, cited);
  if (pair.type == "relation") return relation_fault(pair, cited, facts);
  if (pair.type == "ocr") return read_fault(pair, cited);
  return yes_fault(pair, cited, facts);
}

}  // namespace moonbeam::pipeline
