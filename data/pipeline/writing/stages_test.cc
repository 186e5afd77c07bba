// S6 to S9 one by one: what they ask for, and what they make of answers that are good, bad or none.
#include "data/pipeline/writing/stages.h"

#include <gtest/gtest.h>

#include <map>

#include "data/pipeline/writing/test_pictures.h"

namespace moonbeam::pipeline {
namespace {

// ---- S6

class CaptionsTest : public testing::Test {
 protected:
  /// Every caption is `text`; S6v reads what `claims` says.
  Model says(const std::string& text, const Json& claims = Json::array()) {
    return [this, text, claims](const llm::Call& call) {
      asked_.push_back(call.id);
      const bool again = call.id.ends_with(":again");
      if (call.schema_name == "S6v") return answer_of({{"claims", again ? Json::array() : claims}});
      return answer_of({{"caption", again ? again_ : text}});
    };
  }
  std::vector<Caption> written(const Model& model) {
    record_ = some_picture();
    run_stage(*made(make_s6, {{"lengths", "short"}}), record_, test_context(), model);
    std::vector<Caption> out;
    for (const Caption& one : record_.captions) {
      if (!one.human && one.dropped.empty()) out.push_back(one);
    }
    return out;
  }
  Record record_;
  std::string again_ = "Two boats and a cup.";
  std::vector<std::string> asked_;
};

TEST_F(CaptionsTest, KeepsWhatEveryFactBearsOut) {
  const auto out = written(says("A brown dog on the left and two boats.", {{{"type", "existence"},
                                                                            {"subject", "dog"},
                                                                            {"predicate", "exists"},
                                                                            {"object", ""},
                                                                            {"quote", "A brown dog"}}}));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].text, "A brown dog on the left and two boats.");
  EXPECT_EQ(out[0].generator, "writer");
  EXPECT_FALSE(out[0].claims.empty());
  EXPECT_EQ(asked_, (std::vector<std::string>{"test-0/S6/short", "test-0/S6/read:short"}));
}

TEST_F(CaptionsTest, WhatAWriterAddsIsSeenByCodeThoughTheReaderMissesIt) {
  for (const char* lie : {"A dog and a ladder.", "A purple dog.", "Three boats.", "A red dog."}) {
    const auto out = written(says(lie));
    ASSERT_EQ(out.size(), 1u) << lie;
    EXPECT_EQ(out[0].text, again_) << lie << " is written again";
  }
}

TEST_F(CaptionsTest, WhatTheReaderFindsIsNotKeptThoughCodeMissesIt) {
  const auto out = written(says("A dog that sleeps.", {{{"type", "action"},
                                                        {"subject", "dog"},
                                                        {"predicate", "sleeps"},
                                                        {"object", ""},
                                                        {"quote", "dog that sleeps"}}}));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].text, again_);
}

TEST_F(CaptionsTest, ASentenceThatNothingBearsOutGoesAlone) {
  record_ = some_picture();
  const std::string
      good = "A brown dog stands on the left side of the picture, and a red cup is at the top right of it.",
      bad = " A ladder is in the middle of it all. Two boats are there too.";
  run_stage(*made(make_s6, {{"lengths", "normal"}}), record_, test_context(), [&](const llm::Call& call) {
    return call.schema_name == "S6v" ? answer_of({{"claims", Json::array()}})
                                     : answer_of({{"caption", good + bad}});
  });
  ASSERT_FALSE(record_.captions.empty());
  EXPECT_EQ(record_.captions.back().text, good + " Two boats are there too.");
  EXPECT_EQ(record_.counts.at("S6/sentence-removed"), 1);
}

TEST_F(CaptionsTest, IsDroppedWhenTheSecondIsNoBetter) {
  again_ = "A ladder.";
  EXPECT_TRUE(written(says("A ladder.")).empty());
  EXPECT_EQ(record_.counts.at("S6/dropped"), 1);
  again_ = "The image shows a dog.";
  EXPECT_TRUE(written(says("The image shows a dog.")).empty());
  EXPECT_EQ(record_.counts.at("S6/opening"), 2);
  EXPECT_TRUE(record_.scratch.is_null());
}

