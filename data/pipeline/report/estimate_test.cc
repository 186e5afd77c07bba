#include "data/pipeline/report/estimate.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

namespace moonbeam::pipeline {
namespace {

Roles two_writers() {
  Roles roles;
  roles.writers = {{"w1", "", 3}, {"w2", "", 1}};
  roles.verifier = {"v"};
  roles.judge = {"v"};
  roles.vision = {"eye"};
  return roles;
}

TEST(Estimate, CountsTokensMoneyAndHours) {
  const std::vector<ExpectedCalls> calls = {
      {.prompt = "S6", .role = Role::kWriter, .calls = 1'200'000, .input = 100, .output = 50}};
  std::vector<llm::EndpointOptions> servers(2);
  servers[0].models = {"w1"};
  servers[0].prices = {.prompt = 1, .cached = 0.5, .completion = 2};
  servers[0].requests_per_minute = 600;
  servers[1].models = {"w2"};
  servers[1].prices.gpus = 2;
  EstimateOptions options;
  options.prompt_tokens = {{"S6", 400}};
  const Estimate out = estimate(calls, two_writers(), servers, options);
  ASSERT_EQ(out.stages.size(), 2u);
  EXPECT_DOUBLE_EQ(out.stages[0].calls, 900'000);
  EXPECT_DOUBLE_EQ(out.stages[0].prompt, 450e6);
  EXPECT_DOUBLE_EQ(out.stages[0].money, 450 + 2 * 45);
  EXPECT_DOUBLE_EQ(out.stages[1].completion, 15e6);
  EXPECT_DOUBLE_EQ(out.gpu_hours, 6);
  EXPECT_DOUBLE_EQ(out.hours, 25);  // 900,000 calls at 600 a minute; the GPUs need 3
  EXPECT_EQ(out.slowest, "w1");
  EXPECT_TRUE(out.unserved.empty());
  options.cached = 1;
  EXPECT_DOUBLE_EQ(estimate(calls, two_writers(), servers, options).stages[0].money, 90 + 180 + 90);
  EXPECT_NE(estimate_text(out).find("bounded by the servers of w1"), std::string::npos);
  EXPECT_EQ(estimate_json(out)["calls"], 1'200'000);
}

TEST(Estimate, AgreesWithTheReferenceFigureOfTheSpec) {
  // 849,000 narratives x 20 calls x 160 tokens = 2.7 B tokens, about 1,100 H100-hours.
  const std::vector<ExpectedCalls> calls = {
      {.prompt = "S6", .role = Role::kVerifier, .calls = 20 * 849'000.0, .output = 160}};
  std::vector<llm::EndpointOptions> servers(1);
  servers[0].prices.gpus = 8;
  const Estimate out = estimate(calls, two_writers(), servers, {});
  EXPECT_NEAR(out.completion, 2.7e9, 0.05e9);
  EXPECT_NEAR(out.gpu_hours, 1100, 20);
  EXPECT_NEAR(out.hours, out.gpu_hours / 8, 1e-6);
}

TEST(Estimate, NamesModelsThatNoServerHas) {
  std::vector<llm::EndpointOptions> servers(1);
  servers[0].models = {"w1", "w2", "eye"};
  const std::vector<ExpectedCalls> calls = {{.prompt = "S3", .role = Role::kWriter, .calls = 1},
                                            {.prompt = "S10", .role = Role::kVerifier, .calls = 1},
                                            {.prompt = "S10v", .role = Role::kVision, .calls = 1}};
  EXPECT_EQ(estimate(calls, two_writers(), servers, {}).unserved, std::vector<std::string>{"v"});
}

TEST(Estimate, CountsTheEmbeddersTextsWhereThereIsOne) {
  const std::vector<llm::EndpointOptions> servers(1);
  const std::vector<ExpectedCalls> calls = {
      {.prompt = "S12", .role = Role::kEmbedder, .calls = 10, .input = 200, .output = 0}};
  Roles roles = two_writers();
  EXPECT_EQ(estimate(calls, roles, servers, {}).calls, 0);
  roles.embedder = {"near"};
  const Estimate out = estimate(calls, roles, servers, {});
  EXPECT_EQ(out.calls, 10);
  EXPECT_EQ(out.prompt, 2000);
  EXPECT_EQ(out.completion, 0);
}

TEST(EstimateLike, ScalesWhatATrialTook) {
  Costs trial;
  trial.by_stage["S3"] = {10, {1000, 200, 0}, 0.5, 36};
  trial.by_model["w"] = trial.by_stage["S3"];
  std::vector<llm::EndpointOptions> servers(1);
  servers[0].requests_per_minute = 10;
  const Estimate out = estimate_like(trial, 5, 500, servers, {});
  EXPECT_DOUBLE_EQ(out.calls, 1000);
  EXPECT_DOUBLE_EQ(out.prompt, 100'000);
  EXPECT_DOUBLE_EQ(out.money, 50);
  EXPECT_DOUBLE_EQ(out.gpu_hours, 1);
  EXPECT_DOUBLE_EQ(out.hours, 100.0 / 60);
  EXPECT_EQ(out.slowest, "w");
  EXPECT_THROW(estimate_like(trial, 0, 500, servers, {}), Error);
}

TEST(ConstantTokens, CountSystemUserAndTheChosenExamples) {
  Prompt prompt;
  prompt.system = std::string(40, 's');
  prompt.user = std::string(40, 'u');
  EXPECT_EQ(constant_tokens(prompt, 2), 20);
  prompt.examples.assign(4, {std::string(18, 'i'), std::string(18, 'o')});
  EXPECT_EQ(constant_tokens(prompt, 2), 40);
}

}  // namespace
}  // namespace moonbeam::pipeline
