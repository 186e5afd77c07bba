#include "image/resize.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "image/resample_weights.h"

namespace moonbeam::image {
namespace {

void check_sizes(const Image& image, int height, int width) {
  if (image.height < 1 || image.width < 1 || height < 1 || width < 1 ||
      image.pixels.size() != static_cast<std::size_t>(image.height) * image.width * 3) {
    base::fail(ErrorCode::kInvalidArgument, "resize: from ", image.height, "x", image.width, " (",
               image.pixels.size(), " bytes) to ", height, "x", width, ": expected sides of at least 1");
  }
}

Image make_image(int height, int width) {
  Image out;
  out.height = height;
  out.width = width;
  out.pixels.resize(static_cast<std::size_t>(height) * width * 3);
  return out;
}

/// in [n_in, 3] -> out [n_out, 3]
void resample_row(const std::uint8_t* in, const ResampleWeights& weights, std::uint8_t* out) {
  const int outputs = static_cast<int>(weights.first.size());
  for (int x = 0; x < outputs; ++x, out += 3) {
    const std::uint8_t* p = in + std::ptrdiff_t{weights.first[static_cast<std::size_t>(x)]} * 3;
    const std::int32_t* k = weights.row(x);
    const int count = weights.count[static_cast<std::size_t>(x)];
    std::int32_t red = 0, green = 0, blue = 0;
    for (int j = 0; j < count; ++j, p += 3) {
      red += p[0] * k[j];
      green += p[1] * k[j];
      blue += p[2] * k[j];
    }
    out[0] = round_sum(red);
    out[1] = round_sum(green);
    out[2] = round_sum(blue);
  }
}

/// One output row of `bytes` bytes from `count` input rows.
void mix_rows(const std::uint8_t* const* rows, const std::int32_t* weights, int count, int bytes,
              std::int32_t* sums, std::uint8_t* out) {
  std::fill(sums, sums + bytes, 0);
  for (int j = 0; j < count; ++j) {
    const std::uint8_t* row = rows[j];
    const std::int32_t k = weights[j];
    for (int i = 0; i < bytes; ++i) sums[i] += row[i] * k;
  }
  for (int i = 0; i < bytes; ++i) out[i] = round_sum(sums[i]);
}

/// Rows of the picture at their final width, made as the vertical pass asks for them. A ring keeps as many
/// as one output row mixes, so a 65,535 pixel high picture costs no more than a small one.
class HorizontalPass {
 public:
  HorizontalPass(const Image& image, int width, int rows_kept, Filter filter)
      : image_(image), skip_(image.width == width), width_(width), rows_kept_(rows_kept) {
    if (skip_) return;
    weights_ = make_resample_weights(image.width, width, filter);
    ring_.resize(static_cast<std::size_t>(rows_kept) * width * 3);
  }

  /// Valid until `rows_kept` later rows were asked for; rows come in rising order.
  const std::uint8_t* row(int y) {
    const std::uint8_t* in = image_.pixels.data() + static_cast<std::size_t>(y) * image_.width * 3;
    if (skip_) return in;
    std::uint8_t* slot = ring_.data() + static_cast<std::size_t>(y % rows_kept_) * width_ * 3;
    if (y >= next_) {
      resample_row(in, weights_, slot);
      next_ = y + 1;
    }
    return slot;
  }

 private:
  const Image& image_;
  bool skip_;
  int width_;
  int rows_kept_;
  int next_ = 0;  // first row that was not made yet
  ResampleWeights weights_;
  std::vector<std::uint8_t> ring_;
};

}  // namespace

Image resize(const Image& image, int height, int width, Filter filter) {
  check_sizes(image, height, width);
  Image out = make_image(height, width);
  const int bytes = width * 3;
  if (height == image.height) {
    HorizontalPass horizontal(image, width, 1, filter);
    for (int y = 0; y < height; ++y) {
      std::memcpy(out.pixels.data() + static_cast<std::size_t>(y) * bytes, horizontal.row(y),
                  static_cast<std::size_t>(bytes));
    }
    return out;
  }
  const ResampleWeights vertical = make_resample_weights(image.height, height, filter);
  HorizontalPass horizontal(image, width, vertical.taps, filter);
  std::vector<const std::uint8_t*> rows(static_cast<std::size_t>(vertical.taps));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(bytes));
  for (int y = 0; y < height; ++y) {
    const int first = vertical.first[static_cast<std::size_t>(y)];
    const int count = vertical.count[static_cast<std::size_t>(y)];
    for (int j = 0; j < count; ++j) rows[static_cast<std::size_t>(j)] = horizontal.row(first + j);
    mix_rows(rows.data(), vertical.row(y), count, bytes, sums.data(),
             out.pixels.data() + static_cast<std::size_t>(y) * bytes);
  }
  return out;
}

Image resize_reference(const Image& image, int height, int width, Filter filter) {
  check_sizes(image, height, width);
  Image narrow = image;
  if (width != image.width) {
    narrow = make_image(image.height, width);
    const ResampleWeights weights = make_resample_weights(image.width, width, filter);
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          std::int32_t sum = 0;
          for (int j = 0; j < weights.count[x]; ++j) {
            const int from = weights.first[x] + j;
            sum +=
                image.pixels[(static_cast<std::size_t>(y) * image.width + from) * 3 + c] * weights.row(x)[j];
          }
          narrow.pixels[(static_cast<std::size_t>(y) * width + x) * 3 + c] = round_sum(sum);
        }
      }
    }
  }
  if (height == image.height) return narrow;
  Image out = make_image(height, width);
  const ResampleWeights weights = make_resample_weights(image.height, height, filter);
  const std::size_t bytes = static_cast<std::size_t>(width) * 3;
  for (int y = 0; y < height; ++y) {
    for (std::size_t i = 0; i < bytes; ++i) {
      std::int32_t sum = 0;
      for (int j = 0; j < weights.count[y]; ++j) {
        sum += narrow.pixels[(weights.first[y] + j) * bytes + i] * weights.row(y)[j];
      }
      out.pixels[y * bytes + i] = round_sum(sum);
    }
  }
  return out;
}

}  // namespace moonbeam::image
