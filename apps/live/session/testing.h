// Tests only: sockets, a clock and an engine that do what the test says.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "live/session/asker.h"
#include "live/session/hub.h"
#include "server/http/socket.h"

namespace moonbeam::live::testing {

using Json = nlohmann::json;

/// Keeps what it is given; `waiting` is what the network has not taken.
class FakeSocket : public server::Socket {
 public:
  void send_text(std::string text) override { texts.push_back(Json::parse(text)); }
  void send_binary(std::string bytes) override { binaries.push_back(std::move(bytes)); }
  std::size_t queued() const noexcept override { return waiting; }
  void close(int code, std::string reason) override {
    EXPECT_EQ(close_code, 0) << "closed twice";
    EXPECT_LE(reason.size(), 123u);
    close_code = code;
  }

  /// Messages of a kind, in order.
  std::vector<Json> all(const std::string& kind) const {
    std::vector<Json> out;
    for (const Json& text : texts) {
      if (text.at("t") == kind) out.push_back(text);
    }
    return out;
  }
  Json last(const std::string& kind) const {
    const std::vector<Json> found = all(kind);
    EXPECT_FALSE(found.empty()) << "no message of kind " << kind;
    return found.empty() ? Json::object() : found.back();
  }
  /// "seq why" of the last drop.
  std::string last_drop() const {
    const Json drop = last("drop");
    return drop.empty() ? "" : drop.at("seq").dump() + " " + drop.at("why").get<std::string>();
  }

  std::vector<Json> texts;
  std::vector<std::string> binaries;
  std::size_t waiting = 0;
  int close_code = 0;
};

/// Asks nobody: the test begins and ends each question.
class FakeAsker : public Asker {
 public:
  struct Asked {
    Task task;
    std::string client;
    int width = 0;
    AskCallbacks callbacks;
    bool answering = false, ended = false;
  };

  Id ask(const Task& task, const Image& image, const std::string& client, AskCallbacks callbacks) override {
    if (full) throw QueueFull("the queue is full", 50);
    asked.push_back({task, client, image.width, std::move(callbacks)});
    asked.back().callbacks.on_begin();
    return asked.size();
  }
  void cancel(Id id) override {
    cancelled.push_back(id);
    end(asked.at(id - 1), {.kind = End::Kind::kCancelled});
  }
  Load load() const override { return {.queued = 3, .running = 2}; }

  void say(const std::string& text) {
    if (!std::exchange(asked.back().answering, true)) asked.back().callbacks.on_first_token();
    asked.back().callbacks.on_text(text);
  }
  void answer(const std::string& text) {
    Answer out{.skill = asked.back().task.skill, .text = text, .finish = "stop"};
    out.timing.tokens = 4;
    out.timing.decode_ms = 8;
    end(asked.back(), {.answer = out});
  }
  void end(Asked& which, End how) {
    if (!std::exchange(which.ended, true)) which.callbacks.on_end(std::move(how));
  }

  std::vector<Asked> asked;
  std::vector<Id> cancelled;
  bool full = false;
};

inline ModelInfo test_model() {
  ModelInfo out;
  out.name = "test";
  out.dtype = "bf16";
  out.isa = "scalar";
  out.threads = 2;
  out.can_detect = true;
  out.caption_lengths = {"short", "normal", "long"};
  return out;
}

/// A grey picture in a format without compression.
inline std::string picture(int grey, int side = 64) {
  return "P5\n" + std::to_string(side) + " " + std::to_string(side) + "\n255\n" +
         std::string(static_cast<std::size_t>(side * side), static_cast<char>(grey));
}

inline std::string with_header(const std::string& header, const std::string& bytes) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return out + header + bytes;
}

inline std::string frame(int seq, int rev, int grey = 0, bool force = false) {
  Json header = {{"seq", seq}, {"ts", 1000 + seq}, {"rev", rev}, {"w", 64}, {"h", 64}};
  if (force) header["force"] = true;
  return with_header(header.dump(), picture(grey));
}

/// A hub with a clock that stands until it is moved.
class HubTest : public ::testing::Test {
 protected:
  HubOptions options() {
    HubOptions out;
    out.now = [this] { return std::chrono::steady_clock::time_point(std::chrono::milliseconds(ms_)); };
    return out;
  }
  void make_hub(HubOptions options) {
    hub_ = std::make_unique<Hub>(asker_, test_model(), std::move(options));
  }
  Hub& hub() {
    if (!hub_) make_hub(options());
    return *hub_;
  }
  void advance(int ms) { ms_ += ms; }
  /// Until nothing is left to do.
  void work() {
    for (int round = 0; hub().work(); ++round) ASSERT_LT(round, 1000);
  }

  struct Guest {
    std::shared_ptr<FakeSocket> socket = std::make_shared<FakeSocket>();
    server::SocketEvents events;
    void say(const Json& message) { events.on_text(message.dump()); }
    void send(std::string bytes) { events.on_binary(std::move(bytes)); }
    void leave() { events.on_close(1000); }
  };
  Guest connect() {
    Guest out;
    out.events = hub().accept(out.socket);
    return out;
  }
  /// Greeted, and asking a question under rev 1.
  Guest join(const std::string& question = "What is it?") {
    Guest out = connect();
    out.say({{"t", "hello"}, {"v", 1}});
    out.say({{"t", "task"}, {"skill", "query"}, {"question", question}, {"rev", 1}});
    return out;
  }

  FakeAsker asker_;

 private:
  std::atomic<int> ms_{1000};
  std::unique_ptr<Hub> hub_;
};

}  // namespace moonbeam::live::testing
