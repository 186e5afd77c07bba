#include "data/pipeline/run/s00_ingest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/pipeline/reduce/decontaminate.h"
#include "data/scenes/maths.h"
#include "image/resize.h"

namespace moonbeam::pipeline {

namespace {

constexpr int kSide = 32, kLow = 8;  // of the small picture and of the frequencies kept

double lightness(const std::uint8_t* rgb) {
  return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
}

/// Deviation of the lightness, 0 to 127.5.
double spread(const Image& image) {
  double sum = 0, squares = 0;
  const std::size_t pixels = image.pixels.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    const double value = lightness(image.pixels.data() + 3 * i);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / static_cast<double>(pixels);
  return std::sqrt(std::max(0.0, squares / static_cast<double>(pixels) - mean * mean));
}

class Ingest : public Stage {
 public:
  explicit Ingest(base::KeySection& keys) {
    keys.read("least_side", least_side_, 1, 65'535);
    keys.read("most_aspect", most_aspect_, 1, 65'535);
    keys.read("least_spread", least_spread_, 0, 128);
    int near = 4;
    keys.read("near", near, 0, 15);
    refused_ = EvaluationPictures(near);
    std::string refuse;
    keys.read("refuse", refuse);
    if (refuse.empty()) return;
    refused_.read((std::filesystem::path(keys.file()).parent_path() / refuse).string());
  }

  std::string_view name() const override { return "S0"; }

  std::vector<llm::Call> step(Record& record, int, std::span<const llm::Result>,
                              const Context& context) const override {
    const std::string why = look(record, context);
    if (!why.empty()) {
      record.status = "rejected";
      record.reason = "S0/" + why;
      record.count("S0/" + why);
    }
    return {};
  }

 private:
  /// @return why it is of no use
  std::string look(Record& record, const Context& context) const {
    Image image;
    try {
      const llm::Picture file = context.picture(record);
      const std::span<const std::byte> bytes = std::as_bytes(std::span(*file.bytes));
      base::Sha256 hash;
      hash.update(bytes);
      record.picture.sha256 = hash.hex();
      image = decode_image(bytes, {}, record.input.file);  // as stored: boxes are of this grid
    } catch (const Error& error) {
      return error.code() == ErrorCode::kNotFound ? "missing" : "undecodable";
    }
    if (record.input.width == 0) {  // only narratives know it
      record.input.width = image.width;
      record.input.height = image.height;
    }
    if (record.input.width != image.width || record.input.height != image.height) return "other-size";
    const int low = std::min(image.width, image.height), high = std::max(image.width, image.height);
    if (low < least_side_) return "too-small";
    if (high > most_aspect_ * low) return "too-long";
    if (spread(image) < least_spread_) return "constant-colour";
    record.picture.hash = perceptual_hash(image);
    if (refused_.holds(record)) return "evaluation-picture";
    return "";
  }

  int least_side_ = 64;
  double most_aspect_ = 8, least_spread_ = 4;
  EvaluationPictures refused_{4};
};

}  // namespace

std::uint64_t perceptual_hash(const Image& image) {
  const Image small = image::resize(image, kSide, kSide, image::Filter::kLanczos);
  std::array<double, kLow * kLow> waves{};
  std::array<std::array<double, kSide>, kLow> cosine{};
  for (int k = 0; k < kLow; ++k) {
    for (int x = 0; x < kSide; ++x) {
      cosine[static_cast<std::size_t>(k)][static_cast<std::size_t>(x)] =
          static_cast<double>(data::cos_turn(static_cast<float>((2 * x + 1) * k) / (4.0f * kSide)));
    }
  }
  for (std::size_t v = 0; v < kLow; ++v) {
    for (std::size_t u = 0; u < kLow; ++u) {
      for (std::size_t y = 0; y < kSide; ++y) {
        for (std::size_t x = 0; x < kSide; ++x) {
          waves[v * kLow + u] +=
              cosine[v][y] * cosine[u][x] * lightness(small.pixels.data() + 3 * (y * kSide + x));
        }
      }
    }
  }
  waves[0] = 0;  // the mean says how bright it is, which copies change
  std::array<double, kLow* kLow> sorted = waves;
  std::nth_element(sorted.begin(), sorted.begin() + kLow * kLow / 2, sorted.end());
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < waves.size(); ++i) {
    if (waves[i] > sorted[kLow * kLow / 2]) hash |= std::uint64_t{1} << i;
  }
  return hash;
}

std::unique_ptr<Stage> make_s0(base::KeySection& keys) {
  return std::make_unique<Ingest>(keys);
}

}  // namespace moonbeam::pipeline
