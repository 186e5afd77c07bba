#include "train/parallel/launch.h"

#include <gtest/gtest.h>

#include <map>

#include "model/testing.h"

namespace moonbeam::train {
namespace {

using model::testing::expect_error;
using Variables = std::map<std::string, std::string>;

Launch launch_of(const Variables& variables) {
  return read_launch([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

const Variables kTorchrun = {
    {"RANK", "3"}, {"WORLD_SIZE", "8"}, {"MASTER_ADDR", "ten.example"}, {"MASTER_PORT", "29400"}};
const Variables kSrun = {{"SLURM_PROCID", "1"},
                         {"SLURM_STEP_NUM_TASKS", "2"},
                         {"SLURM_NTASKS", "4"},
                         {"SLURM_STEP_NODELIST", "n[2-3]"},
                         {"SLURM_JOB_NODELIST", "n[1-4]"},
                         {"SLURM_JOB_ID", "77"},
                         {"SLURM_STEP_ID", "5"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}
Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

TEST(Launch, IsOneProcessWhereNobodyLaunchedIt) {
  EXPECT_TRUE(launch_of({}).alone());
  EXPECT_TRUE(launch_of({{"MASTER_ADDR", "left over"}}).alone());
  // The batch script itself, outside of a step.
  EXPECT_TRUE(launch_of(without(kSrun, "SLURM_STEP_ID")).alone());
}

TEST(Launch, ReadsTheContractOfTorchrun) {
  const Launch launch = launch_of(kTorchrun);
  EXPECT_EQ(launch.rank, 3);
  EXPECT_EQ(launch.size, 8);
  EXPECT_EQ(launch.host, "ten.example");
  EXPECT_EQ(launch.port, 29400);
  EXPECT_EQ(launch.on_machine, 1);
  EXPECT_FALSE(launch.store_runs);
  Variables more = with(kTorchrun, "LOCAL_WORLD_SIZE", "4");
  more = with(with(more, "TORCHELASTIC_USE_AGENT_STORE", "True"), "TORCHELASTIC_RESTART_COUNT", "2");
  EXPECT_EQ(launch_of(more).on_machine, 4);
  EXPECT_TRUE(launch_of(more).store_runs);
  EXPECT_EQ(launch_of(more).round, "2");
}

TEST(Launch, ReadsAStepOfSlurm) {
  const Launch launch = launch_of(kSrun);
  EXPECT_EQ(launch.rank, 1);
  EXPECT_EQ(launch.size, 2);
  EXPECT_EQ(launch.host, "n2");
  EXPECT_EQ(launch.port, 12'000 + 77 * 31 + 5);
  EXPECT_NE(launch_of(with(kSrun, "SLURM_STEP_ID", "6")).port, launch.port);
  const Variables job = without(without(kSrun, "SLURM_STEP_NUM_TASKS"), "SLURM_STEP_NODELIST");
  EXPECT_EQ(launch_of(job).size, 4);
  EXPECT_EQ(launch_of(job).host, "n1");
  const Variables chosen = with(with(kSrun, "MASTER_ADDR", "10.0.0.7"), "MASTER_PORT", "4000");
  EXPECT_EQ(launch_of(chosen).host, "10.0.0.7");
  EXPECT_EQ(launch_of(chosen).port, 4000);
  // torchrun inside a step is the nearer one.
  Variables both = kSrun;
  both.insert(kTorchrun.begin(), kTorchrun.end());
  EXPECT_EQ(launch_of(both).size, 8);
}

TEST(Launch, NamesTheVariableThatIsMissingOrWrong) {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    expect_error([&] { launch_of(without(kTorchrun, name)); }, ErrorCode::kInvalidArgument, {name, "is not"});
  }
  for (const auto& [name, value] : {std::pair{"RANK", "8"},
                                    {"RANK", "-1"},
                                    {"RANK", "1x"},
                                    {"WORLD_SIZE", "0"},
                                    {"MASTER_PORT", "99999"}}) {
    expect_error([&, n = name, v = value] { launch_of(with(kTorchrun, n, v)); }, ErrorCode::kInvalidArgument,
                 {name, value});
  }
  expect_error([] { launch_of(without(without(kSrun, "SLURM_NTASKS"), "SLURM_STEP_NUM_TASKS")); },
               ErrorCode::kInvalidArgument, {"SLURM_NTASKS"});
  expect_error([] { launch_of(without(kSrun, "SLURM_JOB_ID")); }, ErrorCode::kInvalidArgument,
               {"SLURM_JOB_ID"});
}

TEST(FirstHost, IsTheFirstOfASlurmList) {
  EXPECT_EQ(first_host("one"), "one");
  EXPECT_EQ(first_host("one,two"), "one");
  EXPECT_EQ(first_host("gpu[07-09,12],cpu1"), "gpu07");
  EXPECT_EQ(first_host("gpu[3]"), "gpu3");
  EXPECT_EQ(first_host("rack[2,4]-a,other"), "rack2-a");
  for (const char* bad : {"", "n[", "n[]", "n[1", ",two"}) {
    expect_error([&] { first_host(bad); }, ErrorCode::kInvalidArgument, {"list of machines"});
  }
}

}  // namespace
}  // namespace moonbeam::train
