#include "data/mockllm/words.h"

#include <algorithm>
#include <array>

namespace moonbeam::mockllm {

namespace {

constexpr std::array<std::string_view, 12> kColours = {"red",  "green", "blue",  "yellow", "orange", "purple",
                                                       "pink", "white", "black", "brown",  "gray",   "grey"};
constexpr std::array<std::string_view, 11> kNumbers = {"zero", "one",   "two",   "three", "four", "five",
                                                       "six",  "seven", "eight", "nine",  "ten"};

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\'' ||
         c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

/// How many words from `at` on are `phrase`; 0 for none.
std::size_t match_phrase(const std::vector<Word>& words, std::size_t at, const std::vector<Word>& phrase) {
  if (phrase.empty() || at + phrase.size() > words.size()) return 0;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (words[at + i].text != phrase[i].text) return 0;
  }
  return phrase.size();
}

struct NounPhrases {
  std::vector<Word> singular, plural;
};

std::string place_after(const std::vector<Word>& words, std::size_t at) {
  const auto word = [&](std::size_t i) { return i < words.size() ? std::string_view(words[i].text) : ""; };
  if ((word(at) != "on" && word(at) != "in" && word(at) != "at") || word(at + 1) != "the") return "";
  const std::string_view first = word(at + 2), second = word(at + 3);
  if (first == "top" || first == "bottom") {
    const bool corner = second == "left" || second == "right";
    return corner ? std::string(first) + " " + std::string(second) : std::string(first);
  }
  if (first == "left" || first == "right" || first == "middle" || first == "center")
    return std::string(first);
  return "";
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> out;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word_byte(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && is_word_byte(text[i])) ++i;
    out.push_back({lower(text.substr(begin, i - begin)), begin, i});
  }
  return out;
}

bool is_colour(std::string_view word) {
  return std::find(kColours.begin(), kColours.end(), word) != kColours.end();
}

std::optional<int> number_of(std::string_view word) {
  if (word.size() <= 2 && !word.empty() &&
      std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::stoi(std::string(word));
  }
  const auto found = std::find(kNumbers.begin(), kNumbers.end(), word);
  if (found == kNumbers.end()) return std::nullopt;
  return static_cast<int>(found - kNumbers.begin());
}

std::string with_article(std::string_view phrase) {
  const bool vowel =
      !phrase.empty() && std::string_view("aeiou").find(phrase.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(phrase);
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string plural_of(const Noun& noun) {
  if (!noun.plural.empty()) return noun.plural;
  const std::string& name = noun.name;
  const auto ends = [&](std::string_view tail) { return std::string_view(name).ends_with(tail); };
  if (ends("s") || ends("x") || ends("ch") || ends("sh")) return name + "es";
  if (ends("y") && name.size() > 1 &&
      std::string_view("aeiou").find(name[name.size() - 2]) == std::string_view::npos) {
    return name.substr(0, name.size() - 1) + "ies";
  }
  return name + "s";
}

std::vector<Noun> nouns_of(const Json& list) {
  std::vector<Noun> out;
  if (!list.is_array()) return out;
  for (const Json& one : list) {
    if (one.is_string()) out.push_back({lower(one.get<std::string>()), ""});
    if (one.is_object() && one.contains("name") && one["name"].is_string()) {
      out.push_back(
          {lower(one["name"].get<std::string>()),
           one.contains("plural") && one["plural"].is_string() ? one["plural"].get<std::string>() : ""});
    }
  }
  return out;
}

std::vector<Mention> mentions_in(std::string_view text, const std::vector<Noun>& nouns) {
  const std::vector<Word> words = words_of(text);
  std::vector<NounPhrases> phrases;
  for (const Noun& noun : nouns) phrases.push_back({words_of(noun.name), words_of(plural_of(noun))});
  std::vector<Mention> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::size_t best = 0, which = 0;
    for (std::size_t n = 0; n < nouns.size(); ++n) {
      const std::size_t length =
          std::max(match_phrase(words, i, phrases[n].singular), match_phrase(words, i, phrases[n].plural));
      if (length > best) best = length, which = n;
    }
    if (best == 0) continue;
    Mention mention{nouns[which].name, "", 0, "", false, words[i].begin, words[i + best - 1].end};
    std::size_t before = i;
    if (before > 0 && is_colour(words[before - 1].text)) mention.colour = words[--before].text;
    if (before > 0) {
      const std::string& word = words[before - 1].text;
      if (const auto number = number_of(word)) {
        mention.count = *number;
        --before;
      } else if (word == "a" || word == "an" || word == "the" || word == "some") {
        --before;
      } else if (word == "no") {
        mention.negated = true;
      }
    }
    mention.begin = words[before].begin;
    mention.place = place_after(words, i + best);
    if (!mention.place.empty()) {  // behind "on the"
      const bool corner = mention.place.find(' ') != std::string::npos;
      mention.place_end = words[i + best + (corner ? 3 : 2)].end;
    }
    out.push_back(std::move(mention));
    i += best - 1;
  }
  return out;
}

bool says(std::string_view text, std::string_view noun) {
  return !mentions_in(text, {{lower(noun), ""}}).empty();
}

}  // namespace moonbeam::mockllm
