// The program on CPU models without AVX, without AVX2 and with it, emulated by qemu: the fallback runs,
// chooses the kernels that the CPU has, and gives the same answers. qemu knows no AVX-512.
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

constexpr const char* kEmulator = "qemu-x86_64";

bool has_emulator() {
  std::istringstream folders(std::getenv("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (std::filesystem::exists(folder + "/" + kEmulator)) return true;
  }
  return false;
}

struct Cpu {
  const char* model;
  const char* isa;
};
void PrintTo(const Cpu& cpu, std::ostream* out) {
  *out << cpu.model;
}

class OldCpu : public ::testing::TestWithParam<Cpu> {
 protected:
  void SetUp() override {
#ifndef __x86_64__
    GTEST_SKIP() << "the program is not one for x86-64";
#endif
    if (!has_emulator()) GTEST_SKIP() << "no " << kEmulator << " here (Debian: apt-get install qemu-user)";
  }

  Ran run_there(std::vector<std::string> arguments) const {
    SpawnOptions options;
    options.under = {kEmulator, "-cpu", GetParam().model};
    return run(with_model(std::move(arguments)), options);
  }
};

TEST_P(OldCpu, GivesTheSameAnswersByTheKernelsItHas) {
  const Ran caption = run_there({"caption", sample("s1.png"), "--length", "long"});
  EXPECT_EQ(caption.status, 0) << caption.err;
  EXPECT_EQ(caption.out, expected("s1.png", "caption", "long")["text"].get<std::string>() + "\n");
  const Ran detect = run_there({"detect", sample("s1.png"), "apple", "--json"});
  ASSERT_EQ(detect.status, 0) << detect.err;
  const json objects = json::parse(detect.out)["objects"],
             known = expected("s1.png", "detect", "apple")["objects"];
  ASSERT_EQ(objects.size(), known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    for (const char* side : {"x_min", "y_min", "x_max", "y_max"}) {
      EXPECT_NEAR(objects[i][side].get<double>(), known[i][side].get<double>(), 1e-5) << i << " " << side;
    }
  }
  const Ran stats = run_there({"query", sample("s1.png"), "Is there a dog?", "--stats"});
  EXPECT_EQ(stats.out, "Yes.\n");
  EXPECT_NE(stats.err.find(std::string(", ") + GetParam().isa + ","), std::string::npos) << stats.err;
}

TEST_P(OldCpu, SaysWhatItLacksWhenAskedForMore) {
  const std::string more = GetParam().isa == std::string("scalar") ? "avx2" : "avx512";
  SpawnOptions options;
  options.under = {kEmulator, "-cpu", GetParam().model};
  options.env["MOONBEAM_ISA"] = more;
  const Ran ran = run(with_model({"caption", sample("s1.png")}), options);
  EXPECT_EQ(ran.status, 5) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("got '" + more + "'"), std::string::npos) << ran.err;  // beside qemu's own warnings
}

INSTANTIATE_TEST_SUITE_P(Models, OldCpu,
                         ::testing::Values(Cpu{"Nehalem", "scalar"}, Cpu{"SandyBridge", "scalar"},
                                           Cpu{"Opteron_G1", "scalar"}, Cpu{"Haswell", "avx2"}),
                         [](const auto& p) { return std::string(p.param.model); });

}  // namespace
}  // namespace moonbeam::test
