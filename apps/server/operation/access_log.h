// One JSON line a request. Never a picture, a question, an answer or a key.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "server/http/server.h"

namespace moonbeam::server {

struct LogOptions {
  std::string path = {};   ///< empty: standard error
  bool anonymous = false;  ///< the last part of addresses is left out
};

/// Lines go through a thread of their own: a full pipe or disk holds nobody up. What it cannot take is
/// dropped and counted in a later line.
class AccessLog {
 public:
  explicit AccessLog(LogOptions options);  ///< @throws Error kNotFound (the file cannot be opened)
  ~AccessLog();                            ///< writes what is left, for at most a second
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(const Finished& finished);
  /// {"time", "event", ...}: what happened to the server itself.
  void event(const std::string& what);
  /// Opens the file anew: a log that was moved away goes on under its name.
  void reopen();

 private:
  void add(std::string line);
  void run();
  bool put(const std::string& line);

  LogOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> lines_;
  std::uint64_t dropped_ = 0;
  bool stopped_ = false, reopen_ = false;
  int fd_ = -1;
  std::thread thread_;
};

/// The line of a request, without its end.
std::string log_line(const Finished& finished, bool anonymous);

}  // namespace moonbeam::server
