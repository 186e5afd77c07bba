#include "data/scenes/degrade.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/maths.h"
#include "image/encode.h"
#include "image/resize.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kNoiseSize = std::size_t{1} << 16;

/// Normal numbers, deviation 32: one table for all pictures, entered at a random place for every row.
const std::vector<std::int8_t>& noise_table() {
  static const std::vector<std::int8_t> table = [] {
    std::vector<std::int8_t> values(kNoiseSize);
    Stream stream(0, 0, 0, Part::kDegrade);
    for (std::int8_t& value : values) {
      value = static_cast<std::int8_t>(std::clamp(round_to_int(stream.normal() * 32), -127, 127));
    }
    return values;
  }();
  return table;
}

void add_noise(Image& image, float sigma, Stream& stream) {
  const std::vector<std::int8_t>& table = noise_table();
  const int weight = round_to_int(sigma * 8);  // 1/256 of a level for each unit of the table
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* row = image.pixels.data() + static_cast<std::size_t>(y) * row_bytes;
    for (std::size_t done = 0; done < row_bytes;) {
      const std::size_t start = stream.below(kNoiseSize);
      const std::size_t count = std::min(row_bytes - done, kNoiseSize - start);
      const std::int8_t* noise = table.data() + start;
      for (std::size_t i = 0; i < count; ++i) {
        const int value = row[done + i] + ((noise[i] * weight + 128) >> 8);
        row[done + i] = static_cast<std::uint8_t>(std::min(std::max(value, 0), 255));
      }
      done += count;
    }
  }
}

void apply_gamma(Image& image, float gamma) {
  std::array<std::uint8_t, 256> table{};
  for (int i = 1; i < 256; ++i) {
    const double value = 255 * exponential(static_cast<double>(gamma) * logarithm(i / 255.0));
    table[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(clamp_byte(static_cast<int>(value + 0.5)));
  }
  for (std::uint8_t& p : image.pixels) p = table[p];
}

Image down_and_up(const Image& image, float share) {
  const auto part = [share](int side) { return std::max(1, round_to_int(static_cast<float>(side) * share)); };
  return image::resize_bicubic(image::resize_bicubic(image, part(image.height), part(image.width)),
                               image.height, image.width);
}

Image through_jpeg(const Image& image, int quality) {
  std::string bytes;
  image::encode_jpeg(image, quality, "scene", [&](std::string_view piece) { bytes += piece; });
  return decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), {}, "scene");
}

}  // namespace

Image degrade(Image image, Stream& stream) {
  // All draws first: which steps are taken does not change what the others do.
  const bool resamples = stream.chance(0.2), gammas = stream.chance(0.5), noises = stream.chance(0.7),
             compresses = stream.chance(0.5);
  const float share = stream.uniform(0.4f, 0.85f), gamma = stream.uniform(0.7f, 1.4f),
              sigma = stream.uniform(0, 12);
  const int quality = stream.between(35, 95);
  if (resamples) image = down_and_up(image, share);
  if (gammas) apply_gamma(image, gamma);
  if (noises) add_noise(image, sigma, stream);
  if (compresses) image = through_jpeg(image, quality);
  return image;
}

}  // namespace moonbeam::data
