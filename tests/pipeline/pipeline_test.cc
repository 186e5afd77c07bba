// The pipeline as its users run it: the program, a set of drawn scenes with annotators' mistakes, the mock of
// a language model server. Same bytes whatever the workers, their order and their deaths.
#include <gtest/gtest.h>
#include <moonbeam/image.h>
#include <signal.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "cli/test_folder.h"
#include "image/resize.h"
#include "tests/cli/spawn.h"

namespace moonbeam::test {
namespace {

using cli::TestFolder;
using nlohmann::json;
namespace fs = std::filesystem;

int count_of_scenes() {
  const char* full = std::getenv("MOONBEAM_FULL");
  return full != nullptr && *full == '1' ? 2000 : 24;
}

/// All files below a folder by their names: contents.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      out[fs::relative(entry.path(), folder).string()] = read_all(entry.path().string());
  }
  return out;
}

/// A mock on a port of its own.
class Mock {
 public:
  Mock(const TestFolder& folder, const std::string& truth, std::vector<std::string> more = {})
      : address_(folder.path("address-" + std::to_string(counter_++))),
        program_(arguments(truth, std::move(more)), {.out_path = address_}) {
    EXPECT_TRUE(wait_for_lines(address_, 1));
  }
  std::string url() const {
    std::string text = read_all(address_);
    return text.substr(0, text.find('\n'));
  }

 private:
  static std::vector<std::string> arguments(const std::string& truth, std::vector<std::string> more) {
    std::vector<std::string> out = {"mockllm", "--port", "0"};
    if (!truth.empty()) out.insert(out.end(), {"--truth", truth});
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  static inline int counter_ = 0;
  std::string address_;
  Background program_;
};

class Pipeline : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_ = new TestFolder;
    const Ran ran = run({"data", "scenes", "--quiet", "-n", std::to_string(count_of_scenes()), "--seed", "5",
                         "--noisy", "--format", "coco,narratives,alttext,gqa", "--out", set()});
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  static void TearDownTestSuite() { delete files_; }
  static std::string set() { return files_->path("set"); }

