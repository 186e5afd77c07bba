#include "vision/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace moonbeam::vision {

namespace {

// Rows at once: enough to fill every core's share of a matrix, little enough that the feed-forward
// activations of the full-size encoder stay under 30 MB.
constexpr int kRowsPerBatch = 1536;

}  // namespace

Encoder::Encoder(const VisionConfig& config, const VisionWeights& weights, ops::Context& context)
    : config_(config),
      weights_(weights),
      context_(context),
      crops_per_batch_(std::max(1, kRowsPerBatch / config.patches())) {}

bool Encoder::encode(const float* patches, int crops, float* features, const LayerFn& on_layer,
                     const Probe& probe) {
  const int per_crop = config_.patches();
  const auto dim = static_cast<std::ptrdiff_t>(config_.dim);
  const int batches = (crops + crops_per_batch_ - 1) / crops_per_batch_;
  const auto rows_at_once = static_cast<std::size_t>(std::min(crops, crops_per_batch_) * per_crop);
  x_.reserve_discard(rows_at_once * config_.dim);
  normed_.reserve_discard(rows_at_once * config_.dim);
  qkv_.reserve_discard(rows_at_once * 3 * config_.dim);
  hidden_.reserve_discard(rows_at_once * config_.ff_dim);

  int done = 0;
  for (int first = 0; first < crops; first += crops_per_batch_) {
    const int count = std::min(crops_per_batch_, crops - first);
    const int rows = count * per_crop;
    ops::linear(context_, patches + static_cast<std::ptrdiff_t>(first) * per_crop * config_.patch_dim(), rows,
                weights_.patch_emb, x_.data());
    for (int crop = 0; crop < count; ++crop) {
      context_.kernels.add(weights_.pos_emb, x_.data() + crop * per_crop * dim,
                           static_cast<int>(per_crop * dim));
    }
    if (probe) probe("vit_in", 0, x_.data(), rows, config_.dim);
    for (int layer = 0; layer < config_.layers; ++layer) {
      block(layer, count, probe);
      if (on_layer && !on_layer(++done, batches * config_.layers)) return false;
    }
    float* out = features + first * per_crop * dim;
    ops::layer_norm(context_, x_.data(), rows, weights_.post_ln, out);
    if (probe) probe("features", 0, out, rows, config_.dim);
  }
  return true;
}

void Encoder::block(int layer, int crops, const Probe& probe) {
  const BlockWeights& weights = weights_.blocks[static_cast<std::size_t>(layer)];
  const int rows = crops * config_.patches();
  ops::layer_norm(context_, x_.data(), rows, weights.ln1, normed_.data());
  ops::linear(context_, normed_.data(), rows, weights.qkv, qkv_.data());
  attend(crops);
  ops::linear(context_, normed_.data(), rows, weights.proj, x_.data(), ops::Epilogue::kAdd);
  if (probe) probe("vit_block_attn", layer, x_.data(), rows, config_.dim);
  ops::layer_norm(context_, x_.data(), rows, weights.ln2, normed_.data());
  ops::linear(context_, normed_.data(), rows, weights.fc1, hidden_.data(), ops::Epilogue::kGelu);
  ops::linear(context_, hidden_.data(), rows, weights.fc2, x_.data(), ops::Epilogue::kAdd);
  if (probe) probe("vit_block", layer, x_.data(), rows, config_.dim);
}

// Each crop attends to itself alone. Reads qkv_, leaves the heads' output in normed_.
void Encoder::attend(int crops) {
  const int patches = config_.patches();
  const int dim = config_.dim;
  const int blocks = (patches + kernels::kKeyBlock - 1) / kernels::kKeyBlock;
  const std::size_t block_size = static_cast<std::size_t>(kernels::kKeyBlock) * static_cast<std::size_t>(dim);
  keys_.reserve_discard(static_cast<std::size_t>(crops) * blocks * block_size * 2);

  std::vector<kernels::MutableKeyBlock> storage(static_cast<std::size_t>(crops * blocks));
  std::vector<kernels::KeyBlock> views(storage.size());
  for (std::size_t i = 0; i < storage.size(); ++i) {
    storage[i] = {keys_.data() + 2 * i * block_size, keys_.data() + (2 * i + 1) * block_size};
    views[i] = {storage[i].k, storage[i].v};
  }
  const std::vector<int> visible(static_cast<std::size_t>(patches), patches);
  std::vector<ops::AttentionTask> tasks;
  for (int crop = 0; crop < crops; ++crop) {
    const float* qkv = qkv_.data() + static_cast<std::ptrdiff_t>(crop) * patches * 3 * dim;
    const auto first = static_cast<std::size_t>(crop * blocks);
    const auto count = static_cast<std::size_t>(blocks);
    ops::store_keys_values(context_, qkv + dim, qkv + 2 * dim, 3 * dim, patches, config_.heads,
                           config_.head_width(), 0, std::span(storage).subspan(first, count));
    tasks.push_back({.q = qkv,
                     .q_stride = 3 * dim,
                     .rows = patches,
                     .blocks = std::span<const kernels::KeyBlock>(views).subspan(first, count),
                     .visible = visible.data(),
                     .out = normed_.data() + static_cast<std::ptrdiff_t>(crop) * patches * dim,
                     .out_stride = dim});
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(config_.head_width()));
  ops::attention(context_, tasks, config_.heads, config_.head_width(), scale);
}

void Encoder::project(const float* global, const float* local, int n, float* embeddings) {
  const auto dim = static_cast<std::size_t>(config_.dim);
  const float* in = global;
  base::Buffer<float> joined;
  if (config_.proj_in_dim == 2 * config_.dim) {
    joined.reserve_discard(static_cast<std::size_t>(n) * 2 * dim);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      std::memcpy(joined.data() + 2 * i * dim, global + i * dim, dim * sizeof(float));
      std::memcpy(joined.data() + (2 * i + 1) * dim, local + i * dim, dim * sizeof(float));
    }
    in = joined.data();
  }
  hidden_.reserve_discard(static_cast<std::size_t>(n) * config_.proj_inner_dim);
  ops::linear(context_, in, n, weights_.proj_fc1, hidden_.data(), ops::Epilogue::kGelu);
  ops::linear(context_, hidden_.data(), n, weights_.proj_fc2, embeddings);
}

}  // namespace moonbeam::vision
