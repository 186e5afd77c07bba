#include "image/test_pictures.h"

#include <png.h>
#include <webp/encode.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
// After <cstdio>: this header uses FILE without declaring it.
#include <jpeglib.h>

#include "image/encode.h"

namespace moonbeam::image::testing {

std::uint64_t Random::next() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Image make_image(int height, int width, std::vector<std::uint8_t> pixels) {
  Image out;
  out.height = height;
  out.width = width;
  out.pixels = std::move(pixels);
  return out;
}

Image noise(int height, int width, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height) * width * 3);
  for (auto& p : pixels) p = static_cast<std::uint8_t>(random.next());
  return make_image(height, width, std::move(pixels));
}

Image gradient(int height, int width) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(40 + 180 * x / width));
      pixels.push_back(static_cast<std::uint8_t>(30 + 190 * y / height));
      pixels.push_back(static_cast<std::uint8_t>(220 - 90 * x / width - 90 * y / height));
    }
  }
  return make_image(height, width, std::move(pixels));
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Image decode(std::string_view bytes, const DecodeOptions& options) {
  return decode_image(as_bytes(bytes), options, "test");
}

std::string little(std::uint32_t value, int size) {
  std::string out;
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 255);
  return out;
}

std::string big(std::uint32_t value, int size) {
  std::string out;
  for (int i = size; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 255);
  return out;
}

// ---------------------------------------------------------------------------------------------- PNG

std::string png_chunk(std::string_view type, std::string_view data) {
  const std::string body = std::string(type) + std::string(data);
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big(static_cast<std::uint32_t>(data.size()), 4) + body + big(static_cast<std::uint32_t>(crc), 4);
}

namespace {

/// One row's samples packed to `bit_depth` bits, big-endian.
std::vector<std::uint8_t> pack(const std::uint16_t* samples, std::size_t count, int bit_depth) {
  std::vector<std::uint8_t> out;
  if (bit_depth >= 8) {
    for (std::size_t i = 0; i < count; ++i) {
      if (bit_depth == 16) out.push_back(static_cast<std::uint8_t>(samples[i] >> 8));
      out.push_back(static_cast<std::uint8_t>(samples[i]));
    }
    return out;
  }
  const std::size_t per_byte = 8 / static_cast<std::size_t>(bit_depth);
  out.resize((count + per_byte - 1) / per_byte);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t shift = 8 - static_cast<std::size_t>(bit_depth) * (i % per_byte + 1);
    out[i / per_byte] = static_cast<std::uint8_t>(out[i / per_byte] | samples[i] << shift);
  }
  return out;
}

}  // namespace

std::string png(const PngSpec& spec) {
  std::string out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png))) std::abort();
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep data, std::size_t size) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), size);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(spec.width), static_cast<png_uint_32>(spec.height),
               spec.bit_depth, spec.color_type, spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> colours;
  for (std::size_t i = 0; i + 2 < spec.palette.size(); i += 3) {
    colours.push_back({spec.palette[i], spec.palette[i + 1], spec.palette[i + 2]});
  }
  if (!colours.empty()) png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
  if (!spec.palette_alpha.empty()) {
    png_set_tRNS(png, info, spec.palette_alpha.data(), static_cast<int>(spec.palette_alpha.size()), nullptr);
  }
  if (spec.transparent_grey >= 0) {
    png_color_16 colour{};
    colour.gray = static_cast<png_uint_16>(spec.transparent_grey);
    png_set_tRNS(png, info, nullptr, 0, &colour);
  }
  png_write_info(png, info);
  const std::size_t row_samples = spec.samples.size() / static_cast<std::size_t>(spec.height);
  std::vector<std::vector<std::uint8_t>> rows;
  std::vector<png_bytep> pointers;
  for (int y = 0; y < spec.height; ++y) {
    rows.push_back(pack(spec.samples.data() + y * row_samples, row_samples, spec.bit_depth));
  }
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

std::string png(const Image& image, bool interlaced) {
  return png({.height = image.height,
              .width = image.width,
              .interlaced = interlaced,
              .samples = std::vector<std::uint16_t>(image.pixels.begin(), image.pixels.end())});
}

