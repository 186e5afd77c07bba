// WebP through libwebp: lossy and lossless; of an animation the first frame on a black canvas. Alpha is
// dropped, the colours under it stay.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "image/codec.h"

namespace moonbeam::image {
namespace {

struct Delete {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

WebPBitstreamFeatures read_features(const DecodeJob& job, const std::uint8_t* data, std::size_t size) {
  WebPBitstreamFeatures features{};
  switch (WebPGetFeatures(data, size, &features)) {
    case VP8_STATUS_OK:
      return features;
    case VP8_STATUS_NOT_ENOUGH_DATA:
      job.fail(ErrorCode::kCorrupt, "the WebP is cut off in its header");
    default:
      job.fail(ErrorCode::kCorrupt, "WebP: the header is broken");
  }
}

/// What libwebp takes for itself: a lossless picture stands in memory as 32-bit pixels first.
std::uint64_t decoder_bytes(const WebPBitstreamFeatures& features) {
  const std::uint64_t pixels =
      static_cast<std::uint64_t>(features.width) * static_cast<std::uint64_t>(features.height);
  return features.format == 2 ? 4 * pixels : features.has_alpha ? pixels : 0;
}

/// Decodes one still picture into `rgb`, rows `stride` bytes apart, piece by piece to look at the clock.
void decode_frame(const DecodeJob& job, const std::uint8_t* data, std::size_t size,
                  const WebPBitstreamFeatures& features, std::uint8_t* rgb, int stride) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) job.fail(ErrorCode::kUnsupported, "WebP: libwebp of another version");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = rgb;
  config.output.u.RGBA.stride = stride;
  config.output.u.RGBA.size =
      static_cast<std::size_t>(stride) * (features.height - 1) + static_cast<std::size_t>(features.width) * 3;
  const std::unique_ptr<WebPIDecoder, Delete> decoder(WebPIDecode(nullptr, 0, &config));
  if (!decoder) job.fail(ErrorCode::kExhausted, "not enough memory to decode the picture");

  const std::size_t pieces = std::max<std::size_t>(1, features.height / DecodeJob::kRowsPerCheck);
  const std::size_t step = std::max<std::size_t>(4096, size / pieces);
  VP8StatusCode status = VP8_STATUS_SUSPENDED;
  for (std::size_t given = 0; given < size && status == VP8_STATUS_SUSPENDED;) {
    job.check_deadline();
    given = std::min(size, given + step);
    status = WebPIUpdate(decoder.get(), data, given);
  }
  if (status == VP8_STATUS_OK) return;
  if (status == VP8_STATUS_OUT_OF_MEMORY) {
    job.fail(ErrorCode::kExhausted, "not enough memory to decode the picture");
  }
  int last_row = 0;
  WebPIDecGetRGB(decoder.get(), &last_row, nullptr, nullptr, nullptr);
  if (status == VP8_STATUS_SUSPENDED) {
    job.fail_truncated("WebP", static_cast<std::uint64_t>(std::max(0, last_row)), features.height);
  }
  job.fail(ErrorCode::kCorrupt, "WebP: the data is broken (libwebp status ", static_cast<int>(status), ")");
}

Image decode_first_frame(const DecodeJob& job) {
  const WebPData data{job.bytes().data(), job.bytes().size()};
  const std::unique_ptr<WebPDemuxer, Delete> demuxer(WebPDemux(&data));
  WebPIterator frame{};
  if (!demuxer || !WebPDemuxGetFrame(demuxer.get(), 1, &frame)) {
    job.fail(ErrorCode::kCorrupt, "WebP: the animation is broken or cut off");
  }
  // The iterator points into `data` and owns nothing that outlives the demuxer.
  const WebPBitstreamFeatures features = read_features(job, frame.fragment.bytes, frame.fragment.size);
  Image out = job.allocate(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT),
                           WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH), decoder_bytes(features));
  if (frame.x_offset < 0 || frame.y_offset < 0 || features.width > out.width - frame.x_offset ||
      features.height > out.height - frame.y_offset) {
    job.fail(ErrorCode::kCorrupt, "WebP: the first frame of ", features.width, "x", features.height,
             " pixels does not fit the canvas of ", out.width, "x", out.height);
  }
  const std::size_t corner = static_cast<std::size_t>(frame.y_offset) * out.width + frame.x_offset;
  decode_frame(job, frame.fragment.bytes, frame.fragment.size, features, out.pixels.data() + corner * 3,
               out.width * 3);
  return out;
}

}  // namespace

Image decode_webp(const DecodeJob& job) {
  const WebPBitstreamFeatures features = read_features(job, job.bytes().data(), job.bytes().size());
  job.check_size(features.height, features.width);
  if (features.has_animation) return decode_first_frame(job);
  Image out = job.allocate(features.height, features.width, decoder_bytes(features));
  decode_frame(job, job.bytes().data(), job.bytes().size(), features, out.pixels.data(), out.width * 3);
  return out;
}

}  // namespace moonbeam::image
