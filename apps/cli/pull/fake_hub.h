// Tests only: a server with the hub's API over files in memory, each of which can be made to misbehave.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "net/test_server.h"

namespace moonbeam::pull::testing {

class FakeHub {
 public:
  using Handler = net::testing::TestServer::Handler;
  FakeHub();

  /// A file of a repository; `lfs`: with a SHA-256 in the listing, else with git's name of it.
  void put(const std::string& repository, const std::string& file, const std::string& bytes, bool lfs = true);
  /// Answers requests for a file instead; takes the place of an earlier one, null ends it.
  void misbehave(const std::string& file, Handler handler);
  /// Replaces the listing of a repository.
  void set_listing(const std::string& repository, const std::string& text);

  std::string url() const { return server_.url(); }
  std::string commit() const { return std::string(40, 'c'); }
  net::testing::TestServer& server() { return server_; }
  /// Requests for a file so far.
  std::vector<net::testing::Received> requests(const std::string& file) const;

 private:
  struct File {
    std::string bytes;
    bool lfs;
  };
  void answer(const net::testing::Received& request, net::testing::Connection& connection);
  std::string listing(const std::string& repository) const;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, File>> repositories_;
  std::map<std::string, std::string> listings_;
  std::map<std::string, Handler> handlers_;
  net::testing::TestServer server_;  // last: its threads use the rest
};

}  // namespace moonbeam::pull::testing
