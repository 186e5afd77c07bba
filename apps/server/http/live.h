// The exchange that handlers get from a connection. Inside of the transport only.
#pragma once

#include "server/http/connection.h"

namespace moonbeam::server {

class Live final : public Exchange {
 public:
  Live(std::shared_ptr<Connection> connection, std::shared_ptr<Fate> fate, Request request);
  ~Live() override;

  const Request& request() const noexcept override { return request_; }
  void send(Response response) override;
  void start(Response head, std::string ping) override;
  void write(std::string piece) override;
  void finish() override;
  void on_gone(std::function<void()> gone) override;
  void account(Account account) override;

 private:
  bool end();  ///< true for the first to say so
  bool has_ended() const;
  template <typename Job>
  void post(Job job);

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Fate> fate_;
  Request request_;
};

}  // namespace moonbeam::server
