// moonbeam pull, list and rm as a user runs them, against a hub on the loopback.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "cli/pull/fake_hub.h"
#include "tests/cli/fixtures.h"
#include "tests/hostile/traced.h"

namespace moonbeam::test {
namespace {

using net::testing::Connection;
using net::testing::Received;
using pull::testing::FakeHub;

class PullVerb : public ::testing::Test {
 protected:
  void put_starter(const std::string& repository) {
    for (const char* file : {"config.json", "tokenizer.json", "model.safetensors"}) {
      hub_.put(repository, file, read_all(kStarter + "/" + file), std::string(file) == "model.safetensors");
    }
  }
  std::map<std::string, std::string> env() const {
    return {{"HF_ENDPOINT", hub_.url()}, {"MOONBEAM_CACHE", folder_.path("cache")}};
  }
  Ran moonbeam(const std::vector<std::string>& arguments) const { return run(arguments, {.env = env()}); }

  const TestFolder folder_;
  FakeHub hub_;
};

TEST_F(PullVerb, WhatIsPulledIsFoundListedAskedAndRemoved) {
  put_starter("maker/starter");
  const Ran pulled = moonbeam({"pull", "hf:maker/starter"});
  ASSERT_EQ(pulled.status, 0) << pulled.err;
  const std::string path = folder_.path("cache/models/maker--starter/main");
  EXPECT_TRUE(pulled.out.starts_with(path + ": ")) << pulled.out;
  EXPECT_NE(pulled.out.find("moonbeam caption -m maker--starter@main IMAGE"), std::string::npos)
      << pulled.out;
  const std::string sentence = expected("s1.png", "caption", "normal")["text"].get<std::string>() + "\n";
  for (const char* name : {"hf:maker/starter", "maker--starter", "maker--starter@main"}) {
    EXPECT_EQ(moonbeam({"caption", "--quiet", "-m", name, sample("s1.png")}).out, sentence) << name;
  }
  EXPECT_NE(moonbeam({"list", "--names"}).out.find("maker--starter@main\n"), std::string::npos);
  EXPECT_NE(moonbeam({"pull", "--list"}).out.find(path), std::string::npos);
  const json again = json::parse(moonbeam({"pull", "hf:maker/starter", "--json"}).out);
  EXPECT_EQ(again["was_there"], true);
  EXPECT_EQ(again["path"], path);
  const Ran removed = moonbeam({"rm", "maker--starter"});
  EXPECT_EQ(removed.status, 0) << removed.err;
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(moonbeam({"list", "--names"}).out.find("maker"), std::string::npos);
  expect_refused(moonbeam({"rm", "maker--starter"}), 3);
  expect_refused(moonbeam({"rm"}), 2);
}

TEST_F(PullVerb, TheNewestMoondreamIsPulledByItsName) {
  put_starter("vikhyatk/moondream2");
  hub_.put("vikhyatk/moondream2", "tokenizer.json", "stale", false);
  hub_.put("moondream/starmie-v1", "tokenizer.json", read_all(kStarter + "/tokenizer.json"), true);
  const Ran missing = moonbeam({"caption", "-m", "moondream2", sample("s1.png")});
  expect_refused(missing, 3);
  ASSERT_NE(missing.err.find("'moonbeam pull moondream2'"), std::string::npos) << missing.err;
  ASSERT_EQ(moonbeam({"pull", "moondream2"}).status, 0);
  EXPECT_EQ(moonbeam({"caption", "--quiet", "-m", "moondream2", sample("s1.png")}).status, 0);
  const Ran files = moonbeam({"pull", "moondream2", "--list", "--json"});
  const json manifest = json::parse(files.out);
  EXPECT_EQ(manifest["revision"], "2025-06-21");
  EXPECT_EQ(manifest["files"].size(), 3u);
}

TEST_F(PullVerb, ListsWhatThereIsWithoutTheNetwork) {
  const Ran list = run({"pull", "--list"}, {.env = {{"HF_ENDPOINT", "http://127.0.0.1:1"}}});
  EXPECT_EQ(list.status, 0) << list.err;
  for (const char* part : {"moondream2@2025-06-21", "bf16", "~3.85 GB", "Apache-2.0", "moondream2:int4"}) {
    EXPECT_NE(list.out.find(part), std::string::npos) << part << "\n" << list.out;
  }
  EXPECT_GT(json_lines(run({"pull", "--list", "--json"}).out).size(), 10u);
}

TEST_F(PullVerb, ExitStatusSaysWhatWentWrong) {
  put_starter("maker/starter");
  expect_refused(moonbeam({"pull", "hf:maker/nothing"}), 3);
  expect_refused(moonbeam({"pull", "nobodys-model"}), 3);
  expect_refused(moonbeam({"pull", "../x"}), 2);
  expect_refused(moonbeam({"pull", "hf:maker/starter", "--offline"}), 7);
  expect_refused(moonbeam({"pull", "x", "--from", folder_.path("nowhere")}), 3);
  hub_.misbehave("config.json", [](const Received&, Connection& connection) {
    connection.answer(200, read_all(kStarter + "/config.json").replace(0, 1, "["));
  });
  const Ran wrong = moonbeam({"pull", "hf:maker/starter"});
  expect_refused(wrong, 4);
  EXPECT_NE(wrong.err.find("checksum"), std::string::npos) << wrong.err;
  hub_.set_listing("maker/starter",
                   R"({"siblings": [{"rfilename": "model.safetensors", "size": 1000000000000000}]})");
  expect_refused(moonbeam({"pull", "hf:maker/starter"}), 6);
}

TEST_F(PullVerb, ADeadNetworkIsSevenAfterFourAttempts) {
  const Ran dead =
      run({"pull", "moondream2"},
          {.env = {{"HF_ENDPOINT", "http://127.0.0.1:1"}, {"MOONBEAM_CACHE", folder_.path("cache")}}});
  EXPECT_EQ(dead.status, 7);
  EXPECT_EQ(dead.err_lines(), 4u) << dead.err;
  EXPECT_NE(dead.err.find("attempt 4 of 4"), std::string::npos) << dead.err;
  EXPECT_FALSE(folder_.has("cache/models/moondream2"));
}

TEST_F(PullVerb, AnInterruptKeepsThePart) {
  put_starter("maker/starter");
  const std::string weights = read_all(kStarter + "/model.safetensors");
  hub_.misbehave("model.safetensors", [&](const Received&, Connection& connection) {
    connection.send("HTTP/1.1 200 X\r\nETag: \"v\"\r\nContent-Length: " + std::to_string(weights.size()) +
                    "\r\n\r\n" + weights.substr(0, 1'500'000));
    connection.hang();
  });
  Background running({"pull", "hf:maker/starter"}, {.env = env()});
  const std::string part = folder_.path("cache/models/maker--starter/.main.pull/model.safetensors.part");
  std::error_code error;
  for (int i = 0; i < 1000 && std::filesystem::file_size(part, error) + 1 < 1'000'000; ++i) ::usleep(10'000);
  running.signal(SIGINT);
  EXPECT_EQ(running.wait_at_most(20).status, 130);
  EXPECT_EQ(std::filesystem::file_size(part, error), 1'500'000u);
  hub_.misbehave("model.safetensors", nullptr);
  hub_.server().forget_requests();
  EXPECT_EQ(moonbeam({"pull", "hf:maker/starter"}).status, 0);
  EXPECT_EQ(hub_.requests("model.safetensors").at(0).header("range"), "bytes=1500000-");
}

/// Kills the program at calls that change files, by way of ptrace.
class PullFaults : public PullVerb {
 protected:
  void SetUp() override {
    if (!testing::can_trace()) GTEST_SKIP() << "no ptrace here";
    std::mt19937 random(1);
    weights_.resize(9'000'000);
    for (char& c : weights_) c = static_cast<char>(random());
    hub_.put("maker/noise", "config.json", "{}", false);
    hub_.put("maker/noise", "model.safetensors", weights_);
  }
  testing::Traced traced(const testing::Fault& fault) const {
    return testing::run_traced(
        [&] {
          ::setenv("HF_ENDPOINT", hub_.url().c_str(), 1);
          ::setenv("MOONBEAM_CACHE", folder_.path("cache").c_str(), 1);
          const int nowhere = ::open("/dev/null", O_RDWR);
          for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
          ::execl(MOONBEAM_PROGRAM, MOONBEAM_PROGRAM, "pull", "hf:maker/noise", "--quiet", nullptr);
          return 127;
        },
        {testing::writing_calls(), ".lock"}, fault);
  }
  std::string model(const std::string& file) const { return "cache/models/maker--noise/" + file; }
  void reset() const { std::filesystem::remove_all(folder_.path("cache")); }
  void expect_whole(const std::string& where) const {
    EXPECT_EQ(folder_.get(model("main/model.safetensors")) == weights_, true) << where;
    EXPECT_EQ(folder_.get(model("main/config.json")), "{}") << where;
    EXPECT_EQ(entries_of(model("main")), 3u) << where;
    EXPECT_EQ(entries_of(model("")), 1u) << where;  // nothing is left over
  }
  std::size_t entries_of(const std::string& name) const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.path(name)), {}));
  }
  std::string weights_;
};