  /// @return its path
  std::string recipe(const std::string& url, const std::string& instances = set() + "/coco/instances.json",
                     const std::string& client = "") {
    folder_.put("servers.json", json::array({{{"url", url}, {"start_window", 32}}}).dump());
    const int shard = count_of_scenes() / 3, chunk = shard / 2;
    return folder_.put(
        "run.toml",
        "[inputs]\nname = scenes\nimages = " + set() + "/images\ninstances = " + instances +
            "\ncaptions = " + set() + "/coco/captions.json\nnarratives = " + set() +
            "/narratives/val-seed_localized_narratives.jsonl\nalt = " + set() +
            "/alttext/alttext.jsonl\nlicence = Apache-2.0\n[client]\nservers = servers.json\n"
            "backoff_s = 0.02\n" +
            client + "[models]\nwriters = a:0.6, b:0.4\nverifier = c\nvision = eyes\n[plan]\nshard = " +
            std::to_string(shard) + "\nchunk = " + std::to_string(chunk) + "\n[run]\nlease_s = 5\n");
  }
  std::vector<std::string> words(const std::string& recipe, const std::string& work, int workers = 1) const {
    return {"data",    "run",   recipe, "--work", folder_.path(work), "--workers", std::to_string(workers),
            "--quiet", "--json"};
  }
  std::map<std::string, std::string> result(const std::string& work) const {
    std::map<std::string, std::string> out = contents(folder_.path(work + "/out"));
    for (auto& [name, text] : contents(folder_.path(work + "/shards")))
      out["shards/" + name] = std::move(text);
    return out;
  }
  /// The set's pictures, copied there; their files in order.
  static std::vector<fs::path> copied_pictures(const std::string& to) {
    fs::copy(set() + "/images", to, fs::copy_options::recursive);
    std::vector<fs::path> all;
    for (const auto& entry : fs::recursive_directory_iterator(to)) {
      if (entry.is_regular_file()) all.push_back(entry.path());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  json summary(const Ran& ran) { return json::parse(ran.out.substr(0, ran.out.find('\n'))); }

  static TestFolder* files_;
  TestFolder folder_;
};

TestFolder* Pipeline::files_ = nullptr;

/// What pipeline_acceptance prints of a run.
json acceptance(const std::string& work, const std::string& set) {
  std::string out;
  FILE* pipe = ::popen((std::string(MOONBEAM_ACCEPTANCE) + " '" + work + "' '" + set + "'").c_str(), "r");
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, got);
  EXPECT_EQ(::pclose(pipe), 0);
  return json::parse(out);
}

/// data.md 8.2. The mock errs as models do: it invents, forgets, agrees, and breaks off.
TEST_F(Pipeline, WhatComesOutIsTrue) {
  std::vector<std::string> faults = {"--truth-error", "0.02"};
  for (const char* one : {"hallucinate=0.05", "drop=0.03", "colour=0.02", "yes=0.03", "invalid_json=0.01",
                          "cut=0.01", "429=0.02,retry_after=0.05", "500=0.02", "reset=0.01"}) {
    faults.insert(faults.end(), {"--fault", one});
  }
  Mock mock(folder_, set(), faults);
  const Ran ran = run(words(recipe(mock.url()), "work", 2));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json found = acceptance(folder_.path("work"), set());
  EXPECT_LT(found["phantoms"], 0.003) << found.dump(1);
  EXPECT_TRUE(found["other_things"].empty()) << found["other_things"];
  EXPECT_LT(found["wrong_colours"], 0.01) << found.dump(1);
  EXPECT_GT(found["claims_recall"], 0.85);
  EXPECT_LT(found["claims_wrong"], 0.003);
  EXPECT_GT(found["answers_right"], 0.995) << found.dump(1);
  EXPECT_GT(found["answers"], count_of_scenes() / 2);
  // Of so few pictures that no "yes" finds its "no" none of either is kept: there is no share then.
  if (count_of_scenes() >= 200) {
    EXPECT_GT(found["yes_no"], count_of_scenes() / 4);
  }
  if (found["yes_no"] > 0) {
    EXPECT_NEAR(found["yes_share"], 0.5, 0.01) << found.dump(1);
  }
  EXPECT_GT(found["captions"], count_of_scenes());
}

TEST_F(Pipeline, WorkersAndOrderMakeNoDifference) {
  Mock mock(folder_, set());
  const std::string plain = recipe(mock.url());
  const Ran one = run(words(plain, "one"));
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(summary(one)["done"], count_of_scenes());
  EXPECT_EQ(summary(one)["failed"], 0) << one.out;
  EXPECT_GT(summary(one)["accepted"], count_of_scenes());
  ASSERT_EQ(run(words(plain, "four", 4)).status, 0);
  EXPECT_EQ(result("four"), result("one"));

  // The same annotations in another order.
  json instances = json::parse(read_all(set() + "/coco/instances.json"));
  std::mt19937 random(1);
  std::shuffle(instances["annotations"].begin(), instances["annotations"].end(), random);
  std::shuffle(instances["images"].begin(), instances["images"].end(), random);
  const std::string turned = recipe(mock.url(), folder_.put("turned.json", instances.dump()));
  const Ran two = run(words(turned, "two", 2));
  ASSERT_EQ(two.status, 0) << two.err;
  EXPECT_EQ(result("two"), result("one"));
}

/// A run and its workers, without a word.
void kill_all(pid_t run) {
  const std::string number = std::to_string(run);
  std::istringstream children(read_all("/proc/" + number + "/task/" + number + "/children"));
  ::kill(run, SIGKILL);
  for (pid_t child = 0; children >> child;) ::kill(child, SIGKILL);
}

TEST_F(Pipeline, DeathsMakeNoDifferenceAndNothingThatIsThereIsAskedFor) {
  Mock mock(folder_, set());
  ASSERT_EQ(run(words(recipe(mock.url()), "whole")).status, 0);
  Mock slow(folder_, set(), {"--latency", "4"});
  const std::vector<std::string> command = words(recipe(slow.url()), "killed", 2);
  std::mt19937 random(3);
  int kills = 0;
  for (bool done = false; kills < 20 && !done;) {
    Background run(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 400));
    kill_all(run.pid());
    done = run.wait().status == 0;  // it was quicker
    kills += done ? 0 : 1;
  }
  EXPECT_GT(kills, 2);
  const Ran last = run(command);
  ASSERT_EQ(last.status, 0) << last.err;
  EXPECT_EQ(result("killed"), result("whole"));
  EXPECT_EQ(summary(run(command))["calls"], 0) << "all is there";
}

