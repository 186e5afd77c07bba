#include "data/scenes/labels.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <set>
#include <string>

#include "base/test_folder.h"

namespace moonbeam::data {
namespace {

const LabelTable& table() {
  static const LabelTable labels = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  return labels;
}

int id(std::string_view noun) {
  const std::optional<int> found = table().find(noun);
  EXPECT_TRUE(found) << noun;
  return found.value_or(0);
}

TEST(LabelTable, StartsWithTheShapesThenCommonThings) {
  EXPECT_EQ(table()[0].noun, "circle");
  EXPECT_TRUE(table()[table().shapes() - 1].shape);
  EXPECT_FALSE(table()[table().shapes()].shape);
  const char* first[] = {"dog",      "cat",      "cow",   "horse",     "bird",     "fish",       "butterfly",
                         "apple",    "banana",   "pizza", "hamburger", "car",      "bus",        "bicycle",
                         "airplane", "sailboat", "house", "guitar",    "umbrella", "soccer ball"};
  int next = table().shapes();
  for (const char* noun : first) EXPECT_EQ(table()[next++].noun, noun);
  EXPECT_GE(table().things(), 300);
  EXPECT_EQ(table()[table().sign()].noun, "sign");
}

TEST(LabelTable, FindsSingularAndPlural) {
  EXPECT_EQ(id("dog"), id("dogs"));
  EXPECT_EQ(id("sheep"), *table().find("sheep"));
  EXPECT_FALSE(table().find("animal"));
}

TEST(LabelTable, KnowsWhatMayNotBeAskedBesideWhat) {
  EXPECT_TRUE(table().related(id("dog"), id("dog")));
  EXPECT_TRUE(table().related(id("dog"), id("wolf")));
  EXPECT_TRUE(table().related(id("wolf"), id("dog")));
  EXPECT_TRUE(table().related(id("sailboat"), id("boat")));
  EXPECT_FALSE(table().related(id("dog"), id("cat")));
  EXPECT_TRUE(table().confusable(id("dog"), id("wolf")));
  EXPECT_FALSE(table().confusable(id("dog"), id("pizza")));
}

TEST(LabelTable, HoldsNoColourWordInANoun) {
  for (int i = 0; i < table().size(); ++i) {
    const std::string& noun = table()[i].noun;
    for (int c = 0; c < kColours; ++c) {
      const std::string word(name(static_cast<Colour>(c)));
      EXPECT_EQ(noun.find(word + " "), std::string::npos) << noun;
      EXPECT_EQ(noun.find(" " + word), std::string::npos) << noun;
    }
  }
}

TEST(LabelTable, GivesEachDrawingToOneLabel) {
  std::set<std::string> seen;
  for (int i = 0; i < table().size(); ++i) {
    for (const std::string& slug : table()[i].slugs) {
      if (slug.starts_with('!')) continue;
      EXPECT_TRUE(seen.insert(slug).second) << slug << " of " << table()[i].noun;
    }
  }
}

TEST(Label, MayTakeADrawingFromOneSetAlone) {
  Label label;
  label.slugs = {"dog", "noto:wolf", "!noto1:dog"};
  EXPECT_TRUE(label.shown_by("noto", "dog"));
  EXPECT_FALSE(label.shown_by("noto1", "dog"));
  EXPECT_TRUE(label.shown_by("noto", "wolf"));
  EXPECT_FALSE(label.shown_by("fluent", "wolf"));
}

TEST(Colour, HasANameThatFindsIt) {
  for (int c = 0; c < kColours; ++c)
    EXPECT_EQ(find_colour(name(static_cast<Colour>(c))), static_cast<Colour>(c));
  EXPECT_FALSE(find_colour("mauve"));
}

std::string error_of(const std::string& text) {
  const base::TestFolder folder;
  folder.put("labels.tsv", text);
  try {
    LabelTable::load(folder / "labels.tsv");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    const std::string what = error.what();
    return what.substr(what.find("labels.tsv"));
  }
  return "";
}

TEST(LabelTable, SaysWhichLineIsWrong) {
  const std::string header =
      "noun\tplural\tarticle\tcategory\tgroup\tslugs\tcolours\tparents\talike\tconfusable\tflags\n";
  const std::string dog = "dog\tdogs\ta\tanimal\thome\tdog\t-\tanimal\t-\t-\t-\n";
  EXPECT_EQ(error_of(header + dog), "");
  EXPECT_EQ(error_of(dog),
            "labels.tsv: line 1: expected the header line that starts with noun, plural, article");
  EXPECT_EQ(error_of(header + "dog\tdogs\n"), "labels.tsv: line 2: expected 11 fields, got 2");
  EXPECT_EQ(error_of(header + dog + dog), "labels.tsv: line 3: 'dog' twice");
  EXPECT_EQ(error_of(header + "dog\tdogs\tthe\tanimal\thome\tdog\t-\tanimal\t-\t-\t-\n"),
            "labels.tsv: line 2: expected article a, an or some, got 'the'");
  EXPECT_EQ(error_of(header + "dog\tdogs\ta\tanimal\thome\tdog\tmauve\tanimal\t-\t-\t-\n"),
            "labels.tsv: line 2: expected basic colours, 'any' or '-', got 'mauve'");
  EXPECT_EQ(error_of(header + "dog\tdogs\ta\tanimal\thome\tdog\t-\tanimal\tcat\t-\t-\n"),
            "labels.tsv: line 2: alike: 'cat' is no label");
  EXPECT_EQ(error_of(header + "dog\t\ta\tanimal\thome\tdog\t-\tanimal\t-\t-\t-\n"),
            "labels.tsv: line 2: empty field; '-' stands for none");
  EXPECT_EQ(error_of(header), "labels.tsv: no labels");
}

}  // namespace
}  // namespace moonbeam::data
