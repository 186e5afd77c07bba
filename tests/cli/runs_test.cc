// Runs over many pictures: summaries, output files, interruption and resumption.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

/// `count` copies of a sample in `folder`/in.
void fill(const TestFolder& folder, int count) {
  const std::string picture = read_all(sample("s1.png"));
  for (int i = 0; i < count; ++i) folder.put("in/p" + std::to_string(1000 + i) + ".png", picture);
}

TEST(Run, SomeBadPicturesAreOneAndASummary) {
  const TestFolder folder;
  fill(folder, 2);
  folder.put("in/p1000b.png", "broken"), folder.put("in/zero.jpg", "");
  const Ran ran = run(with_model({"caption", folder.path("in"), "--json"}));
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_EQ(json_lines(ran.out).size(), 2u);
  EXPECT_EQ(ran.err_lines(), 3u) << ran.err;
  EXPECT_NE(ran.err.find("2 of 4 pictures failed"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("p1000b.png"), std::string::npos) << ran.err;
}

TEST(Run, FailFastStopsAtTheFirst) {
  const TestFolder folder;
  fill(folder, 1);
  folder.put("in/a.png", "broken");
  const Ran ran = run(with_model({"caption", folder.path("in"), "--fail-fast"}));
  EXPECT_NE(ran.status, 0);
  EXPECT_NE(ran.status, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err_lines(), 1u) << ran.err;
}

TEST(Run, FoldersAreSearchedOnRequest) {
  const TestFolder folder;
  fill(folder, 1);
  std::filesystem::create_directories(folder.path("in/sub"));
  folder.put("in/sub/q.png", read_all(sample("s2.png")));
  EXPECT_EQ(json_lines(run(with_model({"caption", folder.path("in"), "--json"})).out).size(), 1u);
  EXPECT_EQ(json_lines(run(with_model({"caption", "-r", folder.path("in"), "--json"})).out).size(), 2u);
}

TEST(Run, AnOutputFileAppearsWhole) {
  const TestFolder folder;
  fill(folder, 2);
  const Ran ran = run(with_model({"caption", folder.path("in"), "--json", "-o", folder.path("out.jsonl")}));
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(json_lines(folder.get("out.jsonl")).size(), 2u);
  EXPECT_EQ(folder.entries(), 2u);  // in, out.jsonl
}

TEST(Run, AFailedRunLeavesTheOldOutputFile) {
  const TestFolder folder;
  folder.put("out.txt", "old\n");
  expect_refused(
      run(with_model({"caption", folder.put("broken.png", "broken"), "-o", folder.path("out.txt")})), 4);
  EXPECT_EQ(folder.get("out.txt"), "old\n");
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(Run, NothingIsWrittenOverWhatItReads) {
  const TestFolder folder;
  const std::string picture = read_all(sample("s1.png")), path = folder.put("p.png", picture);
  std::filesystem::create_symlink(path, folder.path("link.png"));
  for (const std::string& target : {path, folder.path("./p.png"), folder.path("link.png")}) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"caption", path, "-o", target},
                                                      {"caption", path, sample("s2.png"), "-o", target},
                                                      {"caption", path, "--json", "--resume", "-o", target},
                                                      {"detect", path, "apple", "--draw", target}}) {
      const Ran ran = run(with_model(arguments));
      expect_refused(ran, 2);
      EXPECT_NE(ran.err.find("is read by the run"), std::string::npos) << ran.err;
      EXPECT_EQ(read_all(path), picture);
    }
  }
  ASSERT_EQ(run({"convert", kStarter, folder.path("toy.gguf"), "--quiet"}).status, 0);
  const std::string model = folder.get("toy.gguf");
  const SpawnOptions named{.env = {{"MOONBEAM_MODELS", folder.path("")}}};
  for (const std::string& name : {std::string("toy"), folder.path("toy.gguf"), folder.path("")}) {
    expect_refused(run({"caption", "-m", name, path, "-o", folder.path("toy.gguf")}, named), 2);
    EXPECT_EQ(folder.get("toy.gguf"), model);
  }
}

