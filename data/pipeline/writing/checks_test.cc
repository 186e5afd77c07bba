// S10 to S12 one by one: what is dropped, what stays, and what users type.
#include "data/pipeline/writing/stages.h"

#include <gtest/gtest.h>

#include <map>

#include "data/pipeline/writing/test_pictures.h"

namespace moonbeam::pipeline {
namespace {

// ---- S10

class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    record_ = some_picture();
    record_.pairs = {
        a_pair("where:0", "where", "Where is the dog?", "left", "The dog is on the left.", "dog"),
        a_pair("count:0", "count", "How many boats are there?", "2", "There are 2 boats.", "boat")};
  }
  /// Answers of the verifier by question, of the judge, of whether answers are the same.
  void check(const std::string& where, const std::string& count, int mark = 5, bool same = false,
             const std::vector<std::pair<std::string, std::string>>& settings = {}) {
    run_stage(*made(make_s10, settings), record_, test_context(), [&](const llm::Call& call) {
      const Json input = input_of_call(call);
      asked_.push_back(call.schema_name);
      Json rows = Json::array();
      if (call.schema_name == "S10") {
        for (const Json& one : input["questions"]) {
          rows.push_back({{"id", one["id"]}, {"answer", one["q"] == "Where is the dog?" ? where : count}});
        }
        return answer_of({{"answers", rows}});
      }
      if (call.schema_name == "entail") return answer_of({{"reason", ""}, {"same", same}});
      for (const Json& one : input["pairs"]) {
        rows.push_back({{"id", one["id"]}, {"correct", 5}, {"visual", mark}, {"useful", 5}, {"format", 5}});
      }
      return answer_of({{"scores", rows}});
    });
  }
  Record record_;
  std::vector<std::string> asked_;
};

TEST_F(CheckTest, KeepsWithHalfTheWeightWhereNobodyLooked) {
  check("on the left", "two");
  for (const Pair& pair : record_.pairs) {
    EXPECT_EQ(pair.dropped, "");
    EXPECT_EQ(pair.by_text, "agree");
    EXPECT_EQ(pair.by_picture, "");
    EXPECT_EQ(pair.weight, .5);
    EXPECT_EQ(pair.judge, 5);
  }
  EXPECT_EQ(asked_, (std::vector<std::string>{"S10", "judge"}));
}

TEST_F(CheckTest, DropsWhatTheTextDoesNotBearOut) {
  check("right", "3");
  EXPECT_EQ(record_.pairs[0].dropped, "S10/text-differs");
  EXPECT_EQ(record_.pairs[1].dropped, "S10/text-differs");
  EXPECT_EQ(asked_, (std::vector<std::string>{"S10", "entail"})) << "numbers need no second opinion";
}

TEST_F(CheckTest, OtherWordsMayMeanTheSame) {
  check("near the edge", "2", 5, true);
  EXPECT_EQ(record_.pairs[0].dropped, "");
  EXPECT_EQ(record_.pairs[0].judge, 5) << "judged after it was found the same";
}

TEST_F(CheckTest, LowMarksAndUnknownAnswersDrop) {
  check("unknown", "2", 3);
  EXPECT_EQ(record_.pairs[0].dropped, "S10/text-unknown");
  EXPECT_EQ(record_.pairs[1].dropped, "S10/judge");
}

TEST_F(CheckTest, FailuresDropWithoutAFuss) {
  run_stage(*made(make_s10), record_, test_context(),
            [](const llm::Call&) { return failure(llm::Outcome::kNotJson); });
  for (const Pair& pair : record_.pairs) EXPECT_EQ(pair.dropped, "S10/text-unknown");
  EXPECT_EQ(record_.counts.at("S10/not_json"), 1);
}

// ---- S11

TEST(S11, ProfilesHaveTheirSharesAndTwinsTheirInstruction) {
  std::map<std::string, int> profiles;
  int brief = 0, all = 0;
  for (std::int64_t i = 0; i < 500; ++i) {
    Record record = some_picture(i);
    record.pairs = {
        a_pair("yesno:0", "yesno", "Is there a dog in the picture?", "yes", "Yes, there is a dog.", "dog",
               "absent:0"),
        a_pair("absent:0", "absent", "Is there a cow in the picture?", "no", "No, there is no cow.", "cow",
               "yesno:0"),
        a_pair("colour:0", "colour", "What color is the dog?", "brown", "The dog is brown.", "dog"),
        a_pair("premise:0", "premise", "What color is the cow?", "not visible", "There is no cow.", "cow",
               "colour:0")};
    run_stage(*made(make_s11), record, test_context(), mock_model());
    EXPECT_EQ(record.pairs[0].instruction, record.pairs[1].instruction);
    EXPECT_EQ(record.pairs[2].instruction, record.pairs[3].instruction);
    for (const Pair& pair : record.pairs) {
      ++profiles[pair.noise];
      ++all;
      brief += !pair.instruction.empty();
      if (pair.noise == "clean") {
        EXPECT_EQ(pair.asked, pair.instruction.empty() ? pair.q : pair.q + " " + pair.instruction);
      }
    }
  }
  EXPECT_NEAR(profiles["clean"] / 2000., .55, .04);
  EXPECT_NEAR(profiles["lower"] / 2000., .15, .03);
  EXPECT_NEAR(profiles["typos"] / 2000., .08, .02);
  EXPECT_NEAR(static_cast<double>(brief) / all, .5, .05);
}

TEST(S11, SharesThatMakeNoWholeAreRefused) {
  EXPECT_THROW(made(make_s11, {{"clean", "0.9"}}), Error);
}

// ---- S12

