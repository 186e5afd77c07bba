// Three servers behind Debian's HAProxy with the configuration that we publish; one is killed, one is
// stopped.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>
#include <vector>

#include "base/sha256.h"
#include "base/test_folder.h"
#include "server/http/test_client.h"
#include "tests/cli/spawn.h"

namespace moonbeam::test {

namespace {

using server::Answer;
using server::TestClient;

const std::string kProxy = MOONBEAM_HAPROXY;
const std::string kSource = MOONBEAM_SOURCE_DIR;
constexpr int kReplicas = 3;

/// A port that nobody had a moment ago.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// A 32 x 32 BMP in a colour of its own.
std::string picture(int number) {
  const auto little = [](std::uint32_t value) {
    std::string out;
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i) & 255);
    return out;
  };
  constexpr std::uint32_t kSide = 32, kBytes = 3 * kSide * kSide;
  std::string out = "BM" + little(54 + kBytes) + little(0) + little(54) + little(40) + little(kSide) +
                    little(kSide) + std::string("\1\0\30\0", 4) + little(0) + little(kBytes) + little(2835) +
                    little(2835) + little(0) + little(0);
  for (std::uint32_t i = 0; i < kSide * kSide; ++i) {
    out += static_cast<char>(number * 37);
    out += static_cast<char>(number / 7 * 53);
    out += static_cast<char>(i / kSide * 8);
  }
  return out;
}

std::string caption_request(int number, bool stream) {
  const std::string body = picture(number);
  return "POST /v1/caption?length=short&temperature=0&max_tokens=12" +
         std::string(stream ? "&stream=true" : "") +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/bmp\r\nX-Image-Digest: " +
         base::sha256_hex(std::as_bytes(std::span(body))) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// On a connection of its own.
Answer ask(std::uint16_t port, const std::string& request, int ms = 30'000) {
  TestClient client(port);
  return client.connected() ? client.ask(request, ms) : Answer{};
}

int status_of(std::uint16_t port, const std::string& path) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 2000).status;
}

bool comes_true(const std::function<bool()>& fact, int seconds = 60) {
  for (int i = 0; i < 20 * seconds; ++i) {
    if (fact()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

class Replicas : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kProxy.c_str(), X_OK) != 0) {
      GTEST_SKIP() << "skipped: no HAProxy (tools/install-packages cluster)";
    }
    std::string servers = "backend replicas\n";
    for (int i = 0; i < kReplicas; ++i) {
      ports_[i] = free_port();
      servers += "  server r" + std::to_string(i) + " 127.0.0.1:" + std::to_string(ports_[i]) + "\n";
      start(i);
    }
    port_ = free_port();
    std::string common = read_all(kSource + "/deploy/proxy/haproxy.cfg");
    const std::string bind = "bind :2020";
    ASSERT_NE(common.find(bind), std::string::npos);
    common.replace(common.find(bind), bind.size(), "bind 127.0.0.1:" + std::to_string(port_));
    folder_.put("haproxy.cfg", common);
    folder_.put("replicas.cfg", servers);
    for (const std::uint16_t port : ports_) {
      ASSERT_TRUE(comes_true([&] { return status_of(port, "/ready") == 200; })) << port;
    }
    const std::string command =
        "exec " + kProxy + " -f " + (folder_ / "haproxy.cfg") + " -f " + (folder_ / "replicas.cfg");
    proxy_ = std::make_unique<Background>(std::vector<std::string>{},
                                          SpawnOptions{.under = {"/bin/sh", "-c", command}});
    ASSERT_TRUE(comes_true([&] { return status_of(port_, "/proxy-ready") == 200; }));
    // Health checks have seen each of them.
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  }

  void start(int i) {
    replicas_[i] = std::make_unique<Background>(
        std::vector<std::string>{"serve", "--port", std::to_string(ports_[i]), "--threads", "1",
                                 "--max-queue", "64", "-m", kSource + "/tests/data/starter"});
  }

  /// Asks for captions of pictures [first, first + count) from four clients; `meanwhile` runs in the middle.
  std::vector<Answer> ask_for_many(int first, int count, const std::function<void()>& meanwhile) {
    std::vector<Answer> answers(static_cast<std::size_t>(count));
    std::atomic<int> next{0};
    std::once_flag once;
    const auto work = [&] {
      for (int i = next++; i < count; i = next++) {
        if (i == count / 3) std::call_once(once, meanwhile);
        answers[static_cast<std::size_t>(i)] = ask(port_, caption_request(first + i, i % 4 == 3));
      }
    };
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back(work);
    for (std::thread& client : clients) client.join();
    return answers;
  }

  base::TestFolder folder_;
  std::uint16_t port_ = 0, ports_[kReplicas] = {};
  std::unique_ptr<Background> replicas_[kReplicas], proxy_;
};

