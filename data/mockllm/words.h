// English as far as the mock speaks it: words, nouns of a given list in a text, colours and numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/llm/call.h"

namespace moonbeam::mockllm {

using llm::Json;

struct Word {
  std::string text;        ///< lower case
  std::size_t begin, end;  ///< in the text
};
std::vector<Word> words_of(std::string_view text);
std::string lower(std::string_view text);
bool is_colour(std::string_view word);
/// "3", "three"; none for other words.
std::optional<int> number_of(std::string_view word);
std::string with_article(std::string_view phrase);
/// Upper case at the front.
std::string sentence(std::string text);

struct Noun {
  std::string name, plural;  ///< plural: empty for a regular one
};
std::string plural_of(const Noun& noun);
/// A list of names, or of {"name", "plural"}.
std::vector<Noun> nouns_of(const Json& list);

/// A noun in a text, with what stands before and behind it.
struct Mention {
  std::string noun;    ///< as in the list
  std::string colour;  ///< "red" of "a red dog"; may be empty
  int count = 0;       ///< 2 of "two dogs"; 0: not said
  std::string place;   ///< "left" of "on the left", "top left"; may be empty
  bool negated = false;
  std::size_t begin, end;     ///< of the phrase in the text, from number, article or colour to the noun
  std::size_t place_end = 0;  ///< where a place is said: its end
};
std::vector<Mention> mentions_in(std::string_view text, const std::vector<Noun>& nouns);

/// Whether one of them, singular or plural, stands in the text.
bool says(std::string_view text, std::string_view noun);

}  // namespace moonbeam::mockllm