TEST_F(Pipeline, AServerThatNeverAnswersLeavesFailedPicturesToo) {
  const std::string instances = set() + "/coco/instances.json",
                    impatient = "try_timeout_s = 0.5\ndeadline_s = 30\ngive_up_s = 2\n";
  {
    Mock mock(folder_, set(), {"--fault", "hang=1,stage=S3"});
    const Ran ran = run(words(recipe(mock.url(), instances, impatient), "work", 2));
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(summary(ran)["failed"], count_of_scenes());
    EXPECT_EQ(summary(ran)["accepted"], 0);
  }
  Mock well(folder_, set());
  std::vector<std::string> again = words(recipe(well.url(), instances, impatient), "work", 2);
  again.push_back("--again");
  EXPECT_EQ(summary(run(again))["failed"], 0);
}

TEST_F(Pipeline, CallsThatAreNeverAnsweredLeaveFailedPicturesUntilTheyAreTriedAgain) {
  const std::string instances = set() + "/coco/instances.json",
                    impatient = "try_timeout_s = 0.5\ndeadline_s = 1\ntries = 1\n";
  {
    Mock mock(folder_, set(), {"--fault", "hang=0.5,stage=S3"});
    const Ran ran = run(words(recipe(mock.url(), instances, impatient), "work", 2));
    ASSERT_EQ(ran.status, 0) << ran.err;
    const json said = summary(ran);
    EXPECT_EQ(said["done"], count_of_scenes()) << "the run finishes";
    EXPECT_GT(said["failed"], 0) << said.dump();
    EXPECT_EQ(said["reasons"]["S3: timeout"], said["failed"]) << said.dump();
  }
  Mock well(folder_, set());
  std::vector<std::string> again = words(recipe(well.url(), instances, impatient), "work", 2);
  EXPECT_GT(summary(run(again))["failed"], 0) << "what is done is done";
  again.push_back("--again");
  EXPECT_EQ(summary(run(again))["failed"], 0);
  ASSERT_EQ(run(words(recipe(well.url(), instances, impatient), "whole", 2)).status, 0);
  EXPECT_EQ(result("work"), result("whole"));
}

TEST_F(Pipeline, BadPicturesAreCounted) {
  const std::string images = folder_.path("images");
  const std::vector<fs::path> all = copied_pictures(images);
  fs::remove(all[0]);
  fs::resize_file(all[1], 40);
  Mock mock(folder_, set());
  std::string text = read_all(recipe(mock.url()));
  text.replace(text.find(set() + "/images"), (set() + "/images").size(), images);
  const Ran ran = run(words(folder_.put("run.toml", text), "bad"));
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(summary(ran)["rejected"], 2);
  EXPECT_EQ(summary(ran)["reasons"]["S0/missing"], 1);
  EXPECT_EQ(summary(ran)["reasons"]["S0/undecodable"], 1);
}

TEST_F(Pipeline, BadInputIsNamedAndMakesNoPlan) {
  const std::string whole = read_all(set() + "/coco/instances.json");
  const auto fault = [&](const std::string& instances) {
    const Ran ran = run(words(recipe("http://127.0.0.1:9", instances), "none"));
    EXPECT_NE(ran.status, 0);
    EXPECT_EQ(ran.err_lines(), 1u) << ran.err;
    EXPECT_FALSE(fs::exists(folder_.path("none/plan.json")));
    return ran.err;
  };
  EXPECT_NE(fault(folder_.put("cut.json", whole.substr(0, whole.size() / 2))).find("cut.json"),
            std::string::npos);
  EXPECT_NE(fault(set() + "/coco/captions.json").find("COCO captions"), std::string::npos);
  EXPECT_NE(fault(folder_.path("nowhere.json")).find("nowhere.json"), std::string::npos);
}

TEST_F(Pipeline, AFullDiskLosesNothing) {
  Mock mock(folder_, set());
  const std::vector<std::string> command = words(recipe(mock.url()), "full");
  // No file may become larger than this: what a full disk says, without one.
  const Ran full = run(command, {.under = {"prlimit", "--fsize=30000", "--"}});
  EXPECT_NE(full.status, 0);
  EXPECT_NE(full.err, "");
  ASSERT_EQ(run(words(recipe(mock.url()), "whole")).status, 0);
  fs::remove_all(folder_.path("full/input"));  // the plan did not come to be
  const Ran rest = run(command);
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_EQ(result("full"), result("whole"));
}

