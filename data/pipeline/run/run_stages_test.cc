#include "data/pipeline/run/run_stages.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/test_folder.h"

namespace moonbeam::pipeline {
namespace {

using llm::Outcome;

/// Asks `rounds` times two things, and writes down what it heard.
class Asking : public Stage {
 public:
  explicit Asking(int rounds) : rounds_(rounds) {}
  std::string_view name() const override { return "S3"; }
  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context&) const override {
    for (const llm::Result& one : results) {
      if (answered(record, "S3", one)) record.reason += one.text + " ";
    }
    if (record.input.key == "poison" && round == 1) base::fail(ErrorCode::kCorrupt, "cannot be read");
    if (round == rounds_) return {};
    std::vector<llm::Call> calls(2);
    calls[0].id = record.input.key + std::to_string(round) + "a";
    calls[1].id = record.input.key + std::to_string(round) + "b";
    return calls;
  }
  void finish(std::span<Record*> chunk, const Context&) const override {
    for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i]->attempts = static_cast<int>(100 + i);
  }

 private:
  int rounds_;
};

class RunStages : public testing::Test {
 protected:
  RunStages() {
    stages_.push_back(std::make_unique<Asking>(2));
    for (const char* key : {"p", "poison", "q"}) records_.emplace_back().input.key = key;
  }
  ChunkResult run(const std::function<Outcome(const std::string& id)>& outcome) {
    folder_.put("x.txt", "[user]\nx\n");
    const Prompts prompts(folder_.path());
    const Lexicon lexicon(find_words_folder());
    return run_stages(records_, stages_, Context{prompts, lexicon, {}, 0, ""}, 3,
                      [&](std::vector<llm::Call> calls) {
                        std::vector<llm::Result> out;
                        for (const llm::Call& one : calls) {
                          asked_.push_back(one.id);
                          llm::Result result;
                          result.outcome = outcome(one.id);
                          result.text = one.id;
                          result.message = "said so";
                          out.push_back(result);
                        }
                        return out;
                      });
  }
  base::TestFolder folder_;
  std::vector<std::unique_ptr<Stage>> stages_;
  std::vector<Record> records_;
  std::vector<std::string> asked_;
};

TEST_F(RunStages, EachHearsItsOwnAnswers) {
  EXPECT_TRUE(run([](const std::string&) { return Outcome::kAnswer; }).complete);
  EXPECT_EQ(records_[0].reason, "p0a p0b p1a p1b ");
  EXPECT_EQ(records_[2].reason, "q0a q0b q1a q1b ");
  EXPECT_EQ(asked_.size(), 10u) << "one round of three pictures, one of two";
  EXPECT_EQ(records_[0].calls.size(), 4u);
}

TEST_F(RunStages, APoisonPictureStopsNobody) {
  run([](const std::string&) { return Outcome::kAnswer; });
  EXPECT_EQ(records_[1].status, "failed");
  EXPECT_NE(records_[1].reason.find("S3: cannot be read"), std::string::npos);
  EXPECT_EQ(records_[2].attempts, 101) << "finish() leaves it out";
}

TEST_F(RunStages, WhatMayPassIsTriedAgainFromTheStartOfTheStage) {
  int times = 0;
  run([&](const std::string& id) { return id == "q1b" && ++times < 3 ? Outcome::kBusy : Outcome::kAnswer; });
  EXPECT_EQ(records_[2].status, "ok");
  EXPECT_EQ(records_[2].reason, "q0a q0b q1a q1b ") << "nothing of the failed attempts is left";
  EXPECT_EQ(records_[2].calls.size(), 4u);
}

TEST_F(RunStages, AfterThreeAttemptsThePictureHasFailed) {
  const ChunkResult result =
      run([&](const std::string& id) { return id == "q1b" ? Outcome::kTimeout : Outcome::kAnswer; });
  EXPECT_TRUE(result.complete) << "a failed picture is done with";
  EXPECT_EQ(records_[2].status, "failed");
  EXPECT_EQ(records_[2].reason, "S3: timeout: said so");
  EXPECT_EQ(records_[0].status, "ok");
}

TEST_F(RunStages, FinalOutcomesGoToTheStage) {
  run([&](const std::string& id) { return id == "q1b" ? Outcome::kCut : Outcome::kAnswer; });
  EXPECT_EQ(records_[2].status, "ok");
  EXPECT_EQ(records_[2].counts.at("S3/cut"), 1);
}

TEST_F(RunStages, StopsWhereNothingIsAskedAnyMore) {
  const ChunkResult result =
      run([&](const std::string& id) { return id == "q0b" ? Outcome::kOverBudget : Outcome::kAnswer; });
  EXPECT_FALSE(result.complete);
  EXPECT_NE(result.why.find("over_budget"), std::string::npos);
}

TEST_F(RunStages, WhatWasDeferredLeavesTheChunkOpen) {
  const ChunkResult result =
      run([&](const std::string& id) { return id[0] == 'q' ? Outcome::kDeferred : Outcome::kAnswer; });
  EXPECT_FALSE(result.complete);
  EXPECT_TRUE(result.deferred);
  EXPECT_EQ(records_[0].reason, "p0a p0b p1a p1b ") << "others go on as far as they can";
}

}  // namespace
}  // namespace moonbeam::pipeline
