// A run as an array of Slurm jobs: no service of ours, the shared work folder is where they meet.
#pragma once

#include <string>
#include <vector>

#include "data/pipeline/run/plan.h"

namespace moonbeam::pipeline {

struct SlurmOptions {
  std::string program;               ///< path of this program, as the nodes see it
  int tasks = 0;                     ///< of all arrays together; 0: as many as shards are open
  int most_array = 0;                ///< tasks of one array; 0: as the site says (MaxArraySize)
  bool finish = true;                ///< a last job writes the training shards when all tasks have ended well
  std::vector<std::string> options;  ///< for sbatch: "--partition=gpu"
};

/// Scripts in WORK/slurm and the commands that submit them, in order; a word "@JOBS" stands for the ids of
/// the jobs that the commands before it gave, joined by ":".
struct SlurmPlan {
  std::vector<int> shards;  ///< that are open
  std::vector<std::vector<std::string>> commands;
};
/// Only of what is missing: none where all is committed. @throws Error kExhausted (disk full).
SlurmPlan plan_slurm(const RunFolder& work, const Plan& plan, const SlurmOptions& options);

/// Runs the commands. @return the jobs' ids. @throws Error kNotFound (no sbatch), kUnsupported (what it
/// said).
std::vector<std::string> submit_slurm(const SlurmPlan& plan);
/// `scontrol show config`'s MaxArraySize; 1001 where it does not say.
int site_array_size();

}  // namespace moonbeam::pipeline
