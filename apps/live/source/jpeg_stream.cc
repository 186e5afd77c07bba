#include "live/source/jpeg_stream.h"

#include <algorithm>

#include "base/error.h"

namespace moonbeam::live {

namespace {

constexpr std::string_view kStart = "\xff\xd8", kEnd = "\xff\xd9";
constexpr std::size_t kMaxBytes = 20 << 20;

}  // namespace

// In the coded data an FF is followed by 00, so the end's two bytes stand nowhere else, unless a picture has
// a smaller one of itself in its head: what writes streams of pictures puts none there.
std::optional<std::string> JpegStream::take() {
  const std::size_t start = bytes_.find(kStart);
  if (start == std::string::npos) {
    // The last byte may be half of a start.
    bytes_.erase(0, bytes_.size() - std::min<std::size_t>(bytes_.size(), 1));
    looked_at_ = 0;
    return std::nullopt;
  }
  if (start > 0) {
    bytes_.erase(0, start);
    looked_at_ = 0;
  }
  const std::size_t end = bytes_.find(kEnd, std::max(looked_at_, kStart.size()));
  if (end == std::string::npos) {
    if (bytes_.size() > kMaxBytes) base::fail(ErrorCode::kCorrupt, "source: no end of a JPEG within 20 MiB");
    looked_at_ = bytes_.size() - 1;
    return std::nullopt;
  }
  std::string out = bytes_.substr(0, end + kEnd.size());
  bytes_.erase(0, out.size());
  looked_at_ = 0;
  return out;
}

}  // namespace moonbeam::live
