// English as far as code has to read it: words, sentences, numbers, colours.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pipeline {

struct Word {
  std::string text;                ///< lower case, without punctuation; "don't" and "t-shirt" are one
  std::size_t begin = 0, end = 0;  ///< bytes of the text
};
std::vector<Word> words_of(std::string_view text);
std::string lower(std::string_view text);
std::string capitalised(std::string text);
std::vector<std::string> sentences_of(std::string_view text);
/// Articles, pronouns, auxiliaries, prepositions: words that say nothing of the picture.
bool is_function_word(std::string_view word);
/// "background", "image", "side": nouns about the picture, no things in it.
bool is_picture_word(std::string_view noun);
/// Words that are none of them, as a set.
std::set<std::string> content_words(std::string_view text);

/// The 11 basic colours; "grey" is "gray".
std::optional<std::string> colour_of(std::string_view word);
/// 0 to 20, digits or words; "a" and "an" are none.
std::optional<int> number_of(std::string_view word);
std::string number_word(int number);              ///< "three"; digits above twelve
std::string with_article(std::string_view noun);  ///< "an apple"

}  // namespace moonbeam::pipeline
