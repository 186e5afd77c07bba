// JPEG through libjpeg-turbo: baseline, progressive, grey, CMYK. Colours and accuracy as Pillow sets them:
// islow DCT, fancy upsampling, CMYK taken as Adobe writes it (inverted).
// libjpeg reports errors by longjmp, so every call into it stands in run(), whose frames own nothing.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

// After <cstdio>: these headers use FILE without declaring it.
#include <jerror.h>
#include <jpeglib.h>

#include "image/codec.h"

namespace moonbeam::image {
namespace {

// A flat picture with hundreds of scans costs little to send and much to decode.
constexpr int kMaxScans = 100;
constexpr std::uint64_t kMaxScannedPixels = 64 << 20;
// A block of 64 samples takes one bit or more, and the finest component has a block for each 16 x 16 pixels
// at least. A shorter file is a bare header and gets no memory.
constexpr std::uint64_t kMaxPixelsPerByte = 8 * 256;

enum class Stop { kNone, kLibrary, kLate, kScans };

/// libjpeg's object with its callbacks. They find the whole by client_data.
struct Reader {
  explicit Reader(const DecodeJob& decode_job) : job(decode_job) {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr common) { of(common).leave(Stop::kLibrary); };
    errors.emit_message = [](j_common_ptr, int) {};  // warnings: Pillow goes on too
    errors.output_message = [](j_common_ptr) {};
    progress.progress_monitor = [](j_common_ptr common) { of(common).check(); };
    source.init_source = [](j_decompress_ptr) {};
    source.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };  // no more: suspends
    source.skip_input_data = [](j_decompress_ptr decompress, long count) {
      jpeg_source_mgr& from = *decompress->src;
      const std::size_t skip = count < 0 ? 0 : static_cast<std::size_t>(count);
      const std::size_t step = skip < from.bytes_in_buffer ? skip : from.bytes_in_buffer;
      from.next_input_byte += step;
      from.bytes_in_buffer -= step;
    };
    source.resync_to_restart = jpeg_resync_to_restart;
    source.term_source = [](j_decompress_ptr) {};
    source.next_input_byte = job.bytes().data();
    source.bytes_in_buffer = job.bytes().size();
  }
  ~Reader() {
    if (created) jpeg_destroy_decompress(&info);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  static Reader& of(j_common_ptr common) { return *static_cast<Reader*>(common->client_data); }

  [[noreturn]] void leave(Stop why) {
    stop = why;
    std::longjmp(jump, 1);
  }
  void check() {
    if (info.input_scan_number > kMaxScans) leave(Stop::kScans);
    if (job.late()) leave(Stop::kLate);
  }

  const DecodeJob& job;
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  bool created = false;
  Stop stop = Stop::kNone;
};

/// Runs `step`, which must own nothing, up to its end or the library's error.
template <typename Step>
bool run_guarded(Reader& reader, Step step) {
  if (setjmp(reader.jump) != 0) return false;
  step();
  return true;
}

[[noreturn]] void fail_stopped(Reader& reader) {
  if (reader.stop == Stop::kLate) {
    reader.job.check_deadline();
  }
  if (reader.stop == Stop::kScans) {
    reader.job.fail(ErrorCode::kExhausted, "the JPEG has more scans than the limit of ", kMaxScans);
  }
  char text[JMSG_LENGTH_MAX] = {};
  reader.errors.format_message(reinterpret_cast<j_common_ptr>(&reader.info), text);
  switch (reader.errors.msg_code) {
    case JERR_OUT_OF_MEMORY:
      reader.job.fail(ErrorCode::kExhausted, "JPEG: ", text);
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
      reader.job.fail(ErrorCode::kUnsupported, "JPEG: ", text);
    default:
      reader.job.fail(ErrorCode::kCorrupt, "JPEG: ", text);
  }
}

template <typename Step>
void run(Reader& reader, Step step) {
  if (!run_guarded(reader, step)) fail_stopped(reader);
}

/// Bytes of the coefficients that libjpeg keeps where a pixel needs more than one scan.
std::uint64_t coefficient_bytes(const jpeg_decompress_struct& info) {
  std::uint64_t samples = 0;
  for (int i = 0; i < info.num_components; ++i) {
    const jpeg_component_info& component = info.comp_info[i];
    const auto padded = [](std::uint64_t size, int factor, int largest) {
      return size * static_cast<std::uint64_t>(factor) / static_cast<std::uint64_t>(largest) + 64;
    };
    samples += padded(info.image_width, component.h_samp_factor, info.max_h_samp_factor) *
               padded(info.image_height, component.v_samp_factor, info.max_v_samp_factor);
  }
  return samples * sizeof(JCOEF);
}

void read_header(Reader& reader) {
  jpeg_decompress_struct& info = reader.info;
  int got = 0;
  run(reader, [&] {
    jpeg_create_decompress(&info);  // clears the struct but for err and client_data
    reader.created = true;
    info.src = &reader.source;
    info.progress = &reader.progress;
    got = jpeg_read_header(&info, TRUE);
  });
  if (got != JPEG_HEADER_OK) reader.job.fail(ErrorCode::kCorrupt, "the JPEG is cut off in its header");
  switch (info.num_components) {
    case 1:
      info.out_color_space = JCS_GRAYSCALE;
      break;
    case 3:
      info.out_color_space = JCS_RGB;
      break;
    case 4:
      info.out_color_space = JCS_CMYK;
      break;
    default:
      reader.job.fail(ErrorCode::kUnsupported, "JPEG with ", info.num_components,
                      " components; expected 1, 3 or 4");
  }
}

void grey_to_rgb(const std::uint8_t* in, int width, std::uint8_t* out) {
  for (int x = 0; x < width; ++x, out += 3) out[0] = out[1] = out[2] = in[x];
}

/// in: inverted CMYK, so 255 is no ink.
void cmyk_to_rgb(const std::uint8_t* in, int width, std::uint8_t* out) {
  for (int x = 0; x < width; ++x, in += 4) {
    const int light = in[3];
    for (int c = 0; c < 3; ++c) {
      // ink * light / 255, rounded, as Pillow computes it
      const int product = (255 - in[c]) * light + 128;
      const int value = light - ((product + (product >> 8)) >> 8);
      *out++ = static_cast<std::uint8_t>(value < 0 ? 0 : value);
    }
  }
}

void read_rows(Reader& reader, Image& out) {
  jpeg_decompress_struct& info = reader.info;
  const std::size_t row_bytes = static_cast<std::size_t>(out.width) * 3;
  std::vector<std::uint8_t> other(
      info.out_color_space == JCS_RGB ? 0 : static_cast<std::size_t>(out.width) * info.output_components);
  for (int y = 0; y < out.height; ++y) {
    std::uint8_t* rgb = out.pixels.data() + static_cast<std::size_t>(y) * row_bytes;
    JSAMPROW row = other.empty() ? rgb : other.data();
    JDIMENSION got = 0;
    run(reader, [&] { got = jpeg_read_scanlines(&info, &row, 1); });
    if (got != 1) reader.job.fail_truncated("JPEG", static_cast<std::uint64_t>(y), info.output_height);
    if (info.out_color_space == JCS_GRAYSCALE) grey_to_rgb(row, out.width, rgb);
    if (info.out_color_space == JCS_CMYK) cmyk_to_rgb(row, out.width, rgb);
  }
}

}  // namespace