std::string flat_png(std::uint32_t height, std::uint32_t width, int bit_depth, int color_type) {
  constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};
  const std::size_t row =
      (std::size_t{width} * static_cast<std::size_t>(bit_depth * kChannels[color_type]) + 7) / 8 + 1;
  std::string header = big(width, 4) + big(height, 4);
  header += {static_cast<char>(bit_depth), static_cast<char>(color_type), 0, 0, 0};
  z_stream stream{};
  if (deflateInit(&stream, 9) != Z_OK) throw std::runtime_error("deflateInit");
  std::vector<Bytef> zeros(row);
  std::string data;
  Bytef buffer[65536];
  for (std::uint32_t y = 0; y <= height; ++y) {
    stream.next_in = zeros.data();
    stream.avail_in = y < height ? static_cast<uInt>(row) : 0;
    do {
      stream.next_out = buffer;
      stream.avail_out = sizeof buffer;
      deflate(&stream, y < height ? Z_NO_FLUSH : Z_FINISH);
      data.append(reinterpret_cast<char*>(buffer), sizeof buffer - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  std::string out = "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header);
  if (color_type == 3) out += png_chunk("PLTE", std::string_view("\0\0\0\xff\xff\xff", 6));
  return out + png_chunk("IDAT", data) + png_chunk("IEND", "");
}

// ---------------------------------------------------------------------------------------------- JPEG

namespace {

/// One coefficient after the other in four steps of accuracy: 253 scans.
std::vector<jpeg_scan_info> many_scans() {
  std::vector<jpeg_scan_info> scans;
  const auto add = [&](int from, int to, int high, int low) {
    jpeg_scan_info scan{};
    scan.comps_in_scan = 1;
    scan.Ss = from;
    scan.Se = to;
    scan.Ah = high;
    scan.Al = low;
    scans.push_back(scan);
  };
  add(0, 0, 0, 0);
  for (int k = 1; k < 64; ++k) {
    add(k, k, 0, 3);
    for (int bit = 3; bit > 0; --bit) add(k, k, bit, bit - 1);
  }
  return scans;
}

std::string compress(const std::vector<std::uint8_t>& samples, int height, int width, int channels,
                     J_COLOR_SPACE space, J_COLOR_SPACE stored, int quality, JpegKind kind) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = channels;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, stored);
  jpeg_set_quality(&info, quality, TRUE);
  const std::vector<jpeg_scan_info> scans = many_scans();
  if (kind == JpegKind::kProgressive) jpeg_simple_progression(&info);
  if (kind == JpegKind::kManyScans) {
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < height; ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(samples.data() + static_cast<std::size_t>(y) * width * channels);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return out;
}

}  // namespace

std::string jpeg(const Image& image, int quality, JpegKind kind) {
  return compress(image.pixels, image.height, image.width, 3, JCS_RGB, JCS_YCbCr, quality, kind);
}

std::string jpeg_grey(const std::vector<std::uint8_t>& samples, int height, int width, JpegKind kind) {
  return compress(samples, height, width, 1, JCS_GRAYSCALE, JCS_GRAYSCALE, 95, kind);
}

std::string jpeg_cmyk(const std::vector<std::uint8_t>& samples, int height, int width, bool ycck) {
  return compress(samples, height, width, 4, JCS_CMYK, ycck ? JCS_YCCK : JCS_CMYK, 100, JpegKind::kBaseline);
}

std::string exif_block(int orientation, bool big_endian) {
  const auto number = [&](std::uint32_t value, int size) {
    return big_endian ? big(value, size) : little(value, size);
  };
  return (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(1, 2) + number(0x0112, 2) +
         number(3, 2) + number(1, 4) + number(static_cast<std::uint32_t>(orientation), 2) + number(0, 2) +
         number(0, 4);
}

std::string jpeg_with_exif(const std::string& jpeg, int orientation, bool big_endian) {
  const std::string block = std::string("Exif\0\0", 6) + exif_block(orientation, big_endian);
  return jpeg.substr(0, 2) + "\xff\xe1" + big(static_cast<std::uint32_t>(block.size() + 2), 2) + block +
         jpeg.substr(2);
}

// ---------------------------------------------------------------------------------------------- WebP

namespace {

std::string take(std::uint8_t* bytes, std::size_t size) {
  std::string out(reinterpret_cast<char*>(bytes), size);
  WebPFree(bytes);
  return out;
}

}  // namespace

std::string webp_lossless(const std::vector<std::uint8_t>& rgba, int height, int width) {
  WebPConfig config;
  WebPPicture picture;
  if (!WebPConfigInit(&config) || !WebPConfigLosslessPreset(&config, 6) || !WebPPictureInit(&picture))
    throw std::runtime_error("webp");
  config.exact = 1;  // keep the colours under transparent pixels
  picture.use_argb = 1;
  picture.width = width;
  picture.height = height;
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  WebPPictureImportRGBA(&picture, rgba.data(), width * 4);
  if (!WebPEncode(&config, &picture)) throw std::runtime_error("webp");
  std::string out(reinterpret_cast<char*>(writer.mem), writer.size);
  WebPPictureFree(&picture);
  WebPMemoryWriterClear(&writer);
  return out;
}

std::string webp_lossy(const Image& image, float quality) {
  std::uint8_t* bytes = nullptr;
  const std::size_t size =
      WebPEncodeRGB(image.pixels.data(), image.width, image.height, image.width * 3, quality, &bytes);
  return take(bytes, size);
}

std::string riff_chunk(std::string_view type, std::string_view data) {
  std::string out =
      std::string(type) + little(static_cast<std::uint32_t>(data.size()), 4) + std::string(data);
  if (data.size() % 2 != 0) out += '\0';
  return out;
}

std::string webp_animation(int canvas_height, int canvas_width, int x, int y, const Image& frame) {
  const auto part = [](int value, int size) { return little(static_cast<std::uint32_t>(value), size); };
  std::uint8_t* bytes = nullptr;
  const std::size_t size =
      WebPEncodeLosslessRGB(frame.pixels.data(), frame.width, frame.height, frame.width * 3, &bytes);
  const std::string still = take(bytes, size).substr(12);  // without RIFF size WEBP
  const std::string anmf = part(x / 2, 3) + part(y / 2, 3) + part(frame.width - 1, 3) +
                           part(frame.height - 1, 3) + part(100, 3) + std::string(1, '\0') + still;
  const std::string body =
      "WEBP" + riff_chunk("VP8X", part(2, 4) + part(canvas_width - 1, 3) + part(canvas_height - 1, 3)) +
      riff_chunk("ANIM", std::string(6, '\0')) + riff_chunk("ANMF", anmf);
  return riff_chunk("RIFF", body);
}

// ---------------------------------------------------------------------------------------------- GIF

namespace {

/// LZW of 2-bit indices without compression: a clear code before each index keeps codes at 3 bits.
std::string gif_data(const std::vector<std::uint8_t>& indices) {
  constexpr std::uint32_t kClear = 4, kEnd = 5;
  std::string data;
  std::uint32_t bits = 0;
  int count = 0;
  const auto put = [&](std::uint32_t code) {
    bits |= code << count;
    for (count += 3; count >= 8; count -= 8, bits >>= 8) data += static_cast<char>(bits & 255);
  };
  for (const std::uint8_t index : indices) {
    put(kClear);
    put(index);
  }
  put(kEnd);
  if (count > 0) data += static_cast<char>(bits & 255);
  std::string out(1, '\2');
  for (std::size_t at = 0; at < data.size(); at += 255) {
    const std::string block = data.substr(at, 255);
    out += static_cast<char>(block.size());
    out += block;
  }
  return out + '\0';
}

}  // namespace

std::string gif(const GifSpec& spec) {
  const auto part = [](int value) { return little(static_cast<std::uint32_t>(value), 2); };
  const auto text = [](const std::vector<std::uint8_t>& bytes) {
    return std::string(bytes.begin(), bytes.end());
  };
  std::string out = "GIF89a" + part(spec.screen_width) + part(spec.screen_height);
  out += static_cast<char>(spec.global_palette.empty() ? 0 : 0x81);
  out += std::string("\1\0", 2) + text(spec.global_palette);
  std::vector<std::uint8_t> indices = spec.indices;
  if (spec.interlaced) {
    indices.clear();
    constexpr int kStart[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};
    for (int pass = 0; pass < 4; ++pass) {
      for (int y = kStart[pass]; y < spec.height; y += kStep[pass]) {
        indices.insert(indices.end(), spec.indices.begin() + y * spec.width,
                       spec.indices.begin() + (y + 1) * spec.width);
      }
    }
  }
  for (int frame = 0; frame < spec.frames; ++frame) {
    if (spec.transparent >= 0) {
      out += std::string("\x21\xf9\x04\x01\0\0", 6) + static_cast<char>(spec.transparent) + '\0';
    }
    out += ',' + part(spec.left) + part(spec.top) + part(spec.width) + part(spec.height);
    out += static_cast<char>((spec.local_palette.empty() ? 0 : 0x81) | (spec.interlaced ? 0x40 : 0));
    out += text(spec.local_palette) + gif_data(indices);
  }
  return out + ';';
}

// ---------------------------------------------------------------------------------------------- BMP

std::string bmp(int width, int height, int bits, int compression, int colours, std::string_view after,
                int pixels_at) {
  const auto part = [](int value, int size) { return little(static_cast<std::uint32_t>(value), size); };
  return "BM" + part(static_cast<int>(54 + after.size()), 4) + part(0, 4) + part(pixels_at, 4) + part(40, 4) +
         part(width, 4) + part(height, 4) + part(1, 2) + part(bits, 2) + part(compression, 4) + part(0, 4) +
         part(0, 4) + part(0, 4) + part(colours, 4) + part(0, 4) + std::string(after);
}

}  // namespace moonbeam::image::testing
