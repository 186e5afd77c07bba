// moonbeam mcp as a client starts it: a process with pipes for its input and output.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>

#include "tests/cli/fixtures.h"

extern char** environ;

namespace moonbeam::test {
namespace {

/// The program with the starter, between two pipes.
class Mcp {
 public:
  explicit Mcp(const std::vector<std::string>& more) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::vector<std::string> words = {MOONBEAM_PROGRAM, "mcp", "-m", kStarter};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    if (::posix_spawn(&pid_, MOONBEAM_PROGRAM, &actions, nullptr, pointers.data(), environ) != 0) pid_ = -1;
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]), ::close(out[1]);
    to_ = in[1], from_ = out[0];
  }
  ~Mcp() {
    close_input();
    ::close(from_);
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }
  Mcp(const Mcp&) = delete;
  Mcp& operator=(const Mcp&) = delete;

  void say(const std::string& line) {
    std::string rest = line + "\n";
    while (!rest.empty()) {
      const ssize_t written = ::write(to_, rest.data(), rest.size());
      if (written <= 0) return;
      rest.erase(0, static_cast<std::size_t>(written));
    }
  }
  /// The next line; nothing after 60 s or at the end.
  std::optional<json> hear() {
    std::size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      pollfd request{from_, POLLIN, 0};
      std::array<char, 4096> piece;
      if (::poll(&request, 1, 60'000) <= 0) return {};
      const ssize_t got = ::read(from_, piece.data(), piece.size());
      if (got <= 0) return {};
      buffer_.append(piece.data(), static_cast<std::size_t>(got));
    }
    const json line = json::parse(buffer_.substr(0, end));
    buffer_.erase(0, end + 1);
    return line;
  }
  json ask(int id, const std::string& method, const json& params = json::object()) {
    say(json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}).dump());
    std::optional<json> answer = hear();
    EXPECT_TRUE(answer && (*answer)["id"] == id) << method;
    return answer.value_or(json());
  }
  json call(int id, const std::string& tool, const json& arguments) {
    return ask(id, "tools/call", {{"name", tool}, {"arguments", arguments}})["result"];
  }
  void close_input() {
    if (to_ >= 0) ::close(to_);
    to_ = -1;
  }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void signal(int number) const { ::kill(pid_, number); }

 private:
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  std::string buffer_;
};

json hello() {
  return {{"protocolVersion", "2025-06-18"},
          {"capabilities", json::object()},
          {"clientInfo", {{"name", "test"}}}};
}

TEST(McpVerb, AnswersAsTheCommandLineDoesAndEndsWithItsInput) {
  Mcp mcp({"--root", kStarter + "/samples"});
  EXPECT_EQ(mcp.ask(0, "initialize", hello())["result"]["protocolVersion"], "2025-06-18");
  mcp.say(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(mcp.ask(1, "tools/list")["result"]["tools"].size(), 4u);
  const json caption = mcp.call(2, "caption", {{"image", "s1.png"}});
  EXPECT_EQ(caption["structuredContent"]["caption"], expected("s1.png", "caption", "normal")["text"]);
  EXPECT_EQ(caption["content"][0]["text"], expected("s1.png", "caption", "normal")["text"]);
  const json query = mcp.call(3, "query", {{"image", sample("s1.png")}, {"question", "Is there a dog?"}});
  EXPECT_EQ(query["content"][0]["text"], "Yes.");
  EXPECT_EQ(mcp.call(4, "detect", {{"image", "s1.png"}, {"object", "apple"}})["structuredContent"]["objects"]
                .size(),
            2u);
  EXPECT_EQ(mcp.call(5, "point", {{"image", "s1.png"}, {"object", "apples"}})["structuredContent"]["count"],
            2);
  EXPECT_EQ(mcp.call(6, "caption", {{"image", "../README.md"}})["isError"], true);
  EXPECT_EQ(mcp.call(7, "caption", {{"image", "expected.json"}})["isError"], true);
  EXPECT_EQ(mcp.ask(8, "nothing")["error"]["code"], -32601);
  mcp.say("{");
  EXPECT_EQ((*mcp.hear())["error"]["code"], -32700);
  mcp.close_input();
  EXPECT_EQ(mcp.wait(), 0);
}

TEST(McpVerb, WhatWasAskedIsAnsweredThoughTheInputEnds) {
  Mcp mcp({"--root", kStarter + "/samples"});
  mcp.ask(0, "initialize", hello());
  for (int id = 1; id <= 3; ++id) {
    mcp.say(json({{"jsonrpc", "2.0"},
                  {"id", id},
                  {"method", "tools/call"},
                  {"params", {{"name", "caption"}, {"arguments", {{"image", "s1.png"}}}}}})
                .dump());
  }
  mcp.close_input();
  for (int id = 1; id <= 3; ++id) EXPECT_EQ((*mcp.hear())["id"], id);
  EXPECT_FALSE(mcp.hear());
  EXPECT_EQ(mcp.wait(), 0);
}

TEST(McpVerb, EndsAtASignal) {
  Mcp mcp({});
  mcp.ask(0, "initialize", hello());
  mcp.signal(SIGTERM);
  EXPECT_EQ(mcp.wait(), 143);
}

TEST(McpVerb, SaysOnStandardErrorWhatIsWrongWithItsArguments) {
  expect_refused(run({"mcp", "-m", kStarter, "--root", "/nowhere"}), 3);
  expect_refused(run({"mcp", "-m", "no-such-model"}), 3);
  const Ran quiet = run({"mcp", "-m", kStarter}, {.input = "\n"});
  EXPECT_EQ(quiet.status, 0);
  EXPECT_EQ(quiet.out, "");
}

}  // namespace
}  // namespace moonbeam::test
