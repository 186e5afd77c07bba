#include "data/pipeline/words/lexicon.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <set>
#include <span>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/pipeline/words/english.h"
#include "data/scenes/atlas.h"
#include "data/scenes/labels.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kMostWords = 6;  // of a noun: "drinks with a straw"

struct Noun {
  std::string name, plural = {};
  std::vector<int> synonyms = {}, parents = {}, alike = {}, confusable = {};
  std::vector<int> kinds = {};  // of nouns.tsv: all of them, so that nothing climbs from name to name there
  std::vector<int> ancestors = {};  // sorted
  bool concrete = false;
};
struct Form {
  int id;
  bool plural;
};
struct HashText {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};
template <typename T>
using ByText = std::unordered_map<std::string, T, HashText, std::equal_to<>>;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (std::size_t start = 0;;) {
    const std::size_t end = text.find(separator, start);
    out.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return out;
    start = end + 1;
  }
}

std::vector<std::string_view> list(std::string_view cell) {
  if (cell == "-") return {};
  return split(cell, ',');
}

bool ends(std::string_view text, std::string_view tail) {
  return text.ends_with(tail);
}
bool is_vowel(char c) {
  return std::string_view("aeiou").find(c) != std::string_view::npos;
}

std::string regular_plural(const std::string& noun) {
  const std::size_t of = noun.find(" of ");
  if (of != std::string::npos) return regular_plural(noun.substr(0, of)) + noun.substr(of);
  if (ends(noun, "s") || ends(noun, "x") || ends(noun, "z") || ends(noun, "ch") || ends(noun, "sh")) {
    return noun + "es";
  }
  if (ends(noun, "y") && noun.size() > 1 && !is_vowel(noun[noun.size() - 2])) {
    return noun.substr(0, noun.size() - 1) + "ies";
  }
  return noun + "s";
}

/// Of a word that no list knows.
std::string regular_singular(const std::string& noun) {
  const auto without = [&](std::size_t tail) { return noun.substr(0, noun.size() - tail); };
  if (noun.size() < 4 || !ends(noun, "s") || ends(noun, "ss") || ends(noun, "us") || ends(noun, "is"))
    return noun;
  if (ends(noun, "ies") && noun.size() > 4) return without(3) + "y";
  if (ends(noun, "sses") || ends(noun, "shes") || ends(noun, "ches") || ends(noun, "xes") ||
      ends(noun, "zzes")) {
    return without(2);
  }
  return without(1);
}

