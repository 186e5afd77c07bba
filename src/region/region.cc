#include "region/region.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace moonbeam::region {

void fourier_features(const float* x, int n, const float* w, int m, float* out) {
  constexpr float kTwoPi = 2.0f * std::numbers::pi_v<float>;
  for (int j = 0; j < m; ++j) {
    float angle = 0.0f;
    for (int i = 0; i < n; ++i) angle += (kTwoPi * x[i]) * w[i * m + j];
    out[j] = std::cos(angle);
    out[m + j] = std::sin(angle);
  }
}

void encode_coordinate(ops::Context& context, const RegionConfig& config, const RegionWeights& weights,
                       float value, float* out) {
  std::vector<float> features(static_cast<std::size_t>(config.coord_feat_dim));
  fourier_features(&value, 1, weights.coord_features, config.coord_feat_dim / 2, features.data());
  ops::linear(context, features.data(), 1, weights.coord_encoder, out);
}

void encode_size(ops::Context& context, const RegionConfig& config, const RegionWeights& weights, float width,
                 float height, float* out) {
  const float size[2] = {width, height};
  std::vector<float> features(static_cast<std::size_t>(config.size_feat_dim));
  fourier_features(size, 2, weights.size_features, config.size_feat_dim / 2, features.data());
  ops::linear(context, features.data(), 1, weights.size_encoder, out);
}

namespace {

void decode(ops::Context& context, const ops::Linear& fc1, const ops::Linear& fc2, const float* hidden,
            int rows, float* logits) {
  std::vector<float> inner(static_cast<std::size_t>(rows) * static_cast<std::size_t>(fc1.out()));
  ops::linear(context, hidden, rows, fc1, inner.data(), ops::Epilogue::kGelu);
  ops::linear(context, inner.data(), rows, fc2, logits);
}

}  // namespace

void decode_coordinate(ops::Context& context, const RegionWeights& weights, const float* hidden, int rows,
                       float* logits) {
  decode(context, weights.coord_fc1, weights.coord_fc2, hidden, rows, logits);
}

void decode_size(ops::Context& context, const RegionWeights& weights, const float* hidden, int rows,
                 float* logits) {
  decode(context, weights.size_fc1, weights.size_fc2, hidden, rows, logits);
}

float bin_to_coordinate(const RegionConfig& config, int bin) noexcept {
  return static_cast<float>(bin) / static_cast<float>(config.coord_divisor);
}

float bin_to_size(const RegionConfig& config, int bin) noexcept {
  const int bins = config.size_out_dim / 2;
  return std::exp2(static_cast<float>(bin) / static_cast<float>(bins - 1) * 10.0f - 10.0f);
}

int coordinate_to_bin(const RegionConfig& config, float value) noexcept {
  const int last = config.coord_out_dim - 1;
  return std::clamp(static_cast<int>(std::lround(value * static_cast<float>(last))), 0, last);
}

int size_to_bin(const RegionConfig& config, float value) noexcept {
  const int last = config.size_out_dim / 2 - 1;
  const float octaves = std::log2(std::max(value, 1.0f / 1024.0f)) + 10.0f;
  return std::clamp(static_cast<int>(std::lround(octaves / 10.0f * static_cast<float>(last))), 0, last);
}

}  // namespace moonbeam::region
