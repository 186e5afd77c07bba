#include "data/pipeline/evidence/audit.h"

#include <algorithm>
#include <set>

#include "data/pipeline/evidence/subject.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

/// What the texts of a picture say of a class.
struct Told {
  int texts = 0;                // that speak of it
  std::map<int, int> counts{};  // number: texts that say so
  /// The number that most texts say, if enough do and no other as many; 0: none.
  int agreed(int least) const {
    int best = 0, most = 0;
    bool tie = false;
    for (const auto& [number, votes] : counts) {
      if (votes > most) {
        most = votes, best = number, tie = false;
      } else if (votes == most) {
        tie = true;
      }
    }
    return most >= least && !tie ? best : 0;
  }
};

constexpr std::size_t kWordsBefore = 4;

void make_uncertain(Sheet& sheet, const std::string& name) {
  if (std::find(sheet.uncertain.begin(), sheet.uncertain.end(), name) == sheet.uncertain.end()) {
    sheet.uncertain.push_back(name);
  }
  std::erase(sheet.exhaustive, name);
  for (SheetCount& one : sheet.counts) {
    if (one.name == name) one.exact = false;
  }
}

void withdraw(Sheet& sheet, const std::string& name) {
  std::set<std::string> gone;
  for (const SheetObject& one : sheet.objects) {
    if (one.name != name) continue;
    gone.insert(one.id);
    sheet.disputed.push_back(one);
  }
  std::erase_if(sheet.objects, [&](const SheetObject& one) { return one.name == name; });
  std::erase_if(sheet.counts, [&](const SheetCount& one) { return one.name == name; });
  std::erase_if(sheet.relations, [&](const SheetRelation& one) {
    return gone.contains(one.subject) || gone.contains(one.object);
  });
  make_uncertain(sheet, name);
}

int count_on(const Sheet& sheet, const std::string& name) {
  return static_cast<int>(std::count_if(sheet.objects.begin(), sheet.objects.end(),
                                        [&](const SheetObject& one) { return one.name == name; }));
}

}  // namespace

std::map<std::string, int> things_told(const std::string& text, const Lexicon& lexicon) {
  std::map<std::string, int> out;
  for (const NounAt& at : lexicon.nouns_in(text)) {
    const std::vector<Word> before = words_of(std::string_view(text).substr(0, at.begin));
    int number = 0;
    bool none = false;
    // "two small red dogs": a few words before the noun, none of them a noun.
    for (std::size_t i = before.size(); i > 0 && i + kWordsBefore > before.size() && number == 0; --i) {
      const std::string& word = before[i - 1].text;
      none = none || word == "no";
      if (const auto said = number_of(word)) number = *said;
      if (word == "a" || word == "an" || word == "another") number = 1;
      if (!colour_of(word) && (is_function_word(word) || lexicon.is_noun(word))) break;
    }
    if (none) continue;
    int& told = out.try_emplace(at.noun, 0).first->second;
    told = told < 0 ? told : told + number;
    if (number == 0) {
      const std::string last = before.empty() ? "" : before.back().text;
      // "the dog" is one spoken of before; "dogs" may be any number.
      if (last != "the" && last != "this" && last != "that") told = -1;
    }
  }
  return out;
}

void audit_sheet(Record& record, const Lexicon& lexicon, int least) {
  Sheet& sheet = record.sheet;
  std::set<std::string> classes(sheet.exhaustive.begin(), sheet.exhaustive.end());
  for (const SheetObject& one : sheet.objects) classes.insert(one.name);

  std::map<std::string, Told> told;
  for (const Source& source : record.sources) {
    const bool human = source.kind == "narrative" || source.kind == "caption";
    if (!human) continue;
    std::map<std::string, int> by_class;
    for (const auto& [noun, number] : things_told(source.text, lexicon)) {
      std::string name = noun;
      for (const std::string& other : lexicon.synonyms(noun)) {
        if (!classes.contains(name) && classes.contains(other)) name = other;
      }
      if (!classes.contains(name)) continue;
      const auto [at, is_new] = by_class.emplace(name, number);
      if (!is_new) at->second = at->second < 0 || number < 0 ? -1 : at->second + number;
    }
    for (const auto& [name, number] : by_class) {
      ++told[name].texts;
      if (number > 0) ++told[name].counts[number];
    }
  }

  int missing = 0;                 // things that the texts have and the sheet has not
  std::vector<std::string> spare;  // classes with one box more than the texts speak of
  for (const auto& [name, of] : told) {
    const int boxes = count_on(sheet, name), agreed = of.agreed(least);
    if (boxes == 0) {
      if (of.texts < least) continue;
      make_uncertain(sheet, name);
      forbid_absence(sheet, name, lexicon);
      record.count("S4/missing-on-sheet");
      missing += std::max(agreed, 1);
    } else if (agreed != 0 && agreed != boxes) {
      make_uncertain(sheet, name);
      record.count("S4/count-disputed");
      missing += std::max(agreed - boxes, 0);
      if (agreed + 1 == boxes) spare.push_back(name);
    }
  }
  if (missing == 0) return;
  // A thing without a box, and a box that not even two texts have a word for: one was taken for the other.
  // Where more boxes go without a word the texts are no list, and nothing follows.
  std::vector<const Source*> texts;
  for (const Source& one : record.sources) {
    if (one.kind != "ocr" && one.kind != "alt") texts.push_back(&one);
  }
  const auto enough = static_cast<std::ptrdiff_t>(std::min(texts.size(), static_cast<std::size_t>(least)));
  int silent = 0;
  for (const SheetCount& one : sheet.counts) {
    const auto spoken = std::count_if(texts.begin(), texts.end(), [&](const Source* text) {
      return lexicon.mentions(text->text, one.name);
    });
    if (spoken >= enough) continue;
    silent += one.count;
    spare.push_back(one.name);
  }
  if (silent > missing) return;
  for (const std::string& name : spare) {
    withdraw(sheet, name);
    record.count("S4/thing-disputed");
  }
}

}  // namespace moonbeam::pipeline
