// What the decoders of one format share: the bytes, the limits, the clock. Not for other folders.
#pragma once

#include <moonbeam/image.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace moonbeam::image {

/// One call of decode_image(). Every decoder reads its header, calls allocate(), and only then decodes.
class DecodeJob {
 public:
  DecodeJob(std::span<const std::byte> data, const DecodeOptions& options, const std::string& name);

  std::span<const std::uint8_t> bytes() const { return bytes_; }

  /// @throws Error kExhausted if a limit or the machine's memory forbids a picture of this size.
  /// `extra_bytes` is what the decoder itself will take beside the picture.
  void check_size(std::uint64_t height, std::uint64_t width, std::uint64_t extra_bytes = 0) const;
  /// Black picture of this size, after check_size().
  Image allocate(std::uint64_t height, std::uint64_t width, std::uint64_t extra_bytes = 0) const;

  /// @throws Error kExhausted once the time is up. Decoders call it every kRowsPerCheck rows.
  void check_deadline() const;
  bool late() const;
  static constexpr int kRowsPerCheck = 64;

  /// Error with the name in front.
  template <typename... Parts>
  [[noreturn]] void fail(ErrorCode code, const Parts&... parts) const {
    base::fail(code, name_, ": ", parts...);
  }
  /// kCorrupt: the data ends too soon.
  [[noreturn]] void fail_truncated(std::string_view format, std::uint64_t rows_read,
                                   std::uint64_t rows) const;

 private:
  std::span<const std::uint8_t> bytes_;
  const DecodeOptions& options_;
  const std::string& name_;
  double give_up_ms_;  // base::now_ms() after which decoding stops; 0 = never
};

Image decode_jpeg(const DecodeJob& job);
Image decode_png(const DecodeJob& job);
Image decode_webp(const DecodeJob& job);
Image decode_gif(const DecodeJob& job);
Image decode_bmp(const DecodeJob& job);
Image decode_pnm(const DecodeJob& job);

}  // namespace moonbeam::image
