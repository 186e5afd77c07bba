// PBM, PGM and PPM, as text (P1..P3) and binary (P4..P6), with largest values up to 65535. Values are scaled
// to 0..255 and rounded to the nearest, halves to even, as Pillow does.
#include <algorithm>
#include <cmath>
#include <vector>

#include "image/codec.h"

namespace moonbeam::image {
namespace {

bool is_blank(std::uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Walks over the text parts of the file.
class Cursor {
 public:
  explicit Cursor(const DecodeJob& job) : job_(job), bytes_(job.bytes()) {}

  /// A whole number after blanks and comments.
  std::uint32_t number(std::string_view what, std::uint32_t limit) {
    skip_blanks();
    const std::size_t start = at_;
    std::uint64_t value = 0;
    while (at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9') {
      value = value * 10 + (bytes_[at_++] - '0');
      if (value > limit)
        job_.fail(ErrorCode::kCorrupt, "PNM: ", what, " is ", value, ", expected at most ", limit);
    }
    if (at_ == start) {
      job_.fail(ErrorCode::kCorrupt, "PNM: expected ", what,
                at_ < bytes_.size() ? ", a number" : ", the data ends");
    }
    return static_cast<std::uint32_t>(value);
  }

  /// One digit 0 or 1; blanks between them may be missing.
  bool bit() {
    skip_blanks();
    if (at_ >= bytes_.size()) job_.fail(ErrorCode::kCorrupt, "PNM: expected a pixel, the data ends");
    if (bytes_[at_] != '0' && bytes_[at_] != '1')
      job_.fail(ErrorCode::kCorrupt, "PNM: expected a pixel, 0 or 1");
    return bytes_[at_++] == '1';
  }

  /// The one blank between header and binary pixels.
  std::span<const std::uint8_t> binary() {
    if (at_ >= bytes_.size() || !is_blank(bytes_[at_])) {
      job_.fail(ErrorCode::kCorrupt, "PNM: expected a blank after the header");
    }
    return bytes_.subspan(at_ + 1);
  }

 private:
  void skip_blanks() {
    while (at_ < bytes_.size() && (is_blank(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_++] != '#') continue;
      while (at_ < bytes_.size() && bytes_[at_] != '\n' && bytes_[at_] != '\r') ++at_;
    }
  }

  const DecodeJob& job_;
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 2;
};

struct Header {
  char kind = 0;  // '1'..'6'
  std::uint32_t width = 0, height = 0, max_value = 1;

  bool text() const { return kind <= '3'; }
  bool bits() const { return kind == '1' || kind == '4'; }
  std::uint64_t channels() const { return kind == '3' || kind == '6' ? 3 : 1; }
  /// Bytes of a row in the file; of text the least there can be.
  std::uint64_t row_bytes() const {
    if (kind == '4') return (std::uint64_t{width} + 7) / 8;
    return width * channels() * (!text() && max_value > 255 ? 2 : 1);
  }
};

/// Sample `i` of a row, 0..max_value. `row` is where the row begins in binary files.
std::uint32_t read_sample(const Header& header, Cursor& cursor, const std::uint8_t* row, std::uint64_t i) {
  switch (header.kind) {
    case '1':
      return cursor.bit() ? 0 : 1;  // 1 is black
    case '2':
    case '3':
      return cursor.number("a pixel", header.max_value);
    case '4':
      return (row[i / 8] >> (7 - i % 8) & 1) != 0 ? 0 : 1;
    default: {
      const std::uint32_t value =
          header.max_value > 255 ? static_cast<std::uint32_t>(row[2 * i] << 8 | row[2 * i + 1]) : row[i];
      return std::min(value, header.max_value);
    }
  }
}

}  // namespace

Image decode_pnm(const DecodeJob& job) {
  Cursor cursor(job);
  constexpr std::uint32_t kMaxSide = 1'000'000'000;  // check_size() has the real limit
  Header header;
  header.kind = static_cast<char>(job.bytes()[1]);
  header.width = cursor.number("the width", kMaxSide);
  header.height = cursor.number("the height", kMaxSide);
  if (!header.bits()) header.max_value = cursor.number("the largest value", 65535);
  if (header.max_value == 0) job.fail(ErrorCode::kCorrupt, "PNM: the largest value is 0");
  job.check_size(header.height, header.width);
  const std::uint64_t needed = header.height * header.row_bytes();
  const std::span<const std::uint8_t> binary = header.text() ? job.bytes() : cursor.binary();
  if (needed > binary.size()) job.fail_truncated("PNM", binary.size() / header.row_bytes(), header.height);

  std::vector<std::uint8_t> scaled(header.max_value + 1);
  for (std::uint32_t v = 0; v <= header.max_value; ++v) {
    scaled[v] = static_cast<std::uint8_t>(std::nearbyint(static_cast<double>(v) / header.max_value * 255));
  }
  Image out = job.allocate(header.height, header.width);
  std::uint8_t* to = out.pixels.data();
  const std::uint64_t samples = header.width * header.channels();
  for (std::uint32_t y = 0; y < header.height; ++y) {
    if (y % DecodeJob::kRowsPerCheck == 0) job.check_deadline();
    const std::uint8_t* row = header.text() ? nullptr : binary.data() + y * header.row_bytes();
    for (std::uint64_t i = 0; i < samples; ++i) {
      const std::uint8_t value = scaled[read_sample(header, cursor, row, i)];
      *to++ = value;
      if (header.channels() == 3) continue;
      *to++ = value;
      *to++ = value;
    }
  }
  return out;
}

}  // namespace moonbeam::image
