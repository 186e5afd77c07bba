// JPEGs one behind the other, as cameras and ffmpeg write them, cut into single ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moonbeam::live {

class JpegStream {
 public:
  void add(std::string_view bytes) { bytes_ += bytes; }
  /// The next whole picture. @throws Error kCorrupt after 20 MiB without an end.
  std::optional<std::string> take();
  void clear() { bytes_.clear(), looked_at_ = 0; }

 private:
  std::string bytes_;
  std::size_t looked_at_ = 0;  // of bytes_, without an end
};

}  // namespace moonbeam::live
