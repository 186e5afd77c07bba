#include "data/pipeline/writing/questions.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/pipeline/writing/style.h"
#include "data/pipeline/writing/test_pictures.h"

namespace moonbeam::pipeline {
namespace {

class QuestionsTest : public testing::Test {
 protected:
  QuestionsTest() {
    record_ = picture_of({{"dog", "brown", .1, .5},
                          {"cup", "red", .8, .1},
                          {"boat", "", .5, .9},
                          {"boat", "", .9, .9},
                          {"cat", "white", .1, .9}});
    Claim action;
    action.id = "A1";
    action.type = "action";
    action.subject = "dog";
    action.predicate = "runs";
    action.accepted = true;
    Claim text = action;
    text.id = "T1";
    text.type = "text";
    text.subject = "cup";
    text.predicate = "says";
    text.object = "Best Boss";
    record_.claims.push_back(action);
    record_.claims.push_back(text);
    facts_ = std::make_unique<Facts>(record_, test_lexicon());
  }

  std::string fault(const std::string& type, const std::string& q, const std::string& brief,
                    const std::string& full, const std::vector<std::string>& ids) {
    pair_ = Pair();
    pair_.type = type;
    pair_.q = q;
    pair_.a_short = brief;
    pair_.a_sentence = full;
    std::vector<Fact> cited;
    for (const std::string& id : ids) {
      const Fact* fact = facts_->find(id);
      EXPECT_NE(fact, nullptr) << id;
      if (fact != nullptr) cited.push_back(*fact);
    }
    return pair_fault(pair_, cited, *facts_, rules_, {});
  }
  std::string id_of(const std::string& type, const std::string& subject, const std::string& object = "") {
    for (const Fact& fact : facts_->all()) {
      if (fact.type == type && fact.subject == subject && (object.empty() || fact.object == object))
        return fact.id;
    }
    return "none";
  }

