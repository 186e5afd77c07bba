// PNG through libpng, row by row: all colour types to 8-bit RGB. Alpha and transparency are dropped, 16-bit
// samples keep their high byte, gamma and text are not looked at.
// libpng reports errors by longjmp, so every call into it stands in run(), whose frames own nothing.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "image/codec.h"

namespace moonbeam::image {
namespace {

// No data deflates better than 1032 to 1: a shorter file cannot hold its rows and gets no memory.
constexpr std::uint64_t kMaxDeflateRatio = 1032;

struct Header {
  std::uint32_t width = 0, height = 0;
  int bit_depth = 0, color_type = 0;
  bool interlaced = false;

  std::uint64_t row_bytes() const {
    constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4, 0};
    return (std::uint64_t{width} * static_cast<std::uint64_t>(bit_depth * kChannels[color_type & 7]) + 7) / 8;
  }
};

std::uint32_t big_endian(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

/// The first chunk, read without the library so that errors can say what is wrong.
Header read_header(const DecodeJob& job) {
  const auto bytes = job.bytes();
  constexpr std::size_t kHeaderEnd = 8 + 8 + 13;
  if (bytes.size() < kHeaderEnd) job.fail(ErrorCode::kCorrupt, "the PNG is cut off in its header");
  if (std::memcmp(bytes.data() + 12, "IHDR", 4) != 0) {
    job.fail(ErrorCode::kCorrupt, "PNG: expected the chunk IHDR first");
  }
  return {big_endian(bytes, 16), big_endian(bytes, 20), bytes[24], bytes[25], bytes[28] != 0};
}

/// The pixel chunk that runs past the end of the file, if there is one.
struct CutChunk {
  std::size_t at = 0;  // of its length field; 0 = none
  std::uint32_t length = 0;
};

CutChunk find_cut_chunk(std::span<const std::uint8_t> bytes) {
  std::size_t at = 8;
  while (at + 8 <= bytes.size()) {
    const std::uint32_t length = big_endian(bytes, at);
    const std::size_t left = bytes.size() - at - 8;
    if (length > left) {
      const bool pixels = std::memcmp(bytes.data() + at + 4, "IDAT", 4) == 0;
      return pixels ? CutChunk{at, static_cast<std::uint32_t>(left)} : CutChunk{};
    }
    at += std::size_t{12} + length;
  }
  return {};
}

struct Reader {
  explicit Reader(const DecodeJob& decode_job)
      : job(decode_job), left(decode_job.bytes()), cut(find_cut_chunk(decode_job.bytes())) {
    png = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp from, png_const_charp text) {
          std::strncpy(static_cast<Reader*>(png_get_error_ptr(from))->message, text, sizeof message - 1);
          png_longjmp(from, 1);
        },
        [](png_structp, png_const_charp) {});
    if (png) info = png_create_info_struct(png);
    if (!info) job.fail(ErrorCode::kExhausted, "not enough memory to decode the picture");
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  static void read(png_structp from, png_bytep out, std::size_t count) {
    Reader& reader = *static_cast<Reader*>(png_get_io_ptr(from));
    if (count > reader.left.size()) {
      reader.at_end = true;
      png_error(from, "the data ends too soon");
    }
    const std::size_t at = reader.job.bytes().size() - reader.left.size();
    std::memcpy(out, reader.left.data(), count);
    // libpng fetches a chunk in large pieces and gives up if one is short. With the length that is there it
    // decodes every row the data holds, as Pillow does, and errors name the first one missing.
    if (at == reader.cut.at && at > 0 && count == 8) {
      for (int i = 0; i < 4; ++i) out[i] = static_cast<png_byte>(reader.cut.length >> (24 - 8 * i));
    }
    reader.left = reader.left.subspan(count);
  }

  const DecodeJob& job;
  std::span<const std::uint8_t> left;
  CutChunk cut;
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool at_end = false;
  char message[128] = {};
};

/// Runs `step`, which must own nothing, up to its end or the library's error.
template <typename Step>
bool run_guarded(Reader& reader, Step step) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  step();
  return true;
}

void start(Reader& reader, const Header& header) {
  png_structp png = reader.png;
  const bool ok = run_guarded(reader, [&] {
    png_set_read_fn(png, &reader, Reader::read);
    png_set_user_limits(png, header.width, header.height);
    // Text, profiles and the like are skipped unread, however long they are or say they unpack to.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png, reader.info);
    png_set_expand(png);  // palette to RGB, fewer bits to 8
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, reader.info);
  });
  if (ok && png_get_rowbytes(png, reader.info) == std::size_t{header.width} * 3) return;
  if (reader.at_end) reader.job.fail_truncated("PNG", 0, header.height);
  reader.job.fail(ErrorCode::kCorrupt, "PNG: ", ok ? "unexpected row size" : reader.message);
}

/// Whether the library has given out the last row: it then only looks for the end of the data.
bool has_all_rows(const Reader& reader, const Header& header) {
  return header.interlaced ? png_get_current_pass_number(reader.png) >= 7
                           : png_get_current_row_number(reader.png) >= header.height;
}

void read_rows(Reader& reader, const Header& header, Image& out) {
  const std::size_t row_bytes = static_cast<std::size_t>(out.width) * 3;
  const int passes = header.interlaced ? 7 : 1;
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < out.height; ++y) {
      if (y % DecodeJob::kRowsPerCheck == 0) reader.job.check_deadline();
      std::uint8_t* row = out.pixels.data() + static_cast<std::size_t>(y) * row_bytes;
      if (run_guarded(reader, [&] { png_read_row(reader.png, row, nullptr); })) continue;
      if (!reader.at_end) reader.job.fail(ErrorCode::kCorrupt, "PNG: row ", y, ": ", reader.message);
      if (has_all_rows(reader, header)) return;  // Pillow does not miss the end of the data either
      reader.job.fail_truncated("PNG", pass == passes - 1 ? static_cast<std::uint64_t>(y) : 0, header.height);
    }
  }
}

}  // namespace

Image decode_png(const DecodeJob& job) {
  const Header header = read_header(job);
  job.check_size(header.height, header.width);
  if (header.height * header.row_bytes() / kMaxDeflateRatio > job.bytes().size()) {
    job.fail_truncated("PNG", 0, header.height);
  }
  Image out = job.allocate(header.height, header.width);
  Reader reader(job);
  start(reader, header);
  read_rows(reader, header, out);
  return out;
}

}  // namespace moonbeam::image
