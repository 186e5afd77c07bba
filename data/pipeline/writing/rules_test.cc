#include "data/pipeline/writing/rules.h"

#include <gtest/gtest.h>

#include "data/pipeline/writing/agree.h"
#include "data/pipeline/writing/support.h"
#include "data/pipeline/writing/test_pictures.h"

namespace moonbeam::pipeline {
namespace {

class RulesTest : public testing::Test {
 protected:
  Record record_ = picture_of(
      {{"dog", "brown", .1, .5}, {"cup", "red", .8, .1}, {"boat", "", .5, .9}, {"boat", "", .9, .9}});
  Facts facts_{record_, test_lexicon()};
  Rules rules_{test_prompts()};
};

TEST_F(RulesTest, WordsThatNoSentenceMayHold) {
  const auto fault = [&](const char* text) { return rules_.fault(text, facts_); };
  EXPECT_EQ(fault("A brown dog is on the left."), "");
  EXPECT_EQ(fault("According to the caption there is a dog."), "meta");
  EXPECT_EQ(fault("A dog is mentioned."), "meta");
  EXPECT_EQ(fault("The mouse is over the dog."), "meta");
  EXPECT_EQ(fault("I see a dog."), "person");
  EXPECT_EQ(fault("A dog seems to sleep."), "hedge");
  EXPECT_EQ(fault("A dog is probably there."), "hedge");
  EXPECT_EQ(fault("A beautiful dog."), "mood");
  EXPECT_EQ(fault("A dog creates a sense of calm."), "mood");
  EXPECT_EQ(fault("The dog of Maria is there."), "name");
  EXPECT_EQ(fault("a dog and a cup a dog and a cup a dog and a cup"), "loop");
  EXPECT_EQ(fault("A dog \xe7\x8b\x97 is there."), "language");
  EXPECT_EQ(fault("A dog\x07."), "control");
  EXPECT_EQ(fault(" "), "empty");
  EXPECT_EQ(fault("The cup says \"I love facts\"."), "") << "what can be read is the picture's";
}

TEST_F(RulesTest, NamesWhatTheFactsDoNotHold) {
  const auto missing = [&](const char* text) { return rules_.unsupported(text, facts_); };
  EXPECT_EQ(missing("A brown dog is left of the red cup, in the middle of the picture."), "");
  EXPECT_EQ(missing("An animal is on the left side."), "") << "a dog is one";
  EXPECT_EQ(missing("Two boats."), "");
  EXPECT_EQ(missing("Can the dog be seen left of the cup?"), "");
  EXPECT_EQ(missing("A dog on a ladder."), "noun ladder");
  EXPECT_EQ(missing("A purple dog."), "colour purple");
  EXPECT_EQ(missing("A red dog."), "colour red") << "the cup is red";
  EXPECT_EQ(missing("The dog is red."), "colour red");
  EXPECT_EQ(missing("The dog is red and the cup is brown."), "colour red");
  EXPECT_EQ(missing("The cup is red and the dog is brown."), "");
  EXPECT_EQ(missing("Three boats."), "number 3");
  EXPECT_EQ(missing("Two dogs."), "number 2");
  EXPECT_EQ(rules_.unsupported("There is no ladder.", facts_, "ladder"), "");
}

TEST_F(RulesTest, AClaimOfACaptionIsBorneOutByAFactOrNot) {
  const auto borne = [&](const char* type, const char* subject, const char* predicate, const char* object) {
    return !bearing({{"type", type}, {"subject", subject}, {"predicate", predicate}, {"object", object}},
                    facts_)
                .empty();
  };
  EXPECT_TRUE(borne("existence", "dog", "exists", ""));
  EXPECT_TRUE(borne("existence", "animal", "exists", ""));
  EXPECT_FALSE(borne("existence", "cat", "exists", ""));
  EXPECT_TRUE(borne("attribute", "dog", "colour", "brown"));
  EXPECT_FALSE(borne("attribute", "dog", "colour", "red"));
  EXPECT_TRUE(borne("count", "boats", "count", "two"));
  EXPECT_FALSE(borne("count", "boat", "count", "3"));
  EXPECT_TRUE(borne("relation", "dog", "position", "left"));
  EXPECT_FALSE(borne("relation", "dog", "position", "right"));
  EXPECT_TRUE(borne("relation", "dog", "left of", "cup"));
  EXPECT_TRUE(borne("relation", "cup", "to the right of", "dog"));
  EXPECT_TRUE(borne("relation", "cup", "above", "dog"));
  EXPECT_FALSE(borne("relation", "cup", "below", "dog"));
}

TEST_F(RulesTest, PlacesAreTheirWords) {
  EXPECT_EQ(place_words("in the upper left corner"), (std::set<std::string>{"left", "top"}));
  EXPECT_EQ(place_words("in the centre"), (std::set<std::string>{"middle"}));
  EXPECT_EQ(place_words("in the middle of the left side"), (std::set<std::string>{"left"}));
}

TEST_F(RulesTest, AnswersAgreeBySenseAsFarAsCodeCanTell) {
  const auto agree = [&](const char* a, const char* b) { return agreement(a, b, rules_); };
  EXPECT_EQ(agree("2", "two"), Agreement::kSame);
  EXPECT_EQ(agree("gray", "Grey."), Agreement::kSame);
  EXPECT_EQ(agree("top left", "at the top left of the picture"), Agreement::kSame);
  EXPECT_EQ(agree("above", "below"), Agreement::kOther);
  EXPECT_EQ(agree("yes", "Yes, there is."), Agreement::kSame);
  EXPECT_EQ(agree("yes", "no"), Agreement::kOther);
  EXPECT_EQ(agree("dog", "unknown"), Agreement::kUnknown);
  EXPECT_EQ(agree("not visible", "not in the picture"), Agreement::kSame);
  EXPECT_EQ(agree("not visible", "red"), Agreement::kOther);
  EXPECT_EQ(agree("cannot be told", "unknown"), Agreement::kSame);
  EXPECT_EQ(agree("0", "none"), Agreement::kSame);
}

TEST(Facts, SayNothingThatPeopleAndAnnotatorsDifferAbout) {
  Record record = picture_of({{"dog", "brown", .1, .5}, {"cup", "red", .8, .5}});
  EXPECT_NE(Facts(record, test_lexicon()).only("dog"), nullptr);
  record.sources[0].text += " Two dogs.";
  const Facts facts(record, test_lexicon());
  EXPECT_EQ(facts.only("dog"), nullptr);
  EXPECT_EQ(sure_count(record, test_lexicon(), "dog"), -1);
  for (const Fact& fact : facts.all()) {
    EXPECT_FALSE(fact.subject == "dog" && fact.type != "existence") << fact.id << ": which dog?";
  }
  EXPECT_NE(facts.only("cup"), nullptr);
}

TEST(Facts, CountsOfSeveralNeedPeoplesWordsToo) {
  Record record = picture_of({{"dog"}, {"dog"}});
  EXPECT_EQ(sure_count(record, test_lexicon(), "dog"), 2);
  record.sources[0].text = "A dog.";
  record.claims[1].object = "1";
  EXPECT_EQ(sure_count(record, test_lexicon(), "dog"), -1);
  record.claims.erase(record.claims.begin() + 1);
  EXPECT_EQ(sure_count(record, test_lexicon(), "dog"), -1) << "one of the boxes may be a cat's";
}

}  // namespace
}  // namespace moonbeam::pipeline
