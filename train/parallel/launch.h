// Who this process is among those that train one model: read from what torchrun or Slurm's srun put into the
// environment. Meeting the others is ranks.h's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace moonbeam::train {

struct Launch {
  int rank = 0, size = 1;
  int on_machine = 1;       ///< ranks that share this machine's cores, where the launcher tells
  std::string host;         ///< where the ranks meet: rank 0's machine
  int port = 0;             ///< there
  bool store_runs = false;  ///< torchrun keeps the meeting place itself; else rank 0 does
  std::string round;        ///< grows when torchrun starts all ranks anew
  bool alone() const { return size == 1; }
};

/// Value of a variable, or null.
using Environment = std::function<const char*(const char*)>;

/// torchrun: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT. srun: SLURM_PROCID, SLURM_STEP_NUM_TASKS (or
/// SLURM_NTASKS) and SLURM_STEP_NODELIST (or SLURM_JOB_NODELIST) of a step; MASTER_ADDR and MASTER_PORT
/// choose another meeting place. Without either: one process.
/// @throws Error kInvalidArgument naming the variable that is missing or makes no sense.
Launch read_launch(const Environment& environment);
/// The process's own environment.
Launch read_launch();

/// First machine of a Slurm list: "gpu[07-09,12],cpu1" -> "gpu07". @throws Error kInvalidArgument.
std::string first_host(std::string_view nodes);

}  // namespace moonbeam::train
