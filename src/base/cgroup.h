// What the container grants: quota of cores, limit of memory, from cgroup version 2 and 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moonbeam::base {

struct CgroupMemory {
  std::int64_t limit = 0;  ///< bytes
  std::int64_t free =
      0;  ///< bytes left below the limit; pages of files, which can be given back, count as left
};

/// The tightest limit between the process's own group and the root; none if nothing is limited. `root` stands
/// before /proc and /sys: tests build a small tree of their own.
std::optional<double> cgroup_cores(const std::string& root = "");
std::optional<CgroupMemory> cgroup_memory(const std::string& root = "");

}  // namespace moonbeam::base