bool is_article(std::string_view word) {
  constexpr std::array<std::string_view, 16> kWords = {"a",    "an",    "the",  "some", "any", "his",
                                                       "her",  "their", "its",  "my",   "our", "your",
                                                       "this", "these", "that", "those"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

/// Lower case, single spaces, no article in front.
std::string plain(std::string_view phrase) {
  std::string out;
  for (const Word& word : words_of(phrase)) {
    if (out.empty() && is_article(word.text)) continue;
    out += (out.empty() ? "" : " ") + word.text;
  }
  return out;
}

/// A word that is a noun or a verb: "we can", "to watch".
bool reads_as_verb(const std::vector<Word>& words, std::size_t at) {
  constexpr std::array<std::string_view, 10> kBefore = {"we",  "you", "i",      "they", "he",
                                                        "she", "to",  "people", "who",  "which"};
  const auto among = [](const auto& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (at > 0 && among(kBefore, words[at - 1].text)) return true;
  constexpr std::array<std::string_view, 8> kAfter = {"see",    "be",      "find", "view",
                                                      "notice", "observe", "also", "spot"};
  return words[at].text == "can" && at + 1 < words.size() && among(kAfter, words[at + 1].text);
}

}  // namespace

struct Lexicon::State {
  std::vector<Noun> nouns;
  ByText<int> ids;
  ByText<Form> forms;  // singulars and plurals, as they stand in texts
  ByText<std::string> irregular;
  std::vector<std::string> seeds;
  std::string sha256;

  int id_of(std::string_view name) {
    const auto found = ids.find(name);
    if (found != ids.end()) return found->second;
    const int id = static_cast<int>(nouns.size());
    nouns.push_back({.name = std::string(name)});
    ids.emplace(std::string(name), id);
    return id;
  }
  /// Before what nouns of later files say of the same form.
  void add_form(const std::string& text, int id, bool plural) { forms.emplace(text, Form{id, plural}); }
  void link(std::vector<int> Noun::*list, int from, int to) {
    auto& all = nouns[static_cast<std::size_t>(from)].*list;
    if (from != to && std::find(all.begin(), all.end(), to) == all.end()) all.push_back(to);
  }
  void add_synonym(int a, int b) {
    link(&Noun::synonyms, a, b);
    link(&Noun::synonyms, b, a);
  }
  std::string plural_by_rule(const std::string& noun) const {
    if (const auto found = irregular.find(noun); found != irregular.end()) return found->second;
    const std::size_t space = noun.rfind(' ');
    if (space != std::string::npos && noun.find(" of ") == std::string::npos) {
      return noun.substr(0, space + 1) + plural_by_rule(noun.substr(space + 1));
    }
    return regular_plural(noun);
  }
  int add(std::string_view name, std::string_view plural) {
    const int id = id_of(name);
    Noun& noun = nouns[static_cast<std::size_t>(id)];
    noun.concrete = true;
    if (noun.plural.empty()) noun.plural = plural.empty() ? plural_by_rule(noun.name) : std::string(plural);
    add_form(noun.name, id, false);
    add_form(noun.plural, id, true);
    if (!plural.empty()) add_form(plural_by_rule(noun.name), id, true);
    return id;
  }

  void read(const std::string& path, std::size_t columns, base::Sha256& hash,
            const std::function<void(const std::vector<std::string_view>&)>& use) const;
  void add_labels(const data::LabelTable& table);
  void add_class(const std::vector<std::string_view>& cells);
  void add_noun(const std::vector<std::string_view>& cells);
  void climb();

  const Form* find(std::string_view phrase) const {
    const auto found = forms.find(phrase);
    return found == forms.end() ? nullptr : &found->second;
  }
  /// -1: not known.
  int known(std::string_view noun) const {
    const std::string text = plain(noun);
    if (const Form* form = find(text)) return form->id;
    const auto found = ids.find(text);
    return found == ids.end() ? -1 : found->second;
  }
  const Noun& at(int id) const { return nouns[static_cast<std::size_t>(id)]; }
  static bool has(const std::vector<int>& all, int id) {
    return std::find(all.begin(), all.end(), id) != all.end();
  }
  bool same(int a, int b) const { return a == b || has(at(a).synonyms, b); }
  bool is_a(int kind, int of) const {
    if (same(kind, of)) return true;
    const auto& above = at(kind).ancestors;
    if (std::binary_search(above.begin(), above.end(), of)) return true;
    return std::any_of(at(of).synonyms.begin(), at(of).synonyms.end(),
                       [&](int one) { return std::binary_search(above.begin(), above.end(), one); });
  }
  bool alike(int a, int b) const {
    const auto near = [&](int x, int y) { return has(at(x).alike, y) || has(at(y).alike, x); };
    const auto with_above = [&](int x) {
      std::vector<int> all = at(x).ancestors;
      all.push_back(x);
      all.insert(all.end(), at(x).synonyms.begin(), at(x).synonyms.end());
      return all;
    };
    if (has(at(a).confusable, b) || has(at(b).confusable, a)) return false;
    for (const int x : with_above(a)) {
      if (at(x).alike.empty()) continue;
      for (const int y : with_above(b)) {
        if (near(x, y)) return true;
      }
    }
    for (const int y : with_above(b)) {
      if (at(y).alike.empty()) continue;
      for (const int x : with_above(a)) {
        if (near(y, x)) return true;
      }
    }
    return false;
  }
};

void Lexicon::State::read(const std::string& path, std::size_t columns, base::Sha256& hash,
                          const std::function<void(const std::vector<std::string_view>&)>& use) const {
  const std::string text = base::read_file(path, kMostBytes);
  hash.update(std::as_bytes(std::span(text)));
  int number = 0;
  bool header = false;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string_view> cells = split(line, '\t');
    if (cells.size() != columns ||
        std::any_of(cells.begin(), cells.end(), [](std::string_view cell) { return cell.empty(); })) {
      base::fail(ErrorCode::kInvalidArgument, path, ":", number, ": expected ", columns,
                 " cells with a tab between them, '-' where there is nothing");
    }
    if (!header) {
      if (cells[0] != "noun") {
        base::fail(ErrorCode::kInvalidArgument, path, ":", number,
                   ": expected a header that starts with 'noun'");
      }
      header = true;
      continue;
    }
    use(cells);
  }
}

void Lexicon::State::add_labels(const data::LabelTable& table) {
  std::vector<int> of(static_cast<std::size_t>(table.size()));
  for (int i = 0; i < table.size(); ++i)
    of[static_cast<std::size_t>(i)] = add(table[i].noun, table[i].plural);
  for (int i = 0; i < table.size(); ++i) {
    const int id = of[static_cast<std::size_t>(i)];
    for (const std::string& one : table[i].parents) link(&Noun::parents, id, id_of(one));
    if (table[i].category != "thing") link(&Noun::parents, id, id_of(table[i].category));
    for (const std::string& one : table[i].alike) link(&Noun::alike, id, id_of(one));
    for (const std::string& one : table[i].confusable) link(&Noun::confusable, id, id_of(one));
  }
}

void Lexicon::State::add_class(const std::vector<std::string_view>& cells) {
  const int id = add(cells[0], cells[1]);
  for (const std::string_view one : list(cells[2])) {
    const int other = id_of(one);
    add_synonym(id, other);
    add_form(std::string(one), other, false);
    add_form(plural_by_rule(std::string(one)), other, true);
    nouns[static_cast<std::size_t>(other)].concrete = true;
  }
  for (const std::string_view one : list(cells[3])) link(&Noun::parents, add(one, ""), id);
  for (const std::string_view one : list(cells[4])) link(&Noun::parents, id, id_of(one));
}

void Lexicon::State::add_noun(const std::vector<std::string_view>& cells) {
  const int id = add(cells[0], cells[1] == "-" ? "" : cells[1]);
  const std::vector<std::string_view> kinds = list(cells[3]);
  // Where the tables above say what it is, WordNet's commonest sense may be of another thing: a mouse of a
  // computer is no rodent.
  const std::vector<int>& told = nouns[static_cast<std::size_t>(id)].parents;
  const bool first = told.empty() && nouns[static_cast<std::size_t>(id)].synonyms.empty();
  const bool agrees = std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) {
    const auto found = ids.find(kind);
    return found != ids.end() && has(told, found->second);
  });
  if (first || agrees) {
    for (const std::string_view one : list(cells[2])) add_synonym(id, id_of(one));
    for (const std::string_view one : kinds) link(&Noun::kinds, id, id_of(one));
  }
  if (cells[4] == "seed") seeds.emplace_back(cells[0]);
}

