// Server-sent events as they arrive: bytes in pieces of any size to the data of each event.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace moonbeam::net {

class SseReader {
 public:
  using OnData = std::function<void(const std::string& data)>;
  explicit SseReader(OnData on_data) : on_data_(std::move(on_data)) {}

  /// Comments and fields other than `data` are skipped; several lines of data are one event.
  /// @throws Error kExhausted (a line of more than 1 MiB), and what the handler throws.
  void feed(std::string_view piece);

 private:
  void line(std::string_view text);
  OnData on_data_;
  std::string rest_, data_;
  bool has_data_ = false;
};

}  // namespace moonbeam::net
