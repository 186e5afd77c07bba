#include "image/sniff.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace moonbeam::image {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
  std::string_view advice;  // how to get a picture out of it
};

constexpr std::string_view kMagick = "convert it first, e.g. `convert in out.png`";

// Formats that are not read, each with a program of Debian that makes one of those that are.
constexpr Magic kOthers[] = {
    {0, "II*\0"sv, "TIFF", "convert it first, e.g. `convert in.tif out.png`"},
    {0, "MM\0*"sv, "TIFF", "convert it first, e.g. `convert in.tif out.png`"},
    {0, "II+\0"sv, "BigTIFF", "convert it first, e.g. `convert in.tif out.png`"},
    {0, "\xff\x0a"sv, "JPEG XL", "convert it first, e.g. `djxl in.jxl out.png`"},
    {4, "JXL \r\n\x87\n"sv, "JPEG XL", "convert it first, e.g. `djxl in.jxl out.png`"},
    {4, "jP  \r\n\x87\n"sv, "JPEG 2000", "convert it first, e.g. `opj_decompress -i in.jp2 -o out.png`"},
    {0, "\xff\x4f\xff\x51"sv, "JPEG 2000", "convert it first, e.g. `opj_decompress -i in.j2k -o out.png`"},
    {0, "\xff\xd8\xff\xf7"sv, "JPEG-LS", kMagick},
    {0, "%PDF"sv, "PDF", "make a picture of a page first, e.g. `pdftoppm -png in.pdf page`"},
    {0, "%!PS"sv, "PostScript", "make a picture of it first, e.g. `gs -sDEVICE=png16m -o out.png in.ps`"},
    {0, "8BPS"sv, "Photoshop", kMagick},
    {0, "\x00\x00\x01\x00"sv, "Windows icon", kMagick},
    {0, "qoif"sv, "QOI", kMagick},
    {0, "\x76\x2f\x31\x01"sv, "OpenEXR", kMagick},
    {0, "#?RADIANCE"sv, "Radiance HDR", kMagick},
    {0, "P7\n"sv, "PAM", "convert it first, e.g. `pamtopnm in.pam > out.ppm`"},
    {0, "PF\n"sv, "PFM", kMagick},
    {0, "Pf\n"sv, "PFM", kMagick},
    {0, "\x1a\x45\xdf\xa3"sv, "Matroska or WebM video",
     "cut a frame out first, e.g. `ffmpeg -i in -frames:v 1 out.png`"},
    {8, "AVI "sv, "AVI video", "cut a frame out first, e.g. `ffmpeg -i in.avi -frames:v 1 out.png`"},
    {0, "PK\x03\x04"sv, "ZIP archive", "unpack it first"},
    {0, "\x1f\x8b"sv, "gzip", "unpack it first"},
    {0, "GGUF"sv, "GGUF model", "it holds weights, not a picture"},
};

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has(std::string_view text, std::size_t offset, std::string_view magic) {
  return text.size() >= offset + magic.size() && text.substr(offset, magic.size()) == magic;
}

/// ISO media files tell their kind by brands after "ftyp".
Refusal explain_iso_media(std::string_view text) {
  const std::string_view brands = text.substr(8, 64);
  const auto any = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return brands.find(name) != std::string_view::npos; });
  };
  if (any({"avif", "avis"})) {
    return {true, "AVIF is not supported; convert it first, e.g. `heif-convert in.avif out.jpg`"};
  }
  if (any({"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"})) {
    return {true, "HEIC is not supported; convert it first, e.g. `heif-convert in.heic out.jpg`"};
  }
  return {true,
          "MP4 video is not supported; cut a frame out first, e.g. `ffmpeg -i in.mp4 -frames:v 1 out.png`"};
}

/// Markup and other text, by its first characters that are not blanks.
Refusal explain_text(std::string_view text) {
  std::string_view start = text.substr(0, 1024);
  if (has(start, 0, "\xef\xbb\xbf")) start.remove_prefix(3);
  start.remove_prefix(std::min(start.size(), start.find_first_not_of(" \t\r\n")));
  if (has(start, 0, "<") && start.find("<svg") != std::string_view::npos) {
    return {true, "SVG is not supported; draw it first, e.g. `rsvg-convert in.svg -o out.png`"};
  }
  return {false,
          base::cat("not a picture: the file is text and begins with \"",
                    base::printable(start.substr(0, start.find_first_of("\r\n"))).substr(0, 32), "\"")};
}

bool looks_like_text(std::string_view text) {
  const std::string_view start = text.substr(0, 64);
  return std::all_of(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 32 || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

Format sniff(std::span<const std::uint8_t> bytes) {
  const std::string_view text = as_text(bytes);
  if (has(text, 0, "\xff\xd8\xff") && !has(text, 0, "\xff\xd8\xff\xf7")) return Format::kJpeg;
  if (has(text, 0, "\x89PNG\r\n\x1a\n"sv)) return Format::kPng;
  if (has(text, 0, "RIFF") && has(text, 8, "WEBP")) return Format::kWebp;
  if (has(text, 0, "GIF87a") || has(text, 0, "GIF89a")) return Format::kGif;
  if (has(text, 0, "BM")) return Format::kBmp;
  if (text.size() >= 3 && text[0] == 'P' && text[1] >= '1' && text[1] <= '6' &&
      std::string_view(" \t\n\v\f\r#").find(text[2]) != std::string_view::npos) {
    return Format::kPnm;
  }
  return Format::kOther;
}

Refusal explain_other(std::span<const std::uint8_t> bytes) {
  const std::string_view text = as_text(bytes);
  if (has(text, 4, "ftyp")) return explain_iso_media(text);
  for (const Magic& magic : kOthers) {
    if (has(text, magic.offset, magic.bytes)) {
      return {true, base::cat(magic.name, " is not supported; ", magic.advice)};
    }
  }
  if (looks_like_text(text)) return explain_text(text);
  std::string start;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 8))) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    start += ' ';
    start += kDigits[byte >> 4];
    start += kDigits[byte & 15];
  }
  return {false,
          base::cat("not a picture that can be read: expected JPEG, PNG, WebP, GIF, BMP or PPM, the data "
                    "begins with",
                    start)};
}

}  // namespace moonbeam::image