/// Parents of parents, of the noun and its other names.
void Lexicon::State::climb() {
  for (Noun& noun : nouns) {
    std::set<int> seen;
    std::deque<int> waiting(noun.parents.begin(), noun.parents.end());
    for (const int one : noun.synonyms)
      waiting.insert(waiting.end(), at(one).parents.begin(), at(one).parents.end());
    while (!waiting.empty()) {
      const int one = waiting.front();
      waiting.pop_front();
      if (!seen.insert(one).second) continue;
      waiting.insert(waiting.end(), at(one).parents.begin(), at(one).parents.end());
    }
    seen.insert(noun.kinds.begin(), noun.kinds.end());
    for (const int one : noun.synonyms) seen.insert(at(one).kinds.begin(), at(one).kinds.end());
    noun.ancestors.assign(seen.begin(), seen.end());
  }
}

Lexicon::Lexicon(const fs::path& folder) : state_(std::make_unique<State>()) {
  base::Sha256 hash;
  State& state = *state_;
  state.read((folder / "plurals.tsv").string(), 2, hash, [&](const auto& cells) {
    state.irregular.emplace(std::string(cells[0]), std::string(cells[1]));
  });
  const fs::path labels = folder.parent_path() / "labels.tsv";
  state.add_labels(data::LabelTable::load(labels));
  const std::string label_text = base::read_file(labels.string(), kMostBytes);
  hash.update(std::as_bytes(std::span(label_text)));
  state.read((folder / "classes.tsv").string(), 5, hash, [&](const auto& cells) { state.add_class(cells); });
  state.read((folder / "nouns.tsv").string(), 5, hash, [&](const auto& cells) { state.add_noun(cells); });
  for (const auto& [singular, plural] : state.irregular) {
    const Form* form = state.find(singular);
    if (form != nullptr) state.add_form(plural, form->id, true);
  }
  // Kinds that have no row: "animal", "furniture".
  for (std::size_t id = 0; id < state.nouns.size(); ++id) {
    Noun& noun = state.nouns[id];
    if (!noun.plural.empty()) continue;
    noun.plural = state.plural_by_rule(noun.name);
  }
  state.climb();
  std::sort(state.seeds.begin(), state.seeds.end());
  state.sha256 = hash.hex();
}