TEST_F(Pipeline, AStoppedRunGoesOn) {
  Mock mock(folder_, set(), {"--latency", "60"});
  const std::vector<std::string> command = words(recipe(mock.url()), "stopped", 2);
  {
    Background run(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(800));
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait_at_most(30).status, 128 + SIGTERM);
  }
  for (const auto& entry : fs::directory_iterator(folder_.path("stopped/leases"))) {
    ADD_FAILURE() << entry.path() << ": not given back";
  }
  ASSERT_EQ(run(command).status, 0);
}

/// Calls by stage: "S10v" is one of S10's, and so is the judge.
std::map<std::string, double> estimated_calls(const json& estimate) {
  std::map<std::string, double> out;
  for (const json& row : estimate["stages"]) {
    std::string stage = row["stage"];
    if (stage == "judge" || stage == "entail") stage = "S10";
    while (std::isalpha(static_cast<unsigned char>(stage.back()))) stage.pop_back();
    out[stage] += row["calls"].get<double>();
  }
  return out;
}

/// Of all workers' ledgers: calls by stage, and tokens.
std::pair<std::map<std::string, double>, double> spent_calls(const std::string& work) {
  std::map<std::string, double> calls;
  double tokens = 0;
  for (const auto& entry : fs::directory_iterator(work + "/ledger")) {
    std::istringstream lines(read_all(entry.path().string()));
    for (std::string line; std::getline(lines, line);) {
      const json row = json::parse(line);
      if (row["stage"] == "probe") continue;
      ++calls[row["stage"]];
      tokens += row["prompt"].get<double>() + row["completion"].get<double>();
    }
  }
  return {calls, tokens};
}

TEST_F(Pipeline, AnEstimateIsWhatARunTakes) {
  Mock mock(folder_, set());
  for (const bool eyes : {true, false}) {
    std::string text = read_all(recipe(mock.url()));
    if (!eyes) text.replace(text.find("vision = eyes"), 13, "");
    const std::string path = folder_.put("run.toml", text), work = eyes ? "eyes" : "blind";
    const json estimate = json::parse(run({"data", "estimate", path, "--json"}).out);
    ASSERT_EQ(run(words(path, work)).status, 0);
    const auto expected = estimated_calls(estimate);
    const auto [spent, tokens] = spent_calls(folder_.path(work));
    double all = 0;
    for (const auto& [stage, calls] : spent) {
      all += calls;
      if (calls < 0.5 * count_of_scenes()) continue;  // rare ones: chance decides
      EXPECT_NEAR(expected.at(stage), calls, 0.2 * calls)
          << stage << (eyes ? " with" : " without") << " eyes";
    }
    EXPECT_NEAR(estimate["calls"].get<double>(), all, 0.2 * all);
    if (eyes) continue;  // what a picture costs in tokens is each server's own
    EXPECT_NEAR(estimate["prompt"].get<double>() + estimate["completion"].get<double>(), tokens,
                0.25 * tokens);
  }
}

/// What `data stage` prints, a picture a line.
std::vector<json> lines_of(const Ran& ran) {
  std::vector<json> out;
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line));
  return out;
}

