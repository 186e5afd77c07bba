// The built `moonbeam serve` with the starter model, as the tests of it run it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "server/http/test_client.h"
#include "tests/cli/spawn.h"

namespace moonbeam::test {

using nlohmann::json;
using server::Answer;
using server::TestClient;

inline const std::string kModel = MOONBEAM_SOURCE_DIR "/tests/data/starter";
inline const std::string kShipped = MOONBEAM_SOURCE_DIR "/models/tiny/tiny-int8.gguf";

inline std::string base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// A data: URI of the sample picture `n`, 1 to 8.
inline const std::string& picture(int n) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> uris;
    for (int i = 1; i <= 8; ++i)
      uris.push_back("data:image/png;base64," +
                     base64(read_all(kModel + "/samples/s" + std::to_string(i) + ".png")));
    return uris;
  }();
  return all.at(static_cast<std::size_t>(n - 1));
}

inline std::string post(const std::string& path, const std::string& body, const std::string& headers = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}
inline std::string query(int n, bool stream, const std::string& headers = {}) {
  const json body = {{"image_url", picture(n)},
                     {"question", "Is there a dog?"},
                     {"stream", stream},
                     {"settings", {{"temperature", 0}}}};
  return post("/v1/query", body.dump(), headers);
}

/// Starts on a free port and waits until the model is there, unless told not to.
class Serving {
 public:
  explicit Serving(std::vector<std::string> options = {}, bool wait = true, SpawnOptions spawn = {},
                   const std::string& model = kModel) {
    folder_ = std::filesystem::temp_directory_path() /
              ("moonbeam_serving_" + std::to_string(::getpid()) + "_" + std::to_string(++count()));
    std::filesystem::create_directory(folder_);
    const auto about_tls = [](const std::string& option) { return option.starts_with("--tls-"); };
    tls_ = std::any_of(options.begin(), options.end(), about_tls);
    if (!tls_ && server::tests_speak_tls()) {
      tls_ = true;
      options.emplace_back("--tls-self-signed");
      spawn.env["XDG_STATE_HOME"] = folder();
    }
    std::vector<std::string> arguments = {"serve", "-m", model, "--port", "0", "--port-file", port_file()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    process_ = std::make_unique<Background>(arguments, spawn);
    if (!wait_for_lines(port_file(), 1)) return;
    port = static_cast<std::uint16_t>(std::stoi(read_all(port_file())));
    for (int i = 0; wait && i < 3000 && !ready(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ~Serving() {
    process_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  bool ready() const { return client().ask(get("/ready")).status == 200; }
  TestClient client() const { return TestClient(port, tls_); }
  Background& process() const { return *process_; }
  std::string folder() const { return folder_.string(); }
  std::string port_file() const { return (folder_ / "port").string(); }

  std::uint16_t port = 0;

 private:
  static int& count() {
    static int number = 0;
    return number;
  }
  std::filesystem::path folder_;
  bool tls_ = false;
  std::unique_ptr<Background> process_;
};

/// Resident memory of a process, in bytes.
inline double resident(pid_t pid) {
  double pages = 0, in_memory = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/statm") >> pages >> in_memory;
  return in_memory * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Seconds of processor time that a process has taken. Unlike the clock it does not see what else runs.
inline double cpu_seconds(pid_t pid) {
  const std::string stat = read_all("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream words(stat.substr(stat.rfind(')') + 2));
  std::string word;
  double ticks = 0;
  for (int field = 3; field <= 15 && words >> word; ++field) {
    if (field >= 14) ticks += std::stod(word);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Whether resident memory says what the server holds: with a sanitizer it holds much that is let go.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryIsItsOwn = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kMemoryIsItsOwn = false;
#else
inline constexpr bool kMemoryIsItsOwn = true;
#endif
#else
inline constexpr bool kMemoryIsItsOwn = true;
#endif

inline bool full_counts() {
  const char* wanted = std::getenv("MOONBEAM_FULL");
  return wanted != nullptr && wanted[0] == '1';
}

/// Milliseconds that `work` takes.
template <typename Work>
double ms_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// MOONBEAM_FULL=1 takes the counts of a release in place of those of every run.
inline int count(int quick, int full) {
  return full_counts() ? full : quick;
}

}  // namespace moonbeam::test
