// PNG and JPEG writers. The libraries report errors by longjmp, so every call into them stands in a guarded
// step that owns nothing, and bytes pass to the sink outside of it.
#include "image/encode.h"

#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

// After <cstdio>: this header uses FILE without declaring it.
#include <jpeglib.h>

#include "base/error.h"
#include "base/file.h"

namespace moonbeam {
namespace image {
namespace {

constexpr std::size_t kFlushBytes = 1 << 20;

void check(const Image& image, const std::string& name) {
  if (image.height < 1 || image.width < 1 ||
      image.pixels.size() != static_cast<std::size_t>(image.height) * image.width * 3) {
    base::fail(ErrorCode::kInvalidArgument, name, ": the picture to write is ", image.width, "x",
               image.height, " with ", image.pixels.size(), " bytes");
  }
}

/// Appends from C code: false where an exception would have to pass through it.
bool append(std::string& out, const void* data, std::size_t size) noexcept {
  try {
    out.append(static_cast<const char*>(data), size);
    return true;
  } catch (...) {
    return false;
  }
}

void flush(std::string& out, Sink sink, std::size_t least) {
  if (out.size() < least) return;
  sink(out);
  out.clear();
}

const std::uint8_t* row_of(const Image& image, int y) {
  return image.pixels.data() + static_cast<std::size_t>(y) * image.width * 3;
}

struct PngWriter {
  PngWriter() {
    png = png_create_write_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp from, png_const_charp text) {
          std::strncpy(static_cast<PngWriter*>(png_get_error_ptr(from))->message, text, sizeof message - 1);
          png_longjmp(from, 1);
        },
        [](png_structp, png_const_charp) {});
    if (png) info = png_create_info_struct(png);
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  template <typename Step>
  bool run(Step step) {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    step();
    return true;
  }

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string out;
  char message[128] = {};
};

struct JpegWriter {
  JpegWriter() {
    info.err = jpeg_std_error(&errors);
    info.client_data = this;
    errors.error_exit = [](j_common_ptr common) { std::longjmp(of(common).jump, 1); };
    errors.output_message = [](j_common_ptr) {};
    to.init_destination = [](j_compress_ptr compress) { of(compress).rewind(); };
    to.empty_output_buffer = [](j_compress_ptr compress) -> boolean {
      JpegWriter& writer = of(compress);
      if (!append(writer.out, writer.buffer, sizeof buffer)) std::longjmp(writer.jump, 1);
      writer.rewind();
      return TRUE;
    };
    to.term_destination = [](j_compress_ptr compress) {
      JpegWriter& writer = of(compress);
      if (!append(writer.out, writer.buffer, sizeof buffer - writer.to.free_in_buffer)) {
        std::longjmp(writer.jump, 1);
      }
    };
  }
  ~JpegWriter() {
    if (created) jpeg_destroy_compress(&info);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  template <typename Common>
  static JpegWriter& of(Common* common) {
    return *static_cast<JpegWriter*>(common->client_data);
  }
  void rewind() {
    to.next_output_byte = buffer;
    to.free_in_buffer = sizeof buffer;
  }
  template <typename Step>
  bool run(Step step) {
    if (setjmp(jump) != 0) return false;
    step();
    return true;
  }

  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_destination_mgr to{};
  std::jmp_buf jump{};
  JOCTET buffer[16384] = {};
  bool created = false;
  std::string out;
};

}  // namespace

void encode_png(const Image& image, const std::string& name, Sink sink) {
  check(image, name);
  PngWriter writer;
  const auto must = [&](bool ok) {
    if (!ok) base::fail(ErrorCode::kExhausted, name, ": writing PNG: ", writer.message);
  };
  must(writer.info != nullptr);
  must(writer.run([&] {
    png_set_write_fn(
        writer.png, &writer,
        [](png_structp png, png_bytep data, std::size_t size) {
          if (!append(static_cast<PngWriter*>(png_get_io_ptr(png))->out, data, size)) {
            png_error(png, "not enough memory");
          }
        },
        [](png_structp) {});
    png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.width),
                 static_cast<png_uint_32>(image.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer.png, writer.info);
  }));
  for (int y = 0; y < image.height; ++y) {
    must(writer.run([&] { png_write_row(writer.png, row_of(image, y)); }));
    flush(writer.out, sink, kFlushBytes);
  }
  must(writer.run([&] { png_write_end(writer.png, nullptr); }));
  flush(writer.out, sink, 0);
}

void encode_jpeg(const Image& image, int quality, const std::string& name, Sink sink) {
  check(image, name);
  if (quality < 1 || quality > 100) {
    base::fail(ErrorCode::kInvalidArgument, name, ": JPEG quality ", quality, ", expected 1 to 100");
  }
  constexpr int kMaxSide = JPEG_MAX_DIMENSION;
  if (image.height > kMaxSide || image.width > kMaxSide) {
    base::fail(ErrorCode::kUnsupported, name, ": a picture of ", image.width, "x", image.height,
               " pixels does not fit a JPEG, at most ", kMaxSide, " a side; write a PNG");
  }
  JpegWriter writer;
  const auto must = [&](bool ok) {
    if (ok) return;
    char text[JMSG_LENGTH_MAX] = {};
    writer.errors.format_message(reinterpret_cast<j_common_ptr>(&writer.info), text);
    base::fail(ErrorCode::kExhausted, name, ": writing JPEG: ", text);
  };
  must(writer.run([&] {
    jpeg_create_compress(&writer.info);
    writer.created = true;
    writer.info.dest = &writer.to;
    writer.info.image_width = static_cast<JDIMENSION>(image.width);
    writer.info.image_height = static_cast<JDIMENSION>(image.height);
    writer.info.input_components = 3;
    writer.info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&writer.info);
    jpeg_set_quality(&writer.info, quality, TRUE);
    jpeg_start_compress(&writer.info, TRUE);
  }));
  for (int y = 0; y < image.height; ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(row_of(image, y));  // libjpeg does not write to it
    must(writer.run([&] { jpeg_write_scanlines(&writer.info, &row, 1); }));
    flush(writer.out, sink, kFlushBytes);
  }
  must(writer.run([&] { jpeg_finish_compress(&writer.info); }));
  flush(writer.out, sink, 0);
}

}  // namespace image

void save_png(const Image& image, const std::string& path) {
  base::AtomicFile file(path);
  image::encode_png(image, base::printable(path), [&](std::string_view bytes) { file.write(bytes); });
  file.commit();
}

void save_jpeg(const Image& image, const std::string& path, int quality) {
  base::AtomicFile file(path);
  image::encode_jpeg(image, quality, base::printable(path),
                     [&](std::string_view bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace moonbeam