TEST_F(CaptionsTest, FailuresOfTheModelAreCountedAndCostTheCaptionAlone) {
  EXPECT_TRUE(written([](const llm::Call&) { return failure(llm::Outcome::kCut); }).empty());
  EXPECT_EQ(record_.counts.at("S6/cut"), 2);
  EXPECT_TRUE(
      written([](const llm::Call& call) {
        return call.schema_name == "S6v" ? failure(llm::Outcome::kEmpty) : answer_of({{"caption", "A dog."}});
      }).empty())
      << "nobody has read it";
}

TEST_F(CaptionsTest, PeoplesCaptionsStayAsTheyAre) {
  record_ = some_picture();
  record_.sources[0].raw = "a brown dog  , two boats";
  run_stage(*made(make_s6), record_, test_context(), mock_model());
  EXPECT_TRUE(record_.captions[0].human);
  EXPECT_EQ(record_.captions[0].text, "a brown dog  , two boats");
  Record wrong = some_picture();
  wrong.claims[0].by_sheet = "contradicted";
  run_stage(*made(make_s6), wrong, test_context(), mock_model());
  EXPECT_EQ(wrong.captions[0].dropped, "contradicted");
}

// ---- S7

TEST(S7, AsksEachTypeThatTheFactsAnswer) {
  Record record = some_picture();
  const Context context = test_context();
  const auto calls = made(make_s7, {{"most_types", "8"}})->step(record, 0, {}, context);
  std::vector<std::string> types;
  for (const llm::Call& call : calls) {
    const Json input = input_of_call(call);
    types.push_back(input["qtype"]);
    EXPECT_FALSE(input["claims"].empty());
    EXPECT_TRUE(input["style"].contains("asker"));
    EXPECT_EQ(call.messages.size(), 6u) << "system, two examples, the input";
  }
  EXPECT_EQ(types, (std::vector<std::string>{"what", "where", "count", "colour", "relation", "yesno"}));
}

TEST(S7, YesAndNoAreTwinsOfTheSameWords) {
  const Context context = test_context();
  int twins = 0;
  for (std::int64_t i = 0; i < 20; ++i) {
    Record record = some_picture(i);
    run_stage(*made(make_s7, {{"types", "yesno"}}), record, context, mock_model());
    const auto pairs = kept(record, "yesno");
    ASSERT_EQ(pairs.size() % 2, 0u);
    for (std::size_t k = 0; k < pairs.size(); k += 2) {
      ++twins;
      EXPECT_EQ(pairs[k].a_short, "yes");
      EXPECT_EQ(pairs[k + 1].a_short, "no");
      EXPECT_EQ(pairs[k].twin, pairs[k + 1].id);
      EXPECT_EQ(pairs[k + 1].twin, pairs[k].id);
      EXPECT_EQ(pairs[k].a_sentence.substr(3), pairs[k + 1].a_sentence.substr(2))
          << "the answer says what is so";
    }
  }
  EXPECT_GT(twins, 20);
}

TEST(S7, FaultsOfTheMockAreCaught) {
  const Context context = test_context();
  for (const char* fault : {"hallucinate=1", "colour=1", "openings=1", "yes=1"}) {
    Record record = some_picture();
    run_stage(*made(make_s7, {{"most_types", "8"}}), record, context, mock_model({fault}));
    std::int64_t caught = 0;
    for (const auto& [what, times] : record.counts) caught += what.starts_with("S7/") ? times : 0;
    EXPECT_GT(caught, 0) << fault;
    for (const Pair& pair : record.pairs) {
      EXPECT_EQ(pair.q.find("ladder"), std::string::npos) << pair.q;
      EXPECT_EQ(pair.q.find("Can you tell me"), std::string::npos);
      if (pair.type == "colour") {
        EXPECT_EQ(pair.a_short, pair.about == "dog" ? "brown" : "red");
      }
    }
  }
}

TEST(S7, FailuresAreCountedByType) {
  Record record = some_picture();
  run_stage(*made(make_s7), record, test_context(),
            [](const llm::Call&) { return failure(llm::Outcome::kWrongSchema); });
  EXPECT_TRUE(record.pairs.empty());
  EXPECT_GE(record.counts.at("S7/wrong_schema"), 5);
}

// ---- S8