TEST_F(PullFaults, AfterAKillTheNextRunFetchesAtMostFourMegabytesAgain) {
  const long calls = traced({}).calls;
  ASSERT_GT(calls, 15);
  for (const long n : testing::points(calls)) {
    reset();
    const testing::Traced killed = traced({testing::FaultKind::kKill, 0, n});
    const std::string where = std::to_string(n) + ", " + killed.call;
    EXPECT_EQ(killed.signal, SIGKILL) << where;
    if (folder_.has(model("main"))) {  // all of it or nothing
      EXPECT_EQ(folder_.get(model("main/model.safetensors")) == weights_, true) << where;
      EXPECT_TRUE(folder_.has(model("main/manifest.json"))) << where;
    }
    const std::string part = model(".main.pull/model.safetensors.part");
    const std::size_t there = folder_.get(part).size();
    hub_.server().forget_requests();
    EXPECT_EQ(moonbeam({"pull", "hf:maker/noise", "--quiet"}).status, 0) << where;
    expect_whole(where);
    for (const Received& request : hub_.requests("model.safetensors")) {
      const std::string range = request.header("range");
      const std::size_t from = range.empty() ? 0 : std::stoul(range.substr(range.find('=') + 1));
      EXPECT_LE(there - from, std::size_t{4} << 20) << where << ", " << there << " bytes were there";
    }
  }
}

TEST_F(PullFaults, AFullOrBrokenDiskIsSaidAndGoneOnFrom) {
  for (const int error : {ENOSPC, EIO}) {
    reset();
    const long calls = traced({}).calls;
    for (const long n : testing::points(calls)) {
      reset();
      const testing::Traced hit = traced({testing::FaultKind::kError, error, n});
      const std::string where = std::to_string(error) + " " + std::to_string(n) + ", " + hit.call;
      EXPECT_EQ(hit.signal, 0) << where;
      EXPECT_TRUE(hit.status == 0 || hit.status == 3 || hit.status == 6) << where << ": " << hit.status;
      if (error == ENOSPC && hit.call == "write") {
        EXPECT_EQ(hit.status, 6) << where;
      }
      EXPECT_EQ(moonbeam({"pull", "hf:maker/noise", "--quiet"}).status, 0) << where;
      EXPECT_EQ(folder_.get(model("main/model.safetensors")) == weights_, true) << where;
    }
  }
}

}  // namespace
}  // namespace moonbeam::test
