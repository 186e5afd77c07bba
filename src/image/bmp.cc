// Windows and OS/2 bitmaps: 1, 4, 8 bits with palette, 16, 24, 32 bits, RLE4, RLE8 and bit fields; bottom-up
// and top-down. Alpha is dropped. Follows Microsoft's description of BITMAPINFOHEADER and its successors.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/checked.h"
#include "image/codec.h"

namespace moonbeam::image {
namespace {

enum Compression : std::uint32_t {
  kRaw = 0,
  kRle8 = 1,
  kRle4 = 2,
  kBitFields = 3,
  kJpeg = 4,
  kPng = 5,
  kAlphaBitFields = 6
};

struct Header {
  std::uint64_t width = 0, height = 0;
  bool top_down = false;
  std::uint32_t bits = 0, compression = kRaw;
  std::size_t pixels_at = 0;
  std::array<std::uint32_t, 3> masks{};  // of red, green, blue, in 16 and 32 bit pixels
  std::vector<std::uint8_t> palette;     // [256, 3], black beyond the file's

  std::uint64_t row_bits() const { return width * bits; }
  std::uint64_t stride() const { return (row_bits() + 31) / 32 * 4; }
};

class BmpReader {
 public:
  explicit BmpReader(const DecodeJob& job) : job_(job), bytes_(job.bytes()) {}

  Header header() {
    Header out;
    constexpr std::size_t kFileHeader = 14;
    const std::uint32_t size = number(kFileHeader, 4);
    if (size != 12 && (size < 40 || size > 124)) {
      job_.fail(ErrorCode::kCorrupt, "BMP: header of ", size, " bytes, expected 12 or 40 to 124");
    }
    if (size == 12) {
      out.width = number(18, 2);
      out.height = number(20, 2);
      out.bits = number(24, 2);
    } else {
      const auto width = static_cast<std::int32_t>(number(18, 4));
      const auto height = static_cast<std::int32_t>(number(22, 4));
      if (width < 1) job_.fail(ErrorCode::kCorrupt, "BMP: the width is ", width);
      out.width = static_cast<std::uint64_t>(width);
      out.top_down = height < 0;
      out.height = static_cast<std::uint64_t>(std::abs(std::int64_t{height}));
      out.bits = number(28, 2);
      out.compression = number(30, 4);
    }
    check_kind(out);
    const std::size_t after = read_colours(out, kFileHeader + size, size);
    out.pixels_at = number(10, 4);
    if (out.pixels_at == 0) out.pixels_at = after;
    return out;
  }

 private:
  std::uint32_t number(std::size_t at, std::size_t size) const {
    if (!base::range_fits(at, size, bytes_.size())) {
      job_.fail(ErrorCode::kCorrupt, "the BMP is cut off in its header");
    }
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes_[at + i];
    return value;
  }

  void check_kind(const Header& header) const {
    const std::uint32_t bits = header.bits;
    const bool palette = bits == 1 || bits == 4 || bits == 8;
    if (!palette && bits != 16 && bits != 24 && bits != 32) {
      job_.fail(ErrorCode::kUnsupported, "BMP: ", bits, " bits a pixel, expected 1, 4, 8, 16, 24 or 32");
    }
    switch (header.compression) {
      case kRaw:
        return;
      case kRle8:
      case kRle4:
        if (bits == (header.compression == kRle8 ? 8 : 4)) return;
        break;
      case kBitFields:
      case kAlphaBitFields:
        if (bits == 16 || bits == 32) return;
        break;
      case kJpeg:
      case kPng:
        job_.fail(ErrorCode::kUnsupported,
                  "BMP: a JPEG or PNG inside; convert it first, e.g. `convert in.bmp out.png`");
      default:
        break;
    }
    job_.fail(ErrorCode::kUnsupported, "BMP: compression ", header.compression, " of ", bits, " bit pixels");
  }

  /// Masks and palette. @return where the pixels would begin if nothing stood between.
  std::size_t read_colours(Header& header, std::size_t at, std::uint32_t header_size) const {
    if (header.bits == 16) header.masks = {0x7c00, 0x03e0, 0x001f};
    if (header.bits == 32) header.masks = {0xff0000, 0x00ff00, 0x0000ff};
    if (header.compression == kBitFields || header.compression == kAlphaBitFields) {
      // In the 40-byte header the masks follow it; in longer ones they stand at the same place, inside.
      for (std::size_t i = 0; i < 3; ++i) header.masks[i] = number(54 + 4 * i, 4);
      if (header_size == 40) at += header.compression == kBitFields ? 12 : 16;
    }
    if (header.bits > 8) return at;
    const std::size_t entry = header_size == 12 ? 3 : 4;
    const std::uint32_t stated = header_size == 12 ? 0 : number(46, 4);
    const std::size_t most = std::size_t{1} << header.bits;
    const std::size_t count = stated == 0 ? most : std::min<std::size_t>(stated, most);
    header.palette.assign(256 * 3, 0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t bgr = number(at + i * entry, 3);
      header.palette[i * 3] = static_cast<std::uint8_t>(bgr >> 16);
      header.palette[i * 3 + 1] = static_cast<std::uint8_t>(bgr >> 8);
      header.palette[i * 3 + 2] = static_cast<std::uint8_t>(bgr);
    }
    return at + count * entry;
  }