TEST(S8, ExistenceIsAskedInTwinsOfThreeKinds) {
  CorpusStats corpus;
  for (int i = 0; i < 30; ++i)
    corpus.add({kAll[static_cast<std::size_t>(i) % 9], kAll[static_cast<std::size_t>(i * 2 + 1) % 9], "dog"});
  for (int i = 0; i < 30; ++i) corpus.add({kAll[static_cast<std::size_t>(i) % 9]});
  const Context context = test_context(&corpus);
  std::map<std::string, int> kinds;
  for (std::int64_t i = 0; i < 60; ++i) {
    Record record = some_picture(i);
    run_stage(*made(make_s8), record, context, mock_model());
    const auto yes = kept(record, "yesno"), no = kept(record, "absent");
    ASSERT_EQ(yes.size(), 2u);
    ASSERT_EQ(no.size(), 2u);
    for (std::size_t k = 0; k < 2; ++k) {
      ++kinds[no[k].style];
      EXPECT_EQ(no[k].twin, yes[k].id);
      EXPECT_EQ(no[k].claims[0], "absent:" + no[k].about);
      EXPECT_FALSE(yes[k].claims.empty());
      for (const char* here : {"dog", "cup", "boat"}) EXPECT_NE(no[k].about, here);
    }
  }
  for (const char* kind : {"random", "popular", "adversarial"}) EXPECT_EQ(kinds[kind], 40) << kind;
}

TEST(S8, WhatIsNotExhaustiveIsNotDenied) {
  Record record = picture_of({{"dog", "brown", .1, .5}, {"cup", "red", .8, .1}});
  run_stage(*made(make_s8), record, test_context(), mock_model());
  EXPECT_TRUE(kept(record, "absent").empty());
}

class PremiseTest : public testing::Test {
 protected:
  PremiseTest() {
    record_ = some_picture();
    record_.pairs.push_back(
        a_pair("colour:0", "colour", "What color is the dog?", "brown", "The dog is brown.", "dog"));
    record_.pairs.push_back(
        a_pair("where:0", "where", "Where is the cup?", "top right", "It is at the top right.", "cup"));
  }
  /// The model answers by `make` from the input.
  std::vector<Pair> premises(const std::function<Json(const Json&)>& make, const char* seed_share = "0") {
    run_stage(*made(make_s8, {{"seed_share", seed_share}, {"unknown_share", "0"}, {"premises", "1"}}),
              record_, test_context(), [&](const llm::Call& call) {
                input_ = input_of_call(call);
                return answer_of({{"pairs", Json::array({make(input_)})}});
              });
    return kept(record_, "premise");
  }
  static Json good(const Json& input) {
    const std::string noun = input["nouns"][0];
    const Json& of = input["questions"][0];
    std::string q = of["q"];
    q.replace(q.find(of["noun"].get<std::string>()), of["noun"].get<std::string>().size(), noun);
    return {{"twin", of["id"]},
            {"noun", noun},
            {"q", q},
            {"a_sentence", "There is no " + noun + " in the picture."}};
  }
  Record record_;
  Json input_;
};

TEST_F(PremiseTest, IsAnAnsweredQuestionWithAnotherNoun) {
  const auto out = premises(good);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_FALSE(out[0].twin.empty());
  EXPECT_EQ(out[0].polarity, "neg");
  EXPECT_EQ(out[0].claims[0], "absent:" + out[0].about);
}

TEST_F(PremiseTest, SeedsComeFromTheListByTheOrdinal) {
  const auto out = premises(good, "1");
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].claims[0], "seed:" + out[0].about);
  const auto& seeds = test_lexicon().seeds();
  EXPECT_TRUE(std::binary_search(seeds.begin(), seeds.end(), out[0].about));
}

TEST_F(PremiseTest, DinosaursAreCaught) {
  EXPECT_TRUE(premises([](const Json& input) {
                Json one = good(input);
                one["noun"] = "dinosaur";
                one["q"] = "What color is the dinosaur?";
                one["a_sentence"] = "There is no dinosaur.";
                return one;
              }).empty());
  EXPECT_EQ(record_.counts.at("S8/premise/other-noun"), 1);
}