  Record record_;
  std::unique_ptr<Facts> facts_;
  Rules rules_{test_prompts()};
  Pair pair_;
};

TEST_F(QuestionsTest, WhatHasOneAnswerAlone) {
  EXPECT_EQ(fault("what", "What is at the top right?", "cup", "A red cup is at the top right.", {"place:O2"}),
            "");
  EXPECT_EQ(fault("what", "What is on the left?", "dog", "A dog is on the left.", {"place:O1"}),
            "several-answers")
      << "the cat is on the left too";
  EXPECT_EQ(fault("what", "Which animal is there?", "dog", "The animal is a dog.", {"place:O1"}),
            "several-answers");
  EXPECT_EQ(fault("what", "What is red?", "cup", "The cup is red.", {id_of("attribute", "cup")}),
            "several-answers")
      << "nobody knows the colors of the boats";
  EXPECT_EQ(fault("what", "What is the brown dog?", "dog", "It is a dog.", {"place:O1"}), "leak");
  EXPECT_EQ(fault("what", "What is at the top right?", "cup", "A cup is at the top right.", {}), "uncited");
}

TEST_F(QuestionsTest, WhereIsThePlaceOfTheSheet) {
  EXPECT_EQ(fault("where", "Where is the cup?", "top right", "The cup is at the top right.", {"place:O2"}),
            "");
  EXPECT_EQ(fault("where", "Where is the cup?", "top", "The cup is at the top.", {"place:O2"}), "place");
  EXPECT_EQ(
      fault("where", "Where is the cup?", "bottom left", "The cup is at the bottom left.", {"place:O2"}),
      "place");
}

TEST_F(QuestionsTest, CountsAreTheSheets) {
  const std::string boats = id_of("count", "boat");
  EXPECT_EQ(fault("count", "How many boats are there?", "two", "There are two boats.", {boats}), "");
  EXPECT_EQ(pair_.a_short, "2") << "digits in short style";
  EXPECT_EQ(fault("count", "How many boats are there?", "3", "There are 3 boats.", {boats}), "unsupported");
  EXPECT_EQ(fault("count", "How many boats are there?", "2", "There are boats.", {boats}), "number");
  EXPECT_EQ(fault("count", "How many boats are on the right?", "2", "There are 2 boats.", {boats}),
            "narrowed");
}

TEST_F(QuestionsTest, ColoursActionsAndText) {
  EXPECT_EQ(
      fault("colour", "What color is the dog?", "brown", "The dog is brown.", {id_of("attribute", "dog")}),
      "");
  EXPECT_EQ(fault("colour", "What color is the dog?", "red", "The dog is red.", {id_of("attribute", "dog")}),
            "unsupported");
  EXPECT_EQ(fault("action", "What is the dog doing?", "running", "The dog is running.", {"A1"}), "");
  EXPECT_EQ(fault("action", "What is the dog doing?", "sleeping", "The dog is sleeping.", {"A1"}),
            "answer-not-cited");
  EXPECT_EQ(fault("ocr", "What does the cup say?", "Best Boss", "The cup says \"Best Boss\".", {"T1"}), "");
  EXPECT_TRUE(pair_.needs_detail);
  EXPECT_EQ(fault("ocr", "What does the cup say?", "best boss", "The cup says \"best boss\".", {"T1"}),
            "not-verbatim");
}

TEST_F(QuestionsTest, RelationsHaveADirection) {
  const std::string id = "relation:O1:O2:left of";
  EXPECT_EQ(
      fault("relation", "Is the dog left or right of the cup?", "left", "The dog is left of the cup.", {id}),
      "");
  EXPECT_EQ(fault("relation", "Is the dog left or right of the cup?", "right", "The dog is right of the cup.",
                  {id}),
            "relation");
  EXPECT_EQ(
      fault("relation", "Is the cup left or right of the dog?", "left", "The cup is left of the dog.", {id}),
      "order");
  EXPECT_EQ(fault("relation", "What is left of the cup?", "dog", "The dog is left of the cup.", {id}),
            "several-answers")
      << "so are the cat and a boat";
}

TEST_F(QuestionsTest, YesAndNoOnlyWhereTheyAreAskedFor) {
  EXPECT_EQ(fault("what", "Is the cup red?", "yes", "Yes, the cup is red.", {"place:O2"}), "yes-or-no");
  EXPECT_EQ(fault("yesno", "Is the cup red?", "yes", "Yes, the cup is red.", {id_of("attribute", "cup")}),
            "");
  EXPECT_EQ(
      fault("yesno", "Is there a ladder?", "yes", "Yes, there is a ladder.", {id_of("attribute", "cup")}),
      "unsupported");
  EXPECT_EQ(fault("yesno", "Is the cup red?", "no", "No, the cup is red.", {id_of("attribute", "cup")}),
            "not-yes");
}

TEST_F(QuestionsTest, GeneralFaultsOfAPair) {
  const std::string colour = id_of("attribute", "dog");
  EXPECT_EQ(fault("colour", "What color is the dog", "brown", "The dog is brown.", {colour}),
            "no-question-mark");
  EXPECT_EQ(
      fault("colour", "Can you tell me: what color is the dog?", "brown", "The dog is brown.", {colour}),
      "opening");
  EXPECT_EQ(fault("colour", "What color is the dog that I see?", "brown", "The dog is brown.", {colour}),
            "person");
  EXPECT_EQ(fault("colour", "What color is the dog?", "brown", "The dog seems brown.", {colour}), "hedge");
  EXPECT_EQ(fault("colour", "What color is the dog by the ladder?", "brown", "The dog is brown.", {colour}),
            "unsupported");
  EXPECT_EQ(fault("colour", "What color is the dog?", "", "The dog is brown.", {colour}), "empty");
}

TEST_F(QuestionsTest, SwapsAreValuesThatAreCertainlyNotSo) {
  data::Stream draws(1, 2, 3, data::Part::kPipeline);
  for (int i = 0; i < 200; ++i) {
    for (const Fact& fact : facts_->all()) {
      const auto swap = swap_of(fact, *facts_, draws);
      if (!swap) continue;
      EXPECT_NE(swap->value, swap->other);
      if (is_colour(fact) && fact.object == "red") {
        for (const char* near : {"orange", "pink", "brown"}) EXPECT_NE(swap->other, near);
      }
      if (fact.type == "count") {
        EXPECT_TRUE(swap->other == "3" || swap->other == "4") << swap->other;
      }
      if (fact.predicate == "left of") {
        EXPECT_EQ(swap->other, "right of");
      }
    }
  }
}

TEST(Swapped, ChangesTheWordsAndTheirArticle) {
  EXPECT_EQ(swapped("Is there a red cup?", "red", "orange"), "Is there an orange cup?");
  EXPECT_EQ(swapped("Is there an owl here?", "owl", "dog"), "Is there a dog here?");
  EXPECT_EQ(swapped("Is it left of the cup?", "left of", "right of"), "Is it right of the cup?");
  EXPECT_EQ(swapped("Is the red cup red?", "red", "blue"), "") << "which of them?";
  EXPECT_EQ(swapped("Is it there?", "red", "blue"), "");
  EXPECT_EQ(swapped("Dog or cat?", "dog", "owl"), "Owl or cat?");
}

/// What the worked examples teach must be what the code lets through.
TEST(Questions, TheHandWrittenExamplesKeepTheRules) {
  const Rules rules(test_prompts());
  std::map<std::string, int> types;
  for (const Example& example : test_prompts().at("S7").examples) {
    Record record;
    record.input.key = "example";
    std::vector<Fact> all;
    for (const Json& row : example.input["claims"]) {
      all.push_back({row["id"], row["type"], row["subject"], row["predicate"], row["object"]});
      if (row["object"] == "0") continue;  // no claim: what is absent
      Claim& claim = record.claims.emplace_back();
      claim.id = row["id"];
      claim.type = row["type"];
      claim.subject = row["subject"];
      claim.predicate = row["predicate"];
      claim.object = row["object"];
      claim.accepted = true;
      if (claim.type != "count") continue;
      record.sheet.counts.push_back({claim.subject, number_of(claim.object).value_or(0), true});
    }
    const Facts facts(record, test_lexicon());
    std::set<std::string> seen;
    for (const Json& row : example.output["pairs"]) {
      Pair pair;
      pair.type = example.input["qtype"];
      pair.q = row["q"];
      pair.a_short = row["a_short"];
      pair.a_sentence = row["a_sentence"];
      std::vector<Fact> cited;
      for (const Json& id : row["claims"]) {
        for (const Fact& fact : all) {
          if (fact.id == id.get<std::string>()) cited.push_back(fact);
        }
      }
      EXPECT_EQ(pair_fault(pair, cited, facts, rules, {}), "") << row.dump();
      EXPECT_TRUE(seen.insert(pair.q).second) << row.dump();
    }
    EXPECT_LE(example.output["pairs"].size(), example.input["n"].get<std::size_t>());
    ++types[example.input["qtype"]];
  }
  EXPECT_GE(test_prompts().at("S7").examples.size(), 64u);  // data.md, E3
  for (const std::string& type : question_types()) EXPECT_GE(types[type], 6) << type;
}

}  // namespace
}  // namespace moonbeam::pipeline
