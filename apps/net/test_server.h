// Tests only: an HTTP server on a port of the loopback that does exactly what a test says, right or wrong.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace moonbeam::net::testing {

struct Received {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string header(const std::string& name) const;
  std::string path() const { return target.substr(0, target.find('?')); }
};

/// One connection, for the answer to one request; closed when the handler returns.
class Connection {
 public:
  Connection(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}
  /// Raw bytes. @return false where the client has gone.
  bool send(std::string_view bytes);
  /// A whole answer; `headers` are lines that end in \r\n.
  bool answer(int status, std::string_view body, std::string_view headers = "");
  /// Waits until the client goes or the server ends.
  void hang();
  /// Ends with a reset instead of an orderly end.
  void reset();
  bool stopped() const { return stop_; }

 private:
  int fd_;
  const std::atomic<bool>& stop_;
};

class TestServer {
 public:
  using Handler = std::function<void(const Received&, Connection&)>;
  explicit TestServer(Handler handler);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  /// What came so far.
  std::vector<Received> requests() const;
  void forget_requests();

 private:
  void accept_all();
  void serve(int fd);
  Handler handler_;
  std::atomic<bool> stop_ = false;
  int listener_ = -1, port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Received> requests_;
  std::vector<std::thread> connections_;
  std::thread thread_;
};

/// Answers as a file server does: ranges, If-Range, ETag (none where it is empty).
void serve_bytes(const Received& request, Connection& connection, std::string_view bytes,
                 const std::string& etag);

}  // namespace moonbeam::net::testing