TEST(Run, StatsGoToStandardError) {
  const Ran ran = run({"caption", "-m", kStarter, sample("s1.png"), "--stats"});
  EXPECT_EQ(ran.out, expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n");
  EXPECT_NE(ran.err.find("tokens/s"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("peak memory"), std::string::npos) << ran.err;
}

TEST(Run, AnInterruptEndsWithWholeLines) {
  for (const auto& [number, status] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    const TestFolder folder;
    fill(folder, 400);
    const std::string out = folder.path("lines");
    Background running(with_model({"caption", folder.path("in"), "--json"}), {.out_path = out});
    ASSERT_TRUE(wait_for_lines(out, 2));
    running.signal(number);
    const Ran ran = running.wait();
    EXPECT_EQ(ran.status, status) << ran.err;
    const std::string text = read_all(out);
    EXPECT_TRUE(text.ends_with('\n'));
    const std::size_t lines = json_lines(text).size();
    EXPECT_GE(lines, 2u);
    EXPECT_LT(lines, 400u);
  }
}

TEST(Run, AnInterruptLeavesNoOutputFile) {
  const TestFolder folder;
  fill(folder, 400);
  Background running({"caption", "-m", kStarter, folder.path("in"), "-o", folder.path("out.txt"), "-v"});
  for (int i = 0; i < 6000 && folder.entries() < 2; ++i) {  // until the temporary file is there
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  running.signal(SIGINT);
  EXPECT_EQ(running.wait().status, 130);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(Resume, GoesOnAfterAKill) {
  const TestFolder folder;
  fill(folder, 60);
  const std::string out = folder.path("out.jsonl");
  const std::vector<std::string> arguments =
      with_model({"caption", folder.path("in"), "--json", "-o", out, "--resume"});
  {
    Background running(arguments);
    ASSERT_TRUE(wait_for_lines(out, 3));
    running.signal(SIGKILL);
    EXPECT_EQ(running.wait().status, 128 + SIGKILL);
  }
  // A line that the kill cut: removed and answered again.
  const std::string before = read_all(out);
  std::ofstream(out, std::ios::app) << R"({"image":"cut off)";
  const Ran ran = run(arguments);
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::string after = read_all(out);
  EXPECT_TRUE(after.starts_with(before));
  std::multiset<std::string> names;
  for (const json& line : json_lines(after)) names.insert(line["image"]);
  EXPECT_EQ(names.size(), 60u);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 60u);
  EXPECT_EQ(run(arguments).status, 0);
  EXPECT_EQ(read_all(out), after);
}

TEST(Resume, RefusesAFileMadeWithOtherOptions) {
  const TestFolder folder;
  fill(folder, 1);
  const std::string out = folder.path("out.jsonl");
  const auto again = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--quiet", folder.path("in"), "--json", "-o", out, "--resume"});
    return run(arguments);
  };
  EXPECT_EQ(again({"caption", "-m", kStarter, "--length", "short"}).status, 0);
  const std::string before = read_all(out);
  EXPECT_EQ(json::parse(before)["options"]["length"], "short");
  const std::vector<std::pair<std::string, std::vector<std::string>>> others = {
      {"length", {"caption", "-m", kStarter}},
      {"temperature", {"caption", "-m", kStarter, "--length", "short", "--temperature", "0.5"}},
      {"model", {"caption", "-m", "synth:tiny", "--length", "short"}}};
  for (const auto& [name, arguments] : others) {
    const Ran ran = again(arguments);
    expect_refused(ran, 2);
    EXPECT_NE(ran.err.find("line 1: " + name + " is "), std::string::npos) << ran.err;
  }
  EXPECT_EQ(again({"caption", "-m", kStarter + "/../starter", "--length", "short"}).status, 0);
  EXPECT_EQ(read_all(out), before);
}

TEST(Resume, AnswersFailedPicturesAgain) {
  const TestFolder folder;
  fill(folder, 1);
  folder.put("in/late.png", "broken");
  const std::vector<std::string> arguments =
      with_model({"caption", folder.path("in"), "--json", "-o", folder.path("out.jsonl"), "--resume"});
  EXPECT_EQ(run(arguments).status, 1);
  folder.put("in/late.png", read_all(sample("s2.png")));
  EXPECT_EQ(run(arguments).status, 0);
  EXPECT_EQ(json_lines(folder.get("out.jsonl")).size(), 2u);
}

}  // namespace
}  // namespace moonbeam::test