TEST(S12, CodeLooksAtEveryTextOnceMore) {
  Record record = some_picture();
  record.pairs = {
      a_pair("where:0", "where", "Where is the dog?", "left", "The dog is on the left.", "dog"),
      a_pair("where:1", "where", "Where is the cup?", "top right", "The caption says top right.", "cup"),
      a_pair("colour:0", "colour", "What color is the brown dog?", "brown", "It is brown.", "dog"),
      a_pair("colour:1", "colour", "What color is the cup?", "blue", "The cup is blue.", "cup"),
      a_pair("yesno:0", "yesno", "Is there a dog?", "yes", "Yes, there is a dog.", "dog", "absent:0"),
      a_pair("absent:0", "absent", "Is there a cow?", "no", "No cow, it seems.", "cow", "yesno:0"),
      a_pair("premise:0", "premise", "Where is the dog?", "not visible", "There is no dog.", "dog",
             "where:0")};
  record.captions.push_back({.length = "short", .text = "A dog and a ladder."});
  record.regions.push_back(
      {.id = "detect:0", .task = "detect", .label = "dog", .boxes = {{.5, .5, 1.2, .9}}});
  run_stage(*made(make_s12), record, test_context(), mock_model());
  const std::vector<std::string> expected = {"",         "S12/meta",  "S12/leak",           "S12/unsupported",
                                             "S12/twin", "S12/hedge", "S12/denied-and-told"};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(record.pairs[i].dropped, expected[i]) << i;
  EXPECT_EQ(record.captions[0].dropped, "S12/unsupported");
  EXPECT_EQ(record.regions[0].dropped, "S12/box");
  EXPECT_EQ(record.counts.at("S12/meta"), 1);
}

TEST(S12, RepetitionsOfAChunkGo) {
  std::vector<Record> records;
  for (std::int64_t i = 0; i < 3; ++i) {
    records.push_back(some_picture(i));
    records.back().pairs = {
        a_pair("where:0", "where", "Where is the dog?", "left", "The dog is on the left.", "dog")};
  }
  records[2].pairs[0].q = "In which part of it all does one find the animal?";
  std::vector<Record*> chunk;
  for (Record& record : records) chunk.push_back(&record);
  made(make_s12)->finish(chunk, test_context());
  EXPECT_EQ(records[0].pairs[0].dropped, "");
  EXPECT_EQ(records[1].pairs[0].dropped, "S12/repeated");
  EXPECT_EQ(records[2].pairs[0].dropped, "");
}

/// Three pictures through S12 with its calls answered as the stages' runner does, then compared.
class MeaningsTest : public testing::Test {
 protected:
  MeaningsTest() {
    const char* const questions[] = {"Where is the dog?", "Which place does the dog have?",
                                     "Where is the cup?"};
    for (std::int64_t i = 0; i < 3; ++i) {
      const auto at = static_cast<std::size_t>(i);
      records_.push_back(some_picture(i));
      const bool dog = i < 2;
      records_[at].pairs = {a_pair("where:0", "where", questions[at], dog ? "left" : "top right",
                                   dog ? "The dog is on the left." : "The cup is at the top right.",
                                   dog ? "dog" : "cup")};
    }
  }
  void filter(llm::Outcome outcome = llm::Outcome::kAnswer, const char* cosine = "0.95") {
    Context context = test_context();
    context.roles.embedder.model = "e";
    const auto stage = made(make_s12, {{"cosine", cosine}});
    std::vector<Record*> chunk;
    for (Record& record : records_) {
      const std::vector<llm::Call> calls = stage->step(record, 0, {}, context);
      asked_ += calls.size();
      for (const llm::Call& call : calls) {
        EXPECT_EQ(call.kind, llm::CallKind::kEmbeddings);
        EXPECT_EQ(call.model, "e");
        EXPECT_EQ(call.id, record.input.key + "/S12/meanings");
        ASSERT_EQ(call.inputs.size(), 1u);
        llm::Result result;
        result.outcome = outcome;
        const bool dog = call.inputs[0].find("dog") != std::string::npos;
        if (outcome == llm::Outcome::kAnswer) {
          result.embeddings = {dog ? std::vector<float>{3, 1} : std::vector<float>{1, 3}};
        }
        EXPECT_TRUE(stage->step(record, 1, std::span(&result, 1), context).empty());
      }
      chunk.push_back(&record);
    }
    stage->finish(chunk, context);
  }
  std::vector<Record> records_;
  std::size_t asked_ = 0;
};

TEST_F(MeaningsTest, WhatMeansTheSameGoes) {
  filter();
  EXPECT_EQ(asked_, 3u) << "one call a picture";
  EXPECT_EQ(records_[0].pairs[0].dropped, "");
  EXPECT_EQ(records_[1].pairs[0].dropped, "S12/meaning");
  EXPECT_EQ(records_[1].counts.at("S12/meaning"), 1);
  EXPECT_EQ(records_[2].pairs[0].dropped, "");
}

TEST_F(MeaningsTest, AnotherAnswerMeansAnotherThing) {
  records_[1].pairs[0].a_short = "on the right";
  filter();
  EXPECT_EQ(records_[1].pairs[0].dropped, "");
}

TEST_F(MeaningsTest, AnEmbedderThatRefusesLeavesTheWords) {
  filter(llm::Outcome::kRejected);
  EXPECT_EQ(records_[1].pairs[0].dropped, "");
  EXPECT_EQ(records_[1].counts.at("S12/rejected"), 1);
}

TEST_F(MeaningsTest, NobodyIsAskedAboveOne) {
  filter(llm::Outcome::kAnswer, "1.1");
  EXPECT_EQ(asked_, 0u);
  EXPECT_EQ(records_[1].pairs[0].dropped, "");
}

}  // namespace
}  // namespace moonbeam::pipeline
