// Picture files for tests, made by the formats' own libraries or byte by byte.
#pragma once

#include <moonbeam/image.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::image::testing {

/// Same numbers from the same seed on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(next() % limit); }

 private:
  std::uint64_t state_;
};

Image noise(int height, int width, std::uint64_t seed);
/// Smooth, so that lossy formats come close.
Image gradient(int height, int width);
Image make_image(int height, int width, std::vector<std::uint8_t> pixels);

std::span<const std::byte> as_bytes(std::string_view text);
Image decode(std::string_view bytes, const DecodeOptions& options = {});

/// `samples` are [height, width, channels of the colour type], as many bits as `bit_depth` says.
struct PngSpec {
  int height = 0, width = 0;
  int color_type = 2, bit_depth = 8;
  bool interlaced = false;
  std::vector<std::uint16_t> samples;
  std::vector<std::uint8_t> palette = {};        // RGB
  std::vector<std::uint8_t> palette_alpha = {};  // tRNS
  int transparent_grey = -1;                     // tRNS
};
std::string png(const PngSpec& spec);
std::string png(const Image& image, bool interlaced = false);
/// length, type, data, CRC
std::string png_chunk(std::string_view type, std::string_view data);
/// A PNG whose rows are all zero: deflated `height` x `row_bytes` behind a header that states its size.
std::string flat_png(std::uint32_t height, std::uint32_t width, int bit_depth, int color_type);

enum class JpegKind { kBaseline, kProgressive, kManyScans };
/// `channels` 1 (the first of image), 3, or 4: CMYK as Adobe writes it, from `samples`.
std::string jpeg(const Image& image, int quality = 95, JpegKind kind = JpegKind::kBaseline);
std::string jpeg_grey(const std::vector<std::uint8_t>& samples, int height, int width, JpegKind kind);
std::string jpeg_cmyk(const std::vector<std::uint8_t>& samples, int height, int width, bool ycck);

/// A TIFF block with nothing but the orientation.
std::string exif_block(int orientation, bool big_endian);
std::string jpeg_with_exif(const std::string& jpeg, int orientation, bool big_endian);

std::string webp_lossless(const std::vector<std::uint8_t>& rgba, int height, int width);
std::string webp_lossy(const Image& image, float quality);
/// "RIFF", chunk `type` etc. around `data`, padded to even.
std::string riff_chunk(std::string_view type, std::string_view data);
/// Animation of one frame at (x, y), both even, of a canvas.
std::string webp_animation(int canvas_height, int canvas_width, int x, int y, const Image& frame);

struct GifSpec {
  int screen_height = 0, screen_width = 0;
  int left = 0, top = 0, height = 0, width = 0;
  bool interlaced = false;
  int transparent = -1;
  std::vector<std::uint8_t> indices;                                  // below 4
  std::vector<std::uint8_t> global_palette = {}, local_palette = {};  // 4 colours or none
  int frames = 1;
};
std::string gif(const GifSpec& spec);

std::string little(std::uint32_t value, int size);
std::string big(std::uint32_t value, int size);
/// Header of 40 bytes, then `after`: masks, palette, pixels.
std::string bmp(int width, int height, int bits, int compression, int colours, std::string_view after,
                int pixels_at);

}  // namespace moonbeam::image::testing
