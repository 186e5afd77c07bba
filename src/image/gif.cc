// GIF through giflib: the first frame as Pillow shows it. Later frames are not looked at.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "image/codec.h"

namespace moonbeam::image {
namespace {

struct Input {
  std::span<const std::uint8_t> left;
  bool ended = false;
};

/// giflib's read callback. A missing last byte, the end mark of the pixel blocks, is made up: Pillow does
/// not miss it.
int read_input(GifFileType* gif, GifByteType* out, int count) {
  Input& input = *static_cast<Input*>(gif->UserData);
  const std::size_t wanted = static_cast<std::size_t>(count);
  if (input.left.empty() && wanted == 1 && !input.ended) {
    input.ended = true;
    *out = 0;
    return 1;
  }
  const std::size_t got = std::min(wanted, input.left.size());
  if (got > 0) std::memcpy(out, input.left.data(), got);
  input.left = input.left.subspan(got);
  return static_cast<int>(got);
}

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, Close>;

[[noreturn]] void fail_gif(const DecodeJob& job, int code) {
  const char* text = GifErrorString(code);
  if (code == D_GIF_ERR_NOT_ENOUGH_MEM) {
    job.fail(ErrorCode::kExhausted, "not enough memory to decode the picture");
  }
  job.fail(ErrorCode::kCorrupt, "GIF: ", text ? text : "unknown fault");
}

/// Moves to the first frame. @return its transparent index, or -1.
int find_first_frame(const DecodeJob& job, GifFileType* gif) {
  int transparent = -1;
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &record) == GIF_ERROR) fail_gif(job, gif->Error);
    if (record == TERMINATE_RECORD_TYPE) job.fail(ErrorCode::kCorrupt, "GIF: no frame before the end");
    if (record == IMAGE_DESC_RECORD_TYPE) return transparent;
    int code = 0;
    GifByteType* block = nullptr;  // its first byte is its length
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) fail_gif(job, gif->Error);
    if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4) {
      transparent = (block[1] & 1) != 0 ? block[4] : -1;
    }
    while (block) {
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) fail_gif(job, gif->Error);
    }
  }
}

/// Colours of all 256 indices: beyond the map, or without one, the index is a grey level.
std::vector<std::uint8_t> make_palette(const GifFileType* gif) {
  std::vector<std::uint8_t> palette(256 * 3);
  for (std::size_t i = 0; i < palette.size(); ++i) palette[i] = static_cast<std::uint8_t>(i / 3);
  const ColorMapObject* map = gif->Image.ColorMap ? gif->Image.ColorMap : gif->SColorMap;
  const int colours = map ? std::min(256, map->ColorCount) : 0;
  for (int i = 0; i < colours; ++i) {
    const GifColorType& colour = map->Colors[i];
    std::uint8_t* rgb = palette.data() + i * 3;
    rgb[0] = colour.Red;
    rgb[1] = colour.Green;
    rgb[2] = colour.Blue;
  }
  return palette;
}

void fill(Image& out, const std::uint8_t* rgb) {
  for (std::size_t i = 0; i < out.pixels.size(); i += 3) std::memcpy(out.pixels.data() + i, rgb, 3);
}

void read_rows(const DecodeJob& job, GifFileType* gif, const std::vector<std::uint8_t>& palette, Image& out) {
  const GifImageDesc& frame = gif->Image;
  std::vector<GifPixelType> indices(static_cast<std::size_t>(frame.Width));
  constexpr int kStart[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};
  int done = 0;
  for (int pass = 0; pass < (frame.Interlace ? 4 : 1); ++pass) {
    for (int y = frame.Interlace ? kStart[pass] : 0; y < frame.Height;
         y += frame.Interlace ? kStep[pass] : 1) {
      if (done++ % DecodeJob::kRowsPerCheck == 0) job.check_deadline();
      if (DGifGetLine(gif, indices.data(), frame.Width) == GIF_ERROR) {
        if (gif->Error != D_GIF_ERR_READ_FAILED && gif->Error != D_GIF_ERR_EOF_TOO_SOON)
          fail_gif(job, gif->Error);
        job.fail_truncated("GIF", static_cast<std::uint64_t>(done - 1),
                           static_cast<std::uint64_t>(frame.Height));
      }
      std::uint8_t* rgb =
          out.pixels.data() + (static_cast<std::size_t>(frame.Top + y) * out.width + frame.Left) * 3;
      for (const GifPixelType index : indices) {
        std::memcpy(rgb, palette.data() + index * 3, 3);
        rgb += 3;
      }
    }
  }
}

}  // namespace

Image decode_gif(const DecodeJob& job) {
  Input input{job.bytes()};
  int error = 0;
  const Gif gif(DGifOpen(&input, read_input, &error));
  if (!gif) fail_gif(job, error);
  job.check_size(static_cast<std::uint64_t>(std::max(1, gif->SHeight)),
                 static_cast<std::uint64_t>(std::max(1, gif->SWidth)));
  const int transparent = find_first_frame(job, gif.get());
  if (DGifGetImageDesc(gif.get()) == GIF_ERROR) fail_gif(job, gif->Error);
  const GifImageDesc& frame = gif->Image;
  if (frame.Left < 0 || frame.Top < 0 || frame.Width < 1 || frame.Height < 1) {
    job.fail(ErrorCode::kCorrupt, "GIF: the first frame is ", frame.Width, "x", frame.Height, " pixels");
  }
  // A frame that stands out of the screen makes the screen larger.
  Image out = job.allocate(static_cast<std::uint64_t>(std::max(gif->SHeight, frame.Top + frame.Height)),
                           static_cast<std::uint64_t>(std::max(gif->SWidth, frame.Left + frame.Width)));
  const std::vector<std::uint8_t> palette = make_palette(gif.get());
  if (frame.Width < out.width || frame.Height < out.height) {
    fill(out, palette.data() + std::max(0, transparent) * 3);
  }
  read_rows(job, gif.get(), palette, out);
  return out;
}

}  // namespace moonbeam::image