TEST_F(Pipeline, EachStageIsReplayedAloneWithoutAServer) {
  {
    Mock mock(folder_, set(), {"--fault", "invalid_json=0.02", "--fault", "hallucinate=0.1"});
    ASSERT_EQ(run(words(recipe(mock.url()), "work", 2)).status, 0);
  }
  const std::string work = folder_.path("work");
  const auto stage = [&](const std::string& name, const std::string& picture,
                         std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"data",   "stage", name,     picture,
                                        "--work", work,    "--json", "--compare"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  };
  const std::string before = read_all(work + "/plan.json");
  std::map<std::string, std::set<std::string>> written;
  for (int i = 0; i <= 12; ++i) {
    const std::string name = "S" + std::to_string(i);
    const Ran ran = stage(name, "scenes-3#query:count:0");
    ASSERT_EQ(ran.status, 0) << name << ": " << ran.err << ran.out;
    const json out = lines_of(ran).at(0);
    EXPECT_EQ(out["picture"], "scenes-3");
    EXPECT_EQ(out["compare"], json({{"input", "equal"}, {"output", "equal"}})) << name;
    for (const auto& [member, value] : out["output"].items()) written[name].insert(member);
    for (const json& call : out["calls"])
      EXPECT_TRUE(call["id"].get<std::string>().starts_with("scenes-3/" + name + "/") || name == "S5");
  }
  EXPECT_TRUE(written["S0"].contains("picture"));
  EXPECT_TRUE(written["S1"].contains("sheet"));
  EXPECT_TRUE(written["S3"].contains("claims"));
  EXPECT_TRUE(written["S6"].contains("captions"));
  EXPECT_TRUE(written["S7"].contains("pairs"));
  EXPECT_TRUE(written["S9"].contains("regions"));
  const Ran chunk = stage("S12", "scenes-3", {"--chunk"});
  EXPECT_EQ(chunk.status, 0) << chunk.err;
  EXPECT_EQ(lines_of(chunk).size(), static_cast<std::size_t>(count_of_scenes() / 6));

  // Another threshold is tried, with the same answers.
  const std::string other =
      folder_.put("other.toml", read_all(folder_.path("run.toml")) + "[S7]\nkeep = 0\n");
  const Ran tried = stage("S7", "scenes-3", {"--recipe", other});
  EXPECT_EQ(tried.status, 1) << tried.out;
  EXPECT_EQ(lines_of(tried).at(0)["compare"], json({{"input", "equal"}, {"output", "differs"}}));
  EXPECT_NE(tried.err.find("not those of the run"), std::string::npos) << tried.err;

  EXPECT_EQ(stage("S13", "scenes-3").status, 2);
  EXPECT_NE(stage("S3", "scenes-999").err.find("no picture 'scenes-999'"), std::string::npos);
  fs::remove_all(work + "/cache");
  EXPECT_NE(stage("S3", "scenes-3").err.find("is not stored"), std::string::npos);
  EXPECT_FALSE(fs::exists(work + "/cache")) << "a replay leaves no trace";
  Mock mock(folder_, set(), {"--fault", "invalid_json=0.02", "--fault", "hallucinate=0.1"});
  recipe(mock.url());
  const Ran called = stage("S3", "scenes-3", {"--call"});
  EXPECT_EQ(called.status, 0) << called.err << called.out;
  EXPECT_EQ(stage("S3", "scenes-3").status, 0) << "what was asked for is stored";
}

/// The picture without 3 % at each side, in its own size: another file with another hash, of the same looks.
void put_cut_copy(const fs::path& from, const fs::path& to) {
  const Image whole = load_image(from.string());
  const int dx = static_cast<int>(std::lround(0.03 * whole.width)),
            dy = static_cast<int>(std::lround(0.03 * whole.height));
  Image cut{whole.height - 2 * dy, whole.width - 2 * dx, {}};
  for (int y = dy; y < whole.height - dy; ++y) {
    const auto row = whole.pixels.begin() + 3 * (static_cast<std::ptrdiff_t>(y) * whole.width + dx);
    cut.pixels.insert(cut.pixels.end(), row, row + 3 * cut.width);
  }
  save_jpeg(image::resize_lanczos(cut, whole.height, whole.width), to.string());
}

