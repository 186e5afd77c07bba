#include "data/pipeline/words/lexicon.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/test_folder.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {
namespace {

const Lexicon& lexicon() {
  static const Lexicon one(MOONBEAM_SOURCE_DIR "/data/words");
  return one;
}

std::vector<std::string> found(std::string_view text) {
  std::vector<std::string> out;
  for (const NounAt& at : lexicon().nouns_in(text)) out.push_back(at.noun);
  return out;
}
using Names = std::vector<std::string>;

TEST(Lexicon, KnowsSingularsAndPlurals) {
  const Lexicon& words = lexicon();
  for (const auto& [one, many] :
       std::initializer_list<std::pair<const char*, const char*>>{{"wolf", "wolves"},
                                                                  {"man", "men"},
                                                                  {"person", "people"},
                                                                  {"bus", "buses"},
                                                                  {"sheep", "sheep"},
                                                                  {"daisy", "daisies"},
                                                                  {"box", "boxes"},
                                                                  {"wine glass", "wine glasses"},
                                                                  {"computer mouse", "computer mice"},
                                                                  {"cactus", "cacti"},
                                                                  {"zorkle", "zorkles"},
                                                                  {"bread", "loaves of bread"}}) {
    EXPECT_EQ(words.plural(one), many);
    EXPECT_EQ(words.singular(many), one);
  }
  EXPECT_EQ(words.singular("The Wolves"), "wolf");
  EXPECT_EQ(words.singular("glasses"), "glasses");  // that one wears
  EXPECT_EQ(words.singular("shiny zorkles"), "shiny zorkle");
}

TEST(Lexicon, KnowsOtherNamesAndKinds) {
  const Lexicon& words = lexicon();
  EXPECT_TRUE(words.same("sofa", "couches"));
  EXPECT_TRUE(words.same("zorkles", "zorkle"));
  EXPECT_FALSE(words.same("dog", "cat"));
  EXPECT_TRUE(words.is_a("dog", "animal"));
  EXPECT_TRUE(words.is_a("puppy", "animal"));
  EXPECT_TRUE(words.is_a("woman", "person"));
  EXPECT_TRUE(words.is_a("dachshund", "dog"));
  EXPECT_TRUE(words.is_a("willow", "plant"));
  EXPECT_FALSE(words.is_a("dog", "person")) << "a villain is called so";
  EXPECT_FALSE(words.is_a("star", "animal"));
  EXPECT_TRUE(words.is_a("hammer", "tool"));
  EXPECT_TRUE(words.is_a("carrot", "food"));
  EXPECT_FALSE(words.is_a("animal", "dog"));
  EXPECT_FALSE(words.is_a("wolf", "dog"));
}

TEST(Lexicon, WhatIsAlikeCannotBeDenied) {
  const Lexicon& words = lexicon();
  EXPECT_TRUE(words.related("animal", "dog"));
  EXPECT_TRUE(words.related("dog", "animal"));
  EXPECT_TRUE(words.related("bear", "teddy bear") || words.confusable("bear").size() > 0);
  EXPECT_TRUE(words.related("dog", "puppy"));
  EXPECT_FALSE(words.related("dog", "car"));
  EXPECT_FALSE(words.related("dog", "wolf")) << "listed as confusable";
}

TEST(Lexicon, FindsNounsAsTheyAreMeant) {
  EXPECT_EQ(found("Here we can see two Wolves, a hot dog and an orange star."),
            (Names{"wolf", "hot dog", "star"}));
  EXPECT_EQ(found("A can and an orange on the left"), (Names{"can", "orange"}));
  EXPECT_EQ(found("3 loaves of bread, glasses of milk"), (Names{"bread", "glass of milk"}));
  EXPECT_EQ(found("a wine, glass"), (Names{"wine", "glass"}));
  EXPECT_TRUE(lexicon().nouns_in("two wolves")[0].plural);
  EXPECT_TRUE(lexicon().mentions("A puppy sleeps.", "animal"));
  EXPECT_TRUE(lexicon().mentions("Two sofas.", "couch"));
  EXPECT_FALSE(lexicon().mentions("A hot dog.", "dog"));
  EXPECT_TRUE(lexicon().mentions("shiny zorkles here", "zorkle"));
}

TEST(Lexicon, TellsWhatAPhraseIsAbout) {
  const Lexicon& words = lexicon();
  EXPECT_EQ(words.head("the old wooden benches"), "bench");
  EXPECT_EQ(words.head("a cup of coffee"), "cup");
  EXPECT_EQ(words.head("a group of people"), "person");
  EXPECT_EQ(words.head("man with a dog"), "man");
  EXPECT_EQ(words.head("red star"), "star");
  EXPECT_EQ(words.head("shiny zorkles"), "zorkle");
}

TEST(Lexicon, SeedsArePlainConcreteNouns) {
  const auto& seeds = lexicon().seeds();
  EXPECT_GE(seeds.size(), 4000u);
  EXPECT_TRUE(std::is_sorted(seeds.begin(), seeds.end()));
  for (const std::string& one : seeds) {
    EXPECT_TRUE(lexicon().is_concrete(one)) << one;
    EXPECT_EQ(one.find(' '), std::string::npos) << one;
    EXPECT_FALSE(is_function_word(one)) << one;
  }
  const auto has = [&](const char* word) { return std::binary_search(seeds.begin(), seeds.end(), word); };
  for (const char* word : {"ladder", "violin", "umbrella", "anvil", "penguin", "sandwich"})
    EXPECT_TRUE(has(word)) << word;
  for (const char* word : {"kitchen", "beach", "paris", "phallus", "idea", "sky"})
    EXPECT_FALSE(has(word)) << word;
}

TEST(Lexicon, KnowsAllClassesOfCocoAndTheLabels) {
  for (const char* one :
       {"person", "traffic light", "sports ball", "hair drier", "tv", "volcano", "circle", "sign"}) {
    EXPECT_TRUE(lexicon().is_concrete(one)) << one;
  }
}

TEST(Lexicon, FaultsNameFileAndLine) {
  const base::TestFolder folder;
  folder.put("labels.tsv",
             "noun\tplural\tarticle\tcategory\tgroup\tslugs\tcolours\tparents\talike\tconfusable\tflags\n"
             "dog\tdogs\ta\tanimal\thome\tdog\t-\tanimal\t-\t-\t-\n");
  folder.put("words/plurals.tsv", "noun\tplural\n");
  folder.put("words/classes.tsv", "noun\tplural\tsynonyms\tkinds\tparents\ncat\tcats\n");
  folder.put("words/nouns.tsv", "noun\tplural\tsynonyms\tkinds\tflags\n");
  try {
    Lexicon one{std::filesystem::path(folder / "words")};
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("classes.tsv:2: expected 5 cells"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