TEST_F(PremiseTest, OtherWordsThanTheTwinsAreCaught) {
  EXPECT_TRUE(premises([](const Json& input) {
                Json one = good(input);
                one["q"] = "How old is the " + one["noun"].get<std::string>() + "?";
                return one;
              }).empty());
  EXPECT_EQ(record_.counts.at("S8/premise/wording"), 1);
}

TEST_F(PremiseTest, AnAnswerMustDenyPolitelyAndSayNothingElse) {
  const std::map<std::string, std::string> answers = {{"The # is red.", "no-denial"},
                                                      {"I do not see a #.", "person"},
                                                      {"There is no # and no ladder.", "unsupported"},
                                                      {"There is nothing like it.", "noun"},
                                                      {"Sorry, there is no #.", "opening"}};
  for (const auto& [text, reason] : answers) {
    record_.counts.clear();
    EXPECT_TRUE(premises([said_of = text](const Json& input) {
                  Json one = good(input);
                  std::string said = said_of;
                  if (said.find('#') != std::string::npos)
                    said.replace(said.find('#'), 1, one["noun"].get<std::string>());
                  one["a_sentence"] = said;
                  return one;
                }).empty())
        << text;
    EXPECT_EQ(record_.counts["S8/premise/" + reason], 1) << text;
  }
}

TEST(S8, WhatNoPictureShowsIsDeclined) {
  Record record = some_picture();
  run_stage(*made(make_s8, {{"unknown_share", "1"}}), record, test_context(), [&](const llm::Call& call) {
    const Json input = input_of_call(call);
    EXPECT_EQ(input["kind"], "unknown");
    return answer_of({{"pairs", Json::array({{{"twin", "its price"},
                                              {"noun", "dog"},
                                              {"q", "What does the dog cost?"},
                                              {"a_sentence", "That cannot be told from the picture."}},
                                             {{"twin", "its price"},
                                              {"noun", "cup"},
                                              {"q", "What does the cup cost?"},
                                              {"a_sentence", "It costs a lot."}}})}});
  });
  ASSERT_EQ(kept(record, "unknown").size(), 1u);
  EXPECT_EQ(kept(record, "unknown")[0].about, "dog");
}

// ---- S9

TEST(S9, TargetsAreAllOfAClassOrNone) {
  int detect = 0, empty = 0;
  for (std::int64_t i = 0; i < 300; ++i) {
    Record record = some_picture(i);
    run_stage(*made(make_s9), record, test_context(), mock_model());
    for (const Region& region : record.regions) {
      if (region.task != "detect") continue;
      const bool phrase = region.label.find(' ') != std::string::npos;
      if (phrase) {
        EXPECT_EQ(region.boxes.size(), 1u);
        continue;
      }
      ++detect;
      empty += region.boxes.empty();
      EXPECT_EQ(region.boxes.size(), region.label == "boat"                      ? 2u
                                     : region.evidence[0].starts_with("absent:") ? 0u
                                                                                 : 1u);
      if (region.label == "boat") {
        EXPECT_LE(region.boxes[0][0], region.boxes[1][0]);
      }
    }
  }
  EXPECT_NEAR(static_cast<double>(empty) / detect, .25, .06);
}

TEST(S9, CrowdsAndDoubtfulClassesAreNoTargets) {
  Record record = some_picture();
  record.sheet.crowds = {"boat"};
  record.sheet.uncertain = {"dog"};
  record.sources[0].text += " Two cups.";
  run_stage(*made(make_s9, {{"absent_share", "0"}, {"phrases", "0"}, {"detect", "9"}}), record,
            test_context(), mock_model());
  EXPECT_TRUE(record.regions.empty());
}

TEST(S9, APhraseFitsOneThingAlone) {
  Record record = picture_of({{"dog", "", .1, .5}, {"dog", "", .9, .5}, {"cup", "red", .5, .1}}, kAll);
  run_stage(*made(make_s9, {{"detect", "0"}, {"point", "0"}, {"phrases", "9"}}), record, test_context(),
            mock_model());
  std::map<std::string, std::string> phrases;
  for (const Region& region : record.regions) phrases[region.label] = region.evidence[0];
  EXPECT_EQ(phrases, (std::map<std::string, std::string>{
                         {"dog on the left", "O1"}, {"dog on the right", "O2"}, {"red cup", "O3"}}));
}

}  // namespace
}  // namespace moonbeam::pipeline