Lexicon::~Lexicon() = default;
Lexicon::Lexicon(Lexicon&&) noexcept = default;

const std::vector<std::string>& Lexicon::seeds() const {
  return state_->seeds;
}
const std::string& Lexicon::sha256() const {
  return state_->sha256;
}

std::string Lexicon::singular(std::string_view noun) const {
  const std::string text = plain(noun);
  if (const Form* form = state_->find(text)) return state_->at(form->id).name;
  const std::size_t of = text.find(" of ");
  const std::string first = text.substr(0, of), rest = of == std::string::npos ? "" : text.substr(of);
  const std::size_t space = first.rfind(' ');
  const std::string before = space == std::string::npos ? "" : first.substr(0, space + 1),
                    last = space == std::string::npos ? first : first.substr(space + 1);
  const Form* form = state_->find(last);
  return before + (form != nullptr ? state_->at(form->id).name : regular_singular(last)) + rest;
}

std::string Lexicon::plural(std::string_view noun) const {
  const std::string text = plain(noun);
  if (const int id = state_->known(text); id >= 0) {
    const Noun& one = state_->at(id);
    if (one.name == text || one.plural == text) return one.plural;
  }
  return state_->plural_by_rule(text);
}

std::string Lexicon::head(std::string_view phrase) const {
  std::string text = plain(phrase);
  if (const Form* form = state_->find(text)) return state_->at(form->id).name;
  constexpr std::array<std::string_view, 14> kMeasures = {"pair",   "bunch", "group",  "slice", "piece",
                                                          "couple", "lot",   "number", "set",   "herd",
                                                          "flock",  "pile",  "stack",  "row"};
  for (std::size_t of; (of = text.find(" of ")) != std::string::npos;) {
    const std::string before = text.substr(0, of), after = plain(text.substr(of + 4));
    const std::string measure = singular(before.substr(before.rfind(' ') + 1));
    text = std::find(kMeasures.begin(), kMeasures.end(), measure) != kMeasures.end() ? after : before;
  }
  constexpr std::array<std::string_view, 14> kCuts = {"with",  "in",     "on",   "at",    "near",
                                                      "under", "behind", "that", "which", "who",
                                                      "above", "over",   "next", "to"};
  const std::vector<Word> words = words_of(text);
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (std::find(kCuts.begin(), kCuts.end(), words[i].text) == kCuts.end()) continue;
    text.resize(words[i - 1].end);
    break;
  }
  const std::vector<NounAt> nouns = nouns_in(text);
  if (!nouns.empty() && nouns.back().end == text.size()) return nouns.back().noun;
  return singular(text.substr(text.rfind(' ') + 1));
}

bool Lexicon::is_noun(std::string_view word) const {
  return state_->find(plain(word)) != nullptr;
}

