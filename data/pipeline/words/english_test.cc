#include "data/pipeline/words/english.h"

#include <gtest/gtest.h>

namespace moonbeam::pipeline {
namespace {

std::vector<std::string> texts(std::string_view text) {
  std::vector<std::string> out;
  for (const Word& word : words_of(text)) out.push_back(word.text);
  return out;
}

TEST(English, WordsKeepTheirApostrophesAndHyphens) {
  EXPECT_EQ(texts("Don't drop the T-shirt -- it's 5'!"),
            (std::vector<std::string>{"don't", "drop", "the", "t-shirt", "it's", "5"}));
  const auto words = words_of("A caf\xc3\xa9, two.");
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[1].begin, 2u);
  EXPECT_EQ(words[1].end, 7u);
}

TEST(English, SentencesEndAtTheirMarks) {
  EXPECT_EQ(sentences_of("A dog. Is it big?  It costs 3.5 a day, e.g. today!\n"),
            (std::vector<std::string>{"A dog.", "Is it big?", "It costs 3.5 a day, e.g. today!"}));
  EXPECT_EQ(sentences_of("no mark"), std::vector<std::string>{"no mark"});
  EXPECT_TRUE(sentences_of(" \n").empty());
}

TEST(English, ContentWordsSayWhatIsSaid) {
  EXPECT_EQ(content_words("There is a dog on the grass"), (std::set<std::string>{"dog", "grass"}));
}

TEST(English, ReadsColoursAndNumbers) {
  EXPECT_EQ(colour_of("Grey"), "gray");
  EXPECT_FALSE(colour_of("dark"));
  EXPECT_EQ(number_of("Twenty"), 20);
  EXPECT_EQ(number_of("07"), 7);
  EXPECT_FALSE(number_of("21"));
  EXPECT_FALSE(number_of("a"));
  EXPECT_EQ(number_word(12), "twelve");
  EXPECT_EQ(number_word(13), "13");
}

TEST(English, ArticlesGoByTheSound) {
  EXPECT_EQ(with_article("apple"), "an apple");
  EXPECT_EQ(with_article("unicorn"), "a unicorn");
  EXPECT_EQ(with_article("hourglass"), "an hourglass");
  EXPECT_EQ(with_article("house"), "a house");
  EXPECT_EQ(with_article("umbrella"), "an umbrella");
}

}  // namespace
}  // namespace moonbeam::pipeline
