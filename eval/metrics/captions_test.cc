#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include "eval/metrics/chair.h"
#include "eval/metrics/cider.h"

namespace moonbeam::eval {
namespace {

const std::vector<std::vector<std::string>> kReferences = {
    {"a black cat sits on a sofa", "a cat resting on a couch"},
    {"two dogs run in a park", "dogs playing on green grass"},
    {"a red bus on a street", "a bus driving down the road"}};

TEST(CiderD, MatchesTheVectors) {
  const CiderScores out =
      cider_d(std::vector<CaptionedPicture>{{"a black cat sits on a couch", kReferences[0]},
                                            {"two dogs playing in a park", kReferences[1]},
                                            {"a man eating pizza", kReferences[2]}});
  EXPECT_NEAR(out.each[0], 5.172906, 1e-6);
  EXPECT_NEAR(out.each[1], 2.889460, 1e-6);
  EXPECT_NEAR(out.each[2], 0, 1e-12);
  EXPECT_NEAR(out.mean, 2.687455, 1e-6);
}

TEST(CiderD, OfTheFirstReferencesMatchesTheVectors) {
  std::vector<CaptionedPicture> pictures;
  for (const auto& references : kReferences) pictures.push_back({references[0], references});
  const CiderScores out = cider_d(pictures);
  EXPECT_NEAR(out.each[0], 5.392298, 1e-6);
  EXPECT_NEAR(out.each[1], 5.275653, 1e-6);
  EXPECT_NEAR(out.each[2], 5.322749, 1e-6);
}

TEST(CiderD, OfOnePictureIsNothing) {
  EXPECT_EQ(cider_d(std::vector<CaptionedPicture>{{"a cat", {"a cat"}}}).mean, 0);
}

ChairVocabulary vocabulary() {
  return ChairVocabulary::load(MOONBEAM_SOURCE_DIR "/data/words/classes.tsv");
}

TEST(ChairVocabulary, ReadsWordsAsClasses) {
  const ChairVocabulary words = vocabulary();
  using Names = std::vector<std::string>;
  EXPECT_EQ(words.mentions("Two puppies and a woman at the traffic lights."),
            (Names{"dog", "person", "traffic light"}));
  EXPECT_EQ(words.mentions("A hot dog on a plate."), Names{"hot dog"});
  EXPECT_EQ(words.mentions("a baby elephant, a passenger jet and a bow tie"),
            (Names{"elephant", "airplane", "tie"}));
  EXPECT_EQ(words.mentions("the toilet has a seat"), Names{"toilet"});
  EXPECT_EQ(words.mentions("dog dog"), (Names{"dog", "dog"}));
  EXPECT_TRUE(words.mentions("").empty());
  EXPECT_THROW(ChairVocabulary::load("/nowhere.tsv"), Error);
}

TEST(Chair, CountsWhatIsNamedAndNotThere) {
  const ChairScores out =
      chair(std::vector<ChairPicture>{{"a dog and a cat on a sofa", {"dog"}, {"A dog on a couch."}},
                                      {"a bus", {"bus", "car"}, {}},
                                      {"nothing of note", {}, {}}},
            vocabulary());
  EXPECT_NEAR(out.of_mentions, 1.0 / 4, 1e-12);
  EXPECT_NEAR(out.of_captions, 1.0 / 3, 1e-12);
  EXPECT_NEAR(out.recall, 3.0 / 4, 1e-12);
  EXPECT_NEAR(out.length, (8 + 2 + 3) / 3.0, 1e-12);
}

}  // namespace
}  // namespace moonbeam::eval
