#include "net/sse.h"

#include "base/error.h"

namespace moonbeam::net {

namespace {
constexpr std::size_t kMaxLine = std::size_t{1} << 20;
}

void SseReader::feed(std::string_view piece) {
  rest_ += piece;
  std::size_t start = 0;
  for (std::size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
    line(std::string_view(rest_).substr(start, end - start));
  }
  rest_.erase(0, start);
  if (rest_.size() > kMaxLine || data_.size() > kMaxLine) {
    base::fail(ErrorCode::kExhausted, "an event of more than 1 MiB in a stream");
  }
}

void SseReader::line(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) {
    if (has_data_) on_data_(data_);
    data_.clear();
    has_data_ = false;
    return;
  }
  constexpr std::string_view kField = "data:";
  if (!text.starts_with(kField)) return;
  text.remove_prefix(kField.size());
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += text;
  has_data_ = true;
}

}  // namespace moonbeam::net
