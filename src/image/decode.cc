// decode_image() and load_image(): tells the format, checks limits, hands over to the decoder of that format.
#include <moonbeam/image.h>

#include <algorithm>
#include <new>

#include "base/checked.h"
#include "base/file.h"
#include "base/machine.h"
#include "image/codec.h"
#include "image/exif.h"
#include "image/sniff.h"

namespace moonbeam {
namespace image {

DecodeJob::DecodeJob(std::span<const std::byte> data, const DecodeOptions& options, const std::string& name)
    : bytes_(reinterpret_cast<const std::uint8_t*>(data.data()), data.size()),
      options_(options),
      name_(name),
      give_up_ms_(options.deadline_seconds > 0 ? base::now_ms() + options.deadline_seconds * 1000 : 0) {}

void DecodeJob::check_size(std::uint64_t height, std::uint64_t width, std::uint64_t extra_bytes) const {
  if (height == 0 || width == 0) fail(ErrorCode::kCorrupt, "the picture is ", width, "x", height, " pixels");
  const auto max_side = static_cast<std::uint64_t>(std::max(0, options_.max_side));
  if (height > max_side || width > max_side) {
    fail(ErrorCode::kExhausted, "the picture is ", width, "x", height, " pixels, the limit is ", max_side,
         " a side");
  }
  const auto pixels = base::checked_mul(height, width);
  if (!pixels || *pixels > static_cast<std::uint64_t>(std::max<std::int64_t>(0, options_.max_pixels))) {
    fail(ErrorCode::kExhausted, "the picture is ", width, "x", height, " pixels, the limit is ",
         options_.max_pixels, " pixels in all");
  }
  const auto rgb = base::checked_mul(*pixels, 3);
  const auto need = rgb ? base::checked_add(*rgb, extra_bytes) : rgb;
  constexpr std::uint64_t kWorthAsking = 64 << 20;  // small pictures do not look at the machine's memory
  if (!need || *need > kWorthAsking) {
    const std::int64_t available = base::memory().available;
    if (!need || (available > 0 && *need > static_cast<std::uint64_t>(available))) {
      fail(ErrorCode::kExhausted, "the picture of ", width, "x", height, " pixels needs ",
           need ? base::format_bytes(static_cast<std::int64_t>(*need)) : "too many bytes", " of memory, ",
           base::format_bytes(available), " are free");
    }
  }
}

Image DecodeJob::allocate(std::uint64_t height, std::uint64_t width, std::uint64_t extra_bytes) const {
  check_size(height, width, extra_bytes);
  Image out;
  out.height = static_cast<int>(height);
  out.width = static_cast<int>(width);
  out.pixels.resize(static_cast<std::size_t>(height * width * 3));
  return out;
}

bool DecodeJob::late() const {
  return give_up_ms_ > 0 && base::now_ms() > give_up_ms_;
}

void DecodeJob::check_deadline() const {
  if (late()) {
    fail(ErrorCode::kExhausted, "decoding takes longer than the limit of ",
         base::format_decimal(options_.deadline_seconds, 3), " s");
  }
}

void DecodeJob::fail_truncated(std::string_view format, std::uint64_t rows_read, std::uint64_t rows) const {
  fail(ErrorCode::kCorrupt, "the ", format, " is cut off: expected ", rows, " rows, got ", rows_read,
       " from ", bytes_.size(), " bytes");
}

}  // namespace image

namespace {

Image decode_format(image::Format format, const image::DecodeJob& job) {
  switch (format) {
    case image::Format::kJpeg:
      return image::decode_jpeg(job);
    case image::Format::kPng:
      return image::decode_png(job);
    case image::Format::kWebp:
      return image::decode_webp(job);
    case image::Format::kGif:
      return image::decode_gif(job);
    case image::Format::kBmp:
      return image::decode_bmp(job);
    case image::Format::kPnm:
      return image::decode_pnm(job);
    case image::Format::kOther:
      break;
  }
  const image::Refusal refusal = image::explain_other(job.bytes());
  job.fail(refusal.known ? ErrorCode::kUnsupported : ErrorCode::kCorrupt, refusal.text);
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options, const std::string& name) {
  const image::DecodeJob job(bytes, options, name);
  if (bytes.empty()) job.fail(ErrorCode::kInvalidArgument, "the picture is empty (0 bytes)");
  const image::Format format = image::sniff(job.bytes());
  try {
    Image out = decode_format(format, job);
    if (!options.apply_orientation) return out;
    return image::apply_orientation(std::move(out), image::find_orientation(job.bytes(), format));
  } catch (const std::bad_alloc&) {
    job.fail(ErrorCode::kExhausted, "not enough memory to decode the picture");
  }
}

Image load_image(const std::string& path, const DecodeOptions& options) {
  constexpr std::size_t kMaxFileBytes = std::size_t{1}
                                        << 30;  // beyond it nothing under max_pixels needs to be
  const std::string content = base::read_file(path, kMaxFileBytes);
  return decode_image(std::as_bytes(std::span(content.data(), content.size())), options,
                      base::printable(path));
}

}  // namespace moonbeam