/// The model that comes along looks at the pictures (models/tiny).
TEST_F(Pipeline, PicturesThatAModelFindsAlikeAreTrainedOnOnce) {
  const std::string images = folder_.path("images");
  const std::vector<fs::path> all = copied_pictures(images);
  for (const std::size_t i : {1, 2, 3, 4}) put_cut_copy(all[i], all[i + 8]);
  Mock mock(folder_, set());
  std::string text = read_all(recipe(mock.url()));
  text.replace(text.find(set() + "/images"), (set() + "/images").size(), images);
  const std::string plain = folder_.put("plain.toml", text);
  const std::string model = std::string(MOONBEAM_SOURCE_DIR) + "/models/tiny/tiny-bf16.gguf";
  const std::string looking = folder_.put("looking.toml", text + "[S13]\npicture_model = " + model + "\n");

  const auto last_line = [](const Ran& ran) {
    const std::string lines = ran.out.substr(0, ran.out.size() - 1);
    return json::parse(lines.substr(lines.rfind('\n') + 1));
  };
  const auto dropped = [](const json& result, const char* why) { return result["decisions"].value(why, 0); };
  const Ran blind = run(words(plain, "blind"));
  ASSERT_EQ(blind.status, 0) << blind.err;
  EXPECT_EQ(dropped(last_line(blind), "S13/like-picture"), 0);
  const Ran ran = run(words(looking, "work"));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json first = last_line(ran);
  EXPECT_GT(dropped(first, "S13/like-picture"), 0) << first.dump(1);
  // All four are found, by hash or looks, and nothing else is.
  EXPECT_EQ(first["pictures"].get<int>(), count_of_scenes() - 4) << first.dump(1);
  EXPECT_GT(last_line(blind)["pictures"].get<int>(), count_of_scenes() - 4);
  EXPECT_EQ(first["picture_encoder"]["encoded"], count_of_scenes());

  const auto bytes = result("work");
  const std::vector<std::string> finish = {"data",    "finish", "--work",   folder_.path("work"),
                                           "--quiet", "--json", "--threads"};
  for (const std::string threads : {"1", "2", "4"}) {
    std::vector<std::string> command = finish;
    command.push_back(threads);
    EXPECT_EQ(last_line(run(command))["picture_encoder"]["encoded"], 0) << "all is there";
    EXPECT_EQ(result("work"), bytes);
    fs::remove_all(folder_.path("work/reduce"));
    EXPECT_EQ(last_line(run(command))["picture_encoder"]["encoded"], count_of_scenes());
    EXPECT_EQ(result("work"), bytes) << threads;
  }

  // A slip is told before anything is asked.
  const std::string slip = folder_.put("slip.toml", text + "[S13]\npicture_model = nowhere.gguf\n");
  const Ran none = run(words(slip, "none"));
  EXPECT_NE(none.status, 0);
  EXPECT_EQ(none.err_lines(), 1u) << none.err;
  EXPECT_NE(none.err.find("nowhere.gguf"), std::string::npos) << none.err;
  EXPECT_FALSE(fs::exists(folder_.path("none/plan.json")));
}

TEST_F(Pipeline, AnEmbedderIsAskedOnceAPictureAndWorkersMakeNoDifference) {
  std::string text;
  double expected = 0;
  {
    Mock mock(folder_, set());
    text = read_all(recipe(mock.url()));
    text.insert(text.find("vision = eyes"), "embedder = e\n");
    const std::string path = folder_.put("run.toml", text);
    const json estimate = json::parse(run({"data", "estimate", path, "--json"}).out);
    for (const json& stage : estimate["stages"]) {
      if (stage["stage"] == "S12") expected = stage["calls"].get<double>();
    }
    ASSERT_EQ(run(words(path, "one")).status, 0);
    ASSERT_EQ(run(words(path, "three", 3)).status, 0);
    const Ran again = run(words(path, "one"));
    EXPECT_EQ(summary(again)["calls"], 0) << again.out;
  }
  EXPECT_EQ(result("three"), result("one"));
  const auto [spent, tokens] = spent_calls(folder_.path("one"));
  EXPECT_EQ(spent.at("S12"), count_of_scenes());
  EXPECT_NEAR(expected, count_of_scenes(), 0.1 * count_of_scenes());
  const Ran replayed = run(
      {"data", "stage", "S12", "scenes-3", "--chunk", "--work", folder_.path("one"), "--json", "--compare"});
  EXPECT_EQ(replayed.status, 0) << replayed.err << replayed.out;
  EXPECT_EQ(lines_of(replayed).at(0)["calls"].size(), 1u);
}

TEST_F(Pipeline, AnotherRecipeIsRefusedInTheSameFolder) {
  Mock mock(folder_, set());
  const std::string path = recipe(mock.url());
  ASSERT_EQ(run(words(path, "work")).status, 0);
  folder_.put("run.toml", read_all(path) + "[S0]\nleast_side = 32\n");
  const Ran ran = run(words(path, "work"));
  EXPECT_EQ(ran.status, 2) << ran.err;
  EXPECT_NE(ran.err.find("another pipeline"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace moonbeam::test