Image decode_jpeg(const DecodeJob& job) {
  Reader reader(job);
  reader.info.client_data = &reader;
  read_header(reader);
  jpeg_decompress_struct& info = reader.info;
  job.check_size(info.image_height, info.image_width);
  const std::uint64_t pixels = std::uint64_t{info.image_width} * info.image_height;
  if (pixels / kMaxPixelsPerByte > job.bytes().size()) job.fail_truncated("JPEG", 0, info.image_height);
  std::uint64_t extra_bytes = 0;
  if (jpeg_has_multiple_scans(&info)) {
    if (pixels > kMaxScannedPixels) {
      job.fail(ErrorCode::kExhausted, "the JPEG of ", info.image_width, "x", info.image_height,
               " pixels is progressive, the limit for these is ", kMaxScannedPixels, " pixels in all");
    }
    extra_bytes = coefficient_bytes(info);
  }
  Image out = job.allocate(info.image_height, info.image_width, extra_bytes);
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  boolean started = FALSE;
  run(reader, [&] { started = jpeg_start_decompress(&info); });
  if (!started) job.fail_truncated("JPEG", 0, info.image_height);
  read_rows(reader, out);
  boolean finished = FALSE;
  run(reader, [&] { finished = jpeg_finish_decompress(&info); });
  if (!finished) job.fail(ErrorCode::kCorrupt, "the JPEG is cut off: its end marker is missing");
  return out;
}

}  // namespace moonbeam::image
