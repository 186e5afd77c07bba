#include "train/parallel/launch.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "base/error.h"

namespace moonbeam::train {

using base::fail;

namespace {

// Below the ports that the system hands out itself (32768 on Linux).
constexpr std::int64_t kFirstPort = 12'000, kPorts = 20'000;
constexpr std::int64_t kMostRanks = 1 << 20;

/// Variables of one launcher; `what` they promise stands in messages.
class Variables {
 public:
  Variables(const Environment& environment, const char* launcher, const char* because)
      : environment_(environment), launcher_(launcher), because_(because) {}

  std::string text(const char* name) const {
    const char* value = environment_(name);
    if (value == nullptr || *value == '\0') {
      fail(ErrorCode::kInvalidArgument, launcher_, ": ", because_, " is set and ", name,
           " is not: start all ranks by one launcher, or unset ", because_, " for one process");
    }
    return value;
  }
  std::int64_t number(const char* name, std::int64_t low, std::int64_t high) const {
    const std::string value = text(name);
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc() || end != value.data() + value.size() || out < low || out > high) {
      fail(ErrorCode::kInvalidArgument, launcher_, ": ", name, ": expected a number of ", low, " to ", high,
           ", got '", base::printable(value), "'");
    }
    return out;
  }
  bool has(const char* name) const {
    const char* value = environment_(name);
    return value != nullptr && *value != '\0';
  }

 private:
  const Environment& environment_;
  const char* launcher_;
  const char* because_;
};

Launch from_torchrun(const Variables& variables) {
  Launch out;
  out.size = static_cast<int>(variables.number("WORLD_SIZE", 1, kMostRanks));
  out.rank = static_cast<int>(variables.number("RANK", 0, out.size - 1));
  out.host = variables.text("MASTER_ADDR");
  out.port = static_cast<int>(variables.number("MASTER_PORT", 1, 65535));
  if (variables.has("LOCAL_WORLD_SIZE"))
    out.on_machine = static_cast<int>(variables.number("LOCAL_WORLD_SIZE", 1, out.size));
  out.store_runs = variables.has("TORCHELASTIC_USE_AGENT_STORE") &&
                   variables.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (variables.has("TORCHELASTIC_RESTART_COUNT")) out.round = variables.text("TORCHELASTIC_RESTART_COUNT");
  return out;
}

Launch from_srun(const Variables& variables) {
  Launch out;
  out.size = static_cast<int>(variables.number(
      variables.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS", 1, kMostRanks));
  out.rank = static_cast<int>(variables.number("SLURM_PROCID", 0, out.size - 1));
  if (out.alone()) return out;
  out.host = variables.has("MASTER_ADDR")
                 ? variables.text("MASTER_ADDR")
                 : first_host(variables.text(variables.has("SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST"
                                                                                  : "SLURM_JOB_NODELIST"));
  if (variables.has("MASTER_PORT")) {
    out.port = static_cast<int>(variables.number("MASTER_PORT", 1, 65535));
  } else {
    // Jobs and steps that share a machine have ports of their own.
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    const std::int64_t job = variables.number("SLURM_JOB_ID", 0, kMost);
    const std::int64_t step = variables.number("SLURM_STEP_ID", 0, kMost);
    out.port = static_cast<int>(kFirstPort + (job * 31 + step) % kPorts);
  }
  return out;
}

}  // namespace

std::string first_host(std::string_view nodes) {
  const std::size_t open = nodes.find_first_of("[,");
  std::string out(nodes.substr(0, open));
  if (open != std::string_view::npos && nodes[open] == '[') {
    const std::string_view inside = nodes.substr(open + 1);
    const std::size_t end = inside.find_first_of("-,]"), close = inside.find(']');
    if (end == 0 || close == std::string_view::npos) {
      fail(ErrorCode::kInvalidArgument, "srun: expected a list of machines as in 'node[01-04],other', got '",
           base::printable(std::string(nodes)), "'");
    }
    const std::string_view behind = inside.substr(close + 1);
    out += inside.substr(0, end);
    out += behind.substr(0, behind.find(','));
  }
  if (out.empty()) fail(ErrorCode::kInvalidArgument, "srun: expected a list of machines, got none");
  return out;
}

Launch read_launch(const Environment& environment) {
  const auto has = [&](const char* name) {
    const char* value = environment(name);
    return value != nullptr && *value != '\0';
  };
  for (const char* name : {"RANK", "WORLD_SIZE"}) {
    if (has(name)) return from_torchrun({environment, "torchrun", name});
  }
  // A batch script has SLURM_PROCID too, but no step: what it starts without srun is one process.
  if (has("SLURM_PROCID") && has("SLURM_STEP_ID")) return from_srun({environment, "srun", "SLURM_PROCID"});
  return {};
}

Launch read_launch() {
  return read_launch([](const char* name) { return std::getenv(name); });
}

}  // namespace moonbeam::train
