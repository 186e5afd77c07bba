// The machine as it is, containers as trees of files, and the version.
#include "base/machine.h"

#include <gtest/gtest.h>

#include <moonbeam/version.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <initializer_list>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/cgroup.h"
#include "base/test_folder.h"

namespace moonbeam::base {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

TEST(Memory, IsSane) {
  const Memory memory = base::memory();
  EXPECT_GT(memory.total, 64 * kMiB);
  EXPECT_LT(memory.total, std::int64_t{1} << 50);
  EXPECT_GE(memory.available, 0);
  EXPECT_LE(memory.available, memory.total);
}

TEST(PeakResident, GrowsWithWhatIsTouched) {
  const std::int64_t before = peak_resident_bytes();
  EXPECT_GT(before, kMiB);
  EXPECT_LE(before, base::memory().total);
  std::vector<char> block(static_cast<std::size_t>(64 * kMiB + before));  // zeros are written
  EXPECT_GE(peak_resident_bytes(), 64 * kMiB) << block[0];
}

TEST(Now, RunsForwardInMilliseconds) {
  const double before = now_ms();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double passed = now_ms() - before;
  EXPECT_GE(passed, 19.9);
  EXPECT_LT(passed, 10'000);
}

#if defined(__x86_64__)
TEST(CpuFeatures, AgreeWithTheKernel) {
  std::ifstream in("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; flags.empty() && std::getline(in, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;) flags.insert(word);
  }
  if (flags.empty()) GTEST_SKIP() << "/proc/cpuinfo lists no flags";
  const auto has = [&](std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(), [&](const char* name) { return flags.contains(name); });
  };
  const CpuFeatures& features = cpu_features();
  EXPECT_EQ(features.avx2, has({"avx", "avx2", "fma", "f16c"}));
  EXPECT_EQ(features.avx512, features.avx2 && has({"avx512f", "avx512bw", "avx512dq", "avx512vl"}));
  EXPECT_EQ(features.avx512_vnni, features.avx512 && has({"avx512_vnni"}));
  EXPECT_EQ(features.avx512_bf16, features.avx512 && has({"avx512_bf16"}));
  EXPECT_EQ(features.avx_vnni, features.avx2 && has({"avx_vnni"}));
  EXPECT_EQ(features.amx_int8, has({"amx_tile", "amx_int8"}));
  EXPECT_EQ(features.amx_bf16, has({"amx_tile", "amx_bf16"}));
  EXPECT_FALSE(features.neon);
}
#endif

TEST(Tiles, AreNotForProcessorsWithoutThem) {
  const bool has = cpu_features().amx_int8 && cpu_features().amx_bf16;
  EXPECT_TRUE(has || !may_use_tiles());
  EXPECT_EQ(may_use_tiles(), may_use_tiles());
}

TEST(CpuFeatures, NameTheCpu) {
  const std::string& name = cpu_features().name;
  ASSERT_FALSE(name.empty());
  EXPECT_NE(name.front(), ' ');
  EXPECT_NE(name.back(), ' ');
}

TEST(Cgroup, OfATreeWithoutLimitsHasNone) {
  const TestFolder root;
  EXPECT_EQ(cgroup_cores(root.path()), std::nullopt);
  EXPECT_FALSE(cgroup_memory(root.path()));
  root.put("proc/self/cgroup", "0::/user.slice\n");
  root.put("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  root.put("sys/fs/cgroup/user.slice/memory.max", "max\n");
  root.put("sys/fs/cgroup/user.slice/memory.current", "12345\n");
  EXPECT_EQ(cgroup_cores(root.path()), std::nullopt);
  EXPECT_FALSE(cgroup_memory(root.path()));
}

TEST(Cgroup, TakesTheTightestQuotaOfAllLevels) {
  const TestFolder root;
  root.put("proc/self/cgroup", "0::/a.slice/b.slice/c.scope\n");
  root.put("sys/fs/cgroup/a.slice/b.slice/c.scope/cpu.max", "400000 100000\n");
  root.put("sys/fs/cgroup/a.slice/b.slice/cpu.max", "150000 100000\n");
  root.put("sys/fs/cgroup/a.slice/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cores(root.path()), 1.5);
  root.put("sys/fs/cgroup/cpu.max", "20000 100000\n");  // a container's own group is its root
  EXPECT_EQ(cgroup_cores(root.path()), 0.2);
}

TEST(Cgroup, ReadsQuotasOfVersion1) {
  const TestFolder root;
  root.put("proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n3:cpuset:/\n");
  root.put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root.put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cores(root.path()), std::nullopt);
  root.put("sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "300000\n");
  root.put("sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cores(root.path()), 3.0);
  root.put("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "50000\n");
  root.put("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "25000\n");
  EXPECT_EQ(cgroup_cores(root.path()), 2.0);
}

TEST(Cgroup, StaysInsideTheMountWhenTheGroupLiesOutside) {
  const TestFolder root;
  root.put("proc/self/cgroup", "0::/../../other\n");
  root.put("sys/fs/cgroup/cpu.max", "100000 100000\n");
  root.put("sys/other/cpu.max", "10000 100000\n");
  EXPECT_EQ(cgroup_cores(root.path()), 1.0);
}

TEST(Cgroup, TakesTheTightestMemoryOfAllLevels) {
  const TestFolder root;
  root.put("proc/self/cgroup", "0::/a/b\n");
  root.put("sys/fs/cgroup/a/b/memory.max", "8000\n");
  root.put("sys/fs/cgroup/a/b/memory.current", "1000\n");
  root.put("sys/fs/cgroup/a/memory.max", "9000\n");
  root.put("sys/fs/cgroup/a/memory.current", "7000\n");  // its other groups hold much
  const auto memory = cgroup_memory(root.path());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 8000);
  EXPECT_EQ(memory->free, 2000);
}

TEST(Cgroup, CountsPagesOfFilesAsFree) {
  const TestFolder root;
  root.put("proc/self/cgroup", "0::/\n");
  root.put("sys/fs/cgroup/memory.max", "10000\n");
  root.put("sys/fs/cgroup/memory.current", "9000\n");
  root.put("sys/fs/cgroup/memory.stat",
           "anon 3000\nfile 6000\ninactive_file 4000\nactive_file 1500\nshmem 500\n");
  EXPECT_EQ(cgroup_memory(root.path())->free, 10000 - 9000 + 4000 + 1500);
}

TEST(Cgroup, ReadsMemoryOfVersion1) {
  const TestFolder root;
  root.put("proc/self/cgroup", "4:memory:/docker/x\n");
  root.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.put("sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n");
  EXPECT_FALSE(cgroup_memory(root.path())) << "the number that stands for no limit";
  root.put("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "6000\n");
  root.put("sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes", "7000\n");
  EXPECT_EQ(cgroup_memory(root.path())->limit, 6000);
  EXPECT_EQ(cgroup_memory(root.path())->free, 0);
  root.put("sys/fs/cgroup/memory/docker/x/memory.stat", "inactive_file 9\ntotal_inactive_file 2000\n");
  EXPECT_EQ(cgroup_memory(root.path())->free, 1000);
}

TEST(Version, AgreesWithItsNumbers) {
  EXPECT_EQ(version(), std::to_string(kVersionMajor) + "." + std::to_string(kVersionMinor) + "." +
                           std::to_string(kVersionPatch));
}

TEST(Version, NamesACommitOrUnknown) {
  const std::string name = commit();
  if (name == "unknown") GTEST_SKIP() << "built outside a checkout";
  EXPECT_TRUE(name.size() == 40 || name.size() == 64) << name;
  EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), std::string::npos) << name;
}

}  // namespace
}  // namespace moonbeam::base