  const DecodeJob& job_;
  std::span<const std::uint8_t> bytes_;
};

/// Picture row that file row `y` fills.
std::uint8_t* row_of(Image& out, const Header& header, std::uint64_t y) {
  const std::uint64_t row = header.top_down ? y : header.height - 1 - y;
  return out.pixels.data() + row * header.width * 3;
}

std::uint8_t masked(std::uint32_t pixel, std::uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  return static_cast<std::uint8_t>(std::uint64_t{(pixel & mask) >> shift} * 255 / (mask >> shift));
}

void unpack_row(const Header& header, const std::uint8_t* in, std::uint8_t* out) {
  for (std::uint64_t x = 0; x < header.width; ++x, out += 3) {
    switch (header.bits) {
      case 24:
        out[0] = in[x * 3 + 2];
        out[1] = in[x * 3 + 1];
        out[2] = in[x * 3];
        break;
      case 16:
      case 32: {
        std::uint32_t pixel = 0;
        for (std::uint32_t i = header.bits / 8; i-- > 0;) pixel = pixel << 8 | in[x * (header.bits / 8) + i];
        for (std::size_t c = 0; c < 3; ++c) out[c] = masked(pixel, header.masks[c]);
        break;
      }
      default: {
        const std::uint64_t bit = x * header.bits;
        const std::uint32_t index = in[bit / 8] >> (8 - header.bits - bit % 8) & ((1u << header.bits) - 1);
        std::memcpy(out, header.palette.data() + index * 3, 3);
      }
    }
  }
}

void read_raw(const DecodeJob& job, const Header& header, std::span<const std::uint8_t> data, Image& out) {
  for (std::uint64_t y = 0; y < header.height; ++y) {
    if (y % DecodeJob::kRowsPerCheck == 0) job.check_deadline();
    unpack_row(header, data.data() + y * header.stride(), row_of(out, header, y));
  }
}

/// Run lengths: pairs (count, index or index pair); count 0 escapes: 0 next row, 1 end, 2 move, n literal.
void read_rle(const DecodeJob& job, const Header& header, std::span<const std::uint8_t> data, Image& out) {
  const bool nibbles = header.compression == kRle4;
  std::uint64_t x = 0, y = 0;
  const auto put = [&](std::uint32_t index) {
    if (x < header.width && y < header.height) {
      std::memcpy(row_of(out, header, y) + x * 3, header.palette.data() + index * 3, 3);
    }
    ++x;
  };
  const auto nth = [&](std::uint8_t byte, std::uint32_t i) -> std::uint32_t {
    return !nibbles ? byte : i % 2 == 0 ? byte >> 4 : byte & 15u;
  };
  for (std::uint64_t i = 0; i < out.pixels.size(); i += 3) {
    std::memcpy(out.pixels.data() + i, header.palette.data(), 3);
  }
  std::size_t at = 0;
  for (std::size_t steps = 0; at + 2 <= data.size(); ++steps) {
    if (steps % 4096 == 0) job.check_deadline();
    const std::uint8_t count = data[at], value = data[at + 1];
    at += 2;
    if (count > 0) {
      for (std::uint32_t i = 0; i < count; ++i) put(nth(value, i));
    } else if (value == 0) {
      x = 0;
      ++y;
    } else if (value == 1) {
      return;
    } else if (value == 2) {
      if (at + 2 > data.size()) break;
      x += data[at];
      y += data[at + 1];
      at += 2;
    } else {
      const std::size_t size = nibbles ? (value + 1u) / 2 : value;
      if (at + size > data.size()) break;
      for (std::uint32_t i = 0; i < value; ++i) put(nth(data[at + (nibbles ? i / 2 : i)], i));
      at += size + size % 2;  // literals end on an even byte
    }
  }
  if (y + 1 < header.height || (y + 1 == header.height && x < header.width)) {
    job.fail_truncated("BMP", y, header.height);
  }
}

}  // namespace

Image decode_bmp(const DecodeJob& job) {
  const Header header = BmpReader(job).header();
  job.check_size(header.height, header.width);
  const bool rle = header.compression == kRle8 || header.compression == kRle4;
  const std::span<const std::uint8_t> data =
      job.bytes().subspan(std::min(header.pixels_at, job.bytes().size()));
  // The padding of the last row may be missing.
  const std::uint64_t needed = rle ? 0 : header.stride() * (header.height - 1) + (header.row_bits() + 7) / 8;
  if (needed > data.size()) job.fail_truncated("BMP", data.size() / header.stride(), header.height);
  Image out = job.allocate(header.height, header.width);
  if (rle) {
    read_rle(job, header, data, out);
  } else {
    read_raw(job, header, data, out);
  }
  return out;
}

}  // namespace moonbeam::image