bool is_caption(const Answer& answer, int number) {
  if (answer.status != 200 || !answer.whole) return false;
  return number % 4 == 3 ? answer.body.find("\"completed\": true") != std::string::npos ||
                               answer.body.find("\"completed\":true") != std::string::npos
                         : nlohmann::json::parse(answer.body).contains("caption");
}

/// Says what failed and why, and when to ask again.
bool is_clear_error(const Answer& answer) {
  if (answer.status < 400 || !answer.whole || !answer.headers.contains("retry-after")) return false;
  const nlohmann::json error = nlohmann::json::parse(answer.body).at("error");
  return !error.at("message").get<std::string>().empty() && !error.at("code").get<std::string>().empty();
}

TEST_F(Replicas, APictureMeetsTheReplicaThatHasIt) {
  for (int number = 0; number < 12; ++number) {
    for (const bool again : {false, true}) {
      const Answer answer = ask(port_, caption_request(number, false));
      ASSERT_EQ(answer.status, 200) << answer.body;
      const nlohmann::json metrics = nlohmann::json::parse(answer.body).at("metrics");
      EXPECT_EQ(metrics.value("cached", false), again) << number;
    }
  }
}

TEST_F(Replicas, WithoutADigestAClientKeepsItsReplica) {
  const std::string request = caption_request(1000, false);
  std::string plain = request;
  const std::size_t at = plain.find("X-Image-Digest");
  plain.erase(at, plain.find("\r\n", at) + 2 - at);
  EXPECT_EQ(ask(port_, plain).status, 200);
  EXPECT_TRUE(nlohmann::json::parse(ask(port_, plain).body).at("metrics").value("cached", false));
}

TEST_F(Replicas, OneThatIsKilledCostsItsOwnRequestsAndSaysSo) {
  constexpr int kCount = 240;
  const std::vector<Answer> answers = ask_for_many(0, kCount, [&] { replicas_[1]->signal(SIGKILL); });
  int lost = 0;
  for (int i = 0; i < kCount; ++i) {
    const Answer& answer = answers[static_cast<std::size_t>(i)];
    if (is_caption(answer, i)) continue;
    ++lost;
    // A stream that was under way breaks off; it does not end as if it were whole.
    const bool broken = answer.status == 200 && !answer.whole && i % 4 == 3;
    EXPECT_TRUE(broken || is_clear_error(answer)) << i << ": " << answer.status << "\n"
                                                  << answer.head << answer.body;
    EXPECT_LT(i, 2 * kCount / 3) << "long after the kill: " << answer.head << answer.body;
  }
  EXPECT_LE(lost, 16);
  std::cout << lost << " of " << kCount << " requests were lost with the replica and said so\n";

  // Back again, it is found and used.
  replicas_[1]->wait();
  start(1);
  ASSERT_TRUE(comes_true([&] { return status_of(ports_[1], "/ready") == 200; }));
  EXPECT_TRUE(comes_true([&, number = 5000]() mutable {
    EXPECT_EQ(ask(port_, caption_request(number, false)).status, 200);
    const std::string figures = ask(ports_[1], "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").body;
    ++number;
    return figures.find("moonbeam:request_success_total{task=\"caption\"") != std::string::npos;
  }));
}

TEST_F(Replicas, OneThatIsStoppedEndsItsWorkAndTheOthersGoOn) {
  constexpr int kCount = 120;
  std::vector<Answer> answers = ask_for_many(0, kCount, [&] { replicas_[2]->signal(SIGTERM); });
  for (int i = 0; i < kCount; ++i) {
    Answer& answer = answers[static_cast<std::size_t>(i)];
    if (answer.status != 200) {
      EXPECT_TRUE(is_clear_error(answer)) << i << ": " << answer.status << "\n" << answer.head << answer.body;
      answer = ask(port_, caption_request(i, i % 4 == 3));
    }
    EXPECT_TRUE(is_caption(answer, i)) << i << ": " << answer.status << "\n" << answer.head << answer.body;
  }
  EXPECT_EQ(replicas_[2]->wait_at_most(30).status, 0);
}

TEST_F(Replicas, NoneIsAClearError) {
  for (auto& replica : replicas_) replica->signal(SIGKILL);
  EXPECT_TRUE(comes_true([&] { return is_clear_error(ask(port_, caption_request(1, false))); }, 10));
  EXPECT_TRUE(comes_true([&] { return status_of(port_, "/proxy-ready") == 503; }, 10));
}

}  // namespace

}  // namespace moonbeam::test
