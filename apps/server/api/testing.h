// Tests only: an exchange that keeps what is sent, requests, pictures in base64, models loaded once.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/test_folder.h"
#include "server/api/service.h"
#include "server/http/exchange.h"
#include "server/http/router.h"

namespace moonbeam::server::testing {

using nlohmann::json;

inline const std::string kTests = std::string(MOONBEAM_SOURCE_DIR) + "/tests/";

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The starter with another configuration, of this process alone: tests run side by side.
inline Model changed_starter(const std::string& name, const std::function<void(json& config)>& change) {
  namespace fs = std::filesystem;
  static const base::TestFolder copies;
  const fs::path from = kTests + "data/starter", folder = copies / name;
  fs::create_directories(folder);
  for (const char* file : {"model.safetensors", "tokenizer.json"})
    fs::copy_file(from / file, folder / file, fs::copy_options::skip_existing);
  json config = json::parse(read_file((from / "config.json").string()));
  change(config);
  std::ofstream(folder / "config.json") << config;
  return Model::load(folder.string(), {.mode = Mode::kF32, .threads = 2});
}

inline std::string base64(std::string_view bytes) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned word = 0;
    for (std::size_t j = 0; j < 3; ++j)
      word = word << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j > bytes.size() ? '=' : kLetters[word >> (18 - 6 * j) & 63];
  }
  return out;
}

inline std::string sample_bytes(const std::string& name = "s1") {
  return read_file(kTests + "data/starter/samples/" + name + ".png");
}
inline std::string sample_uri(const std::string& name = "s1") {
  return "data:image/png;base64," + base64(sample_bytes(name));
}

/// Keeps everything, and can be waited for.
class RecordingExchange : public Exchange {
 public:
  explicit RecordingExchange(Request request) : request_(std::move(request)) {}

  const Request& request() const noexcept override { return request_; }
  void send(Response response) override {
    change([&] {
      EXPECT_FALSE(ended_ || started_) << "an answer twice";
      response_ = std::move(response);
      ended_ = true;
    });
  }
  void start(Response head, std::string ping) override {
    change([&] {
      EXPECT_FALSE(ended_ || started_) << "a head twice";
      response_ = std::move(head);
      ping_ = std::move(ping);
      started_ = true;
    });
  }
  void write(std::string piece) override {
    change([&] {
      EXPECT_TRUE(started_ && !ended_) << "a piece outside of a stream: " << piece;
      pieces_.push_back(std::move(piece));
    });
  }
  void finish() override {
    change([&] {
      EXPECT_TRUE(started_ && !ended_);
      ended_ = true;
    });
  }
  void on_gone(std::function<void()> gone) override {
    change([&] { gone_ = std::move(gone); });
  }
  void account(Account account) override {
    change([&] { account_ = std::move(account); });
  }

  /// The reader goes away.
  void leave() {
    std::function<void()> gone;
    change([&] { gone = gone_; });
    ASSERT_TRUE(gone);
    gone();
  }
  bool wait_for(const std::function<bool(const RecordingExchange&)>& so) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return so(*this); });
  }
  /// Waits for the end.
  RecordingExchange& ended() {
    EXPECT_TRUE(wait_for([](const RecordingExchange& it) { return it.ended_; })) << "no answer";
    return *this;
  }

  int status() const { return response_.status; }
  json body() const { return json::parse(response_.body); }
  /// JSON of each event of a stream.
  std::vector<json> events() const {
    std::vector<json> out;
    for (const std::string& piece : pieces_) {
      EXPECT_EQ(piece.substr(0, 6), "data: ");
      EXPECT_EQ(piece.substr(piece.size() - 2), "\n\n");
      const json event = json::parse(piece.substr(6), nullptr, false);
      if (!event.is_discarded()) out.push_back(event);
    }
    return out;
  }

  Response response_;
  std::string ping_;
  std::vector<std::string> pieces_;
  Account account_;
  bool started_ = false, ended_ = false;

 private:
  void change(const std::function<void()>& what) {
    const std::lock_guard guard(mutex_);
    what();
    changed_.notify_all();
  }

  Request request_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> gone_;
};

using Recording = std::shared_ptr<RecordingExchange>;

/// Loaded once for each mode.
inline Model starter(Mode mode = Mode::kF32) {
  static std::map<Mode, Model> loaded;
  const auto found = loaded.find(mode);
  if (found != loaded.end()) return found->second;
  return loaded.emplace(mode, Model::load(kTests + "data/starter", {.mode = mode, .threads = 2}))
      .first->second;
}

inline Request request_of(std::string method, std::string path) {
  Request out;
  out.method = std::move(method);
  out.path = std::move(path);
  out.id = "mb-test";
  out.client = "test";
  out.received = std::chrono::steady_clock::now();
  return out;
}
inline Request json_request(std::string path, std::string body) {
  Request out = request_of("POST", std::move(path));
  out.headers.add("Content-Type", "application/json");
  out.body = std::move(body);
  return out;
}
inline Request json_request(std::string path, const json& body) {
  return json_request(std::move(path), body.dump());
}

/// Looks a request's route up and gives it to its handler, as the transport does.
inline Recording call(const Router& router, Request request) {
  const Router::Match match = router.find(request.method, request.path);
  auto exchange = std::make_shared<RecordingExchange>(std::move(request));
  EXPECT_NE(match.route, nullptr) << exchange->request().path;
  if (match.route != nullptr) match.route->handler(exchange);
  return exchange;
}

}  // namespace moonbeam::server::testing
