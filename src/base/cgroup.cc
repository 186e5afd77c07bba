// Reads the files of cgroups. A limit may stand at any level: systemd sets them on slices, container engines
// on the group that the container takes for its root.
#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <vector>

namespace moonbeam::base {

namespace {

/// Path of the process's group in the hierarchy of `controller` ("" is version 2's); "/" if it has none.
std::string own_group(const std::string& root, const std::string& controller) {
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // "4:cpu,cpuacct:/user.slice"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (names.find("," + controller + ",") != std::string::npos) return line.substr(second + 1);
  }
  return "/";
}

/// Folders of the group and of all above it, each with a slash at its end. In a container the upper part of
/// the path may not exist: then nothing can be read there, and the mount itself is the container's group.
std::vector<std::string> levels(const std::string& root, const std::string& mount,
                                const std::string& controller) {
  std::string group = own_group(root, controller);
  if (group.find("/..") != std::string::npos) group = "/";  // outside of what this container sees
  std::vector<std::string> out;
  while (true) {
    while (group.ends_with('/')) group.pop_back();
    out.push_back(root + mount + group + "/");
    if (group.empty()) return out;
    group.erase(group.find_last_of('/') + 1);
  }
}

std::vector<std::string> levels_v2(const std::string& root) {
  std::vector<std::string> out = levels(root, "/sys/fs/cgroup", "");
  const std::vector<std::string> hybrid = levels(root, "/sys/fs/cgroup/unified", "");
  out.insert(out.end(), hybrid.begin(), hybrid.end());
  return out;
}

template <typename T>
std::optional<T> read_number(const std::string& path) {
  std::ifstream in(path);
  T value = 0;
  if (in >> value) return value;
  return std::nullopt;  // no such file, or "max"
}

/// Bytes on the lists of files' pages in memory.stat.
std::int64_t file_pages(const std::string& path, std::string_view prefix) {
  std::ifstream in(path);
  std::string key;
  std::int64_t sum = 0;
  for (std::int64_t value = 0; in >> key >> value;) {
    if (!std::string_view(key).starts_with(prefix)) continue;
    const std::string_view list = std::string_view(key).substr(prefix.size());
    if (list == "active_file" || list == "inactive_file") sum += value;
  }
  return sum;
}

struct MemoryFiles {
  const char *limit, *used, *prefix;
};

void tighten(std::optional<CgroupMemory>& memory, const std::string& folder, const MemoryFiles& files) {
  const auto limit = read_number<std::int64_t>(folder + files.limit);
  const auto used = read_number<std::int64_t>(folder + files.used);
  constexpr std::int64_t kUnlimited = std::int64_t{1} << 60;  // version 1 writes a huge number
  if (!limit || !used || *limit <= 0 || *limit >= kUnlimited) return;
  const std::int64_t held =
      std::max<std::int64_t>(0, *used - file_pages(folder + "memory.stat", files.prefix));
  const std::int64_t free = std::max<std::int64_t>(0, *limit - held);
  if (!memory) {
    memory = CgroupMemory{*limit, free};
  } else {  // the tightest of each, which may stand at different levels
    memory->limit = std::min(memory->limit, *limit);
    memory->free = std::min(memory->free, free);
  }
}

}  // namespace

std::optional<double> cgroup_cores(const std::string& root) {
  std::optional<double> cores;
  const auto limit_to = [&](double quota, double period) {
    if (quota > 0 && period > 0) cores = std::min(cores.value_or(quota / period), quota / period);
  };
  for (const std::string& folder : levels_v2(root)) {
    std::ifstream in(folder + "cpu.max");  // "150000 100000" or "max 100000"
    double quota = 0, period = 0;
    if (in >> quota >> period) limit_to(quota, period);
  }
  for (const char* mount : {"cpu", "cpu,cpuacct"}) {
    for (const std::string& folder : levels(root, std::string("/sys/fs/cgroup/") + mount, "cpu")) {
      limit_to(read_number<double>(folder + "cpu.cfs_quota_us").value_or(0),
               read_number<double>(folder + "cpu.cfs_period_us").value_or(0));
    }
  }
  return cores;
}

std::optional<CgroupMemory> cgroup_memory(const std::string& root) {
  std::optional<CgroupMemory> memory;
  for (const std::string& folder : levels_v2(root))
    tighten(memory, folder, {"memory.max", "memory.current", ""});
  for (const std::string& folder : levels(root, "/sys/fs/cgroup/memory", "memory")) {
    tighten(memory, folder, {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_"});
  }
  return memory;
}

}  // namespace moonbeam::base