bool Lexicon::is_concrete(std::string_view noun) const {
  const Form* form = state_->find(plain(noun));
  return form != nullptr && state_->at(form->id).concrete;
}

bool Lexicon::same(std::string_view a, std::string_view b) const {
  const int x = state_->known(a), y = state_->known(b);
  if (x >= 0 && y >= 0) return state_->same(x, y);
  return singular(a) == singular(b);
}

bool Lexicon::is_a(std::string_view kind, std::string_view of) const {
  const int x = state_->known(kind), y = state_->known(of);
  if (x >= 0 && y >= 0) return state_->is_a(x, y);
  return singular(kind) == singular(of);
}

bool Lexicon::related(std::string_view a, std::string_view b) const {
  const int x = state_->known(a), y = state_->known(b);
  if (x < 0 || y < 0) return singular(a) == singular(b);
  return state_->is_a(x, y) || state_->is_a(y, x) || state_->alike(x, y);
}

bool Lexicon::mentions(std::string_view text, std::string_view noun) const {
  const int id = state_->known(noun);
  if (id < 0) {
    const std::string one = singular(noun), many = plural(one);
    const std::string all = " " + plain(text) + " ";
    return all.find(" " + one + " ") != std::string::npos || all.find(" " + many + " ") != std::string::npos;
  }
  for (const NounAt& at : nouns_in(text)) {
    const int other = state_->known(at.noun);
    if (other >= 0 && state_->is_a(other, id)) return true;
  }
  return false;
}

std::vector<NounAt> Lexicon::nouns_in(std::string_view text) const {
  const std::vector<Word> words = words_of(text);
  std::vector<NounAt> out;
  for (std::size_t i = 0; i < words.size();) {
    std::size_t length = 0;
    const Form* best = nullptr;
    std::string phrase;
    for (std::size_t n = 1; n <= kMostWords && i + n <= words.size(); ++n) {
      const Word& word = words[i + n - 1];
      // A noun does not go on behind a comma.
      if (n > 1 && word.begin - words[i + n - 2].end > 1) break;
      phrase += (n > 1 ? " " : "") + word.text;
      if (const Form* form = state_->find(phrase)) length = n, best = form;
    }
    if (length == 1 && reads_as_verb(words, i)) best = nullptr;
    if (best != nullptr && length == 1 && colour_of(words[i].text)) {
      const std::string_view next = i + 1 < words.size() ? std::string_view(words[i + 1].text) : "";
      const std::string_view before = i > 0 ? std::string_view(words[i - 1].text) : "";
      const bool told =
          before == "is" || before == "are" || before == "in" || before == "color" || before == "colour";
      const bool with_another = next == "and" && i + 2 < words.size() && colour_of(words[i + 2].text);
      const bool before_noun =
          !next.empty() && !is_function_word(next) && words[i + 1].begin == words[i].end + 1;
      if (told || with_another || before_noun) best = nullptr;
    }
    if (best == nullptr) {
      ++i;
      continue;
    }
    out.push_back({state_->at(best->id).name, words[i].begin, words[i + length - 1].end, best->plural});
    i += length;
  }
  return out;
}

std::vector<std::string> Lexicon::synonyms(std::string_view noun) const {
  std::vector<std::string> out;
  if (const int id = state_->known(noun); id >= 0) {
    for (const int one : state_->at(id).synonyms) out.push_back(state_->at(one).name);
  }
  return out;
}

std::vector<std::string> Lexicon::kinds_of(std::string_view noun) const {
  std::vector<std::string> out;
  if (const int id = state_->known(noun); id >= 0) {
    for (const int one : state_->at(id).ancestors) out.push_back(state_->at(one).name);
  }
  return out;
}

std::vector<std::string> Lexicon::confusable(std::string_view noun) const {
  std::vector<std::string> out;
  if (const int id = state_->known(noun); id >= 0) {
    for (const int one : state_->at(id).confusable) out.push_back(state_->at(one).name);
  }
  return out;
}

fs::path find_words_folder() {
  return data::find_data_folder() / "words";
}

}  // namespace moonbeam::pipeline
