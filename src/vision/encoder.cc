#include "vision/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace moonbeam::vision {

namespace {

// Rows at once: enough to fill every core's share of a matrix, little enough that the feed-forward
// activations of the full-size encoder stay under 30 MB.
constexpr int kRowsPerBatch = 1536;

void set_blocks(ops::AttentionTask& task, std::span<const kernels::KeyBlock> blocks) {
  task.blocks = blocks;
}
void set_blocks(ops::AttentionTask& task, std::span<const kernels::KeyBlock16> blocks) {
  task.blocks16 = blocks;
}

}  // namespace

Encoder::Encoder(const VisionConfig& config, const VisionWeights& weights, ops::Context& context)
    : config_(config),
      weights_(weights),
      context_(context),
      crops_per_batch_(std::max(1, kRowsPerBatch / config.patches())) {}

void Encoder::encode(const float* patches, int crops, float* features, const Probe& probe) {
  begin(patches, crops, features, probe);
  while (step()) {
  }
}

void Encoder::begin(const float* patches, int crops, float* features, Probe probe) {
  patches_ = patches;
  features_ = features;
  crops_ = crops;
  probe_ = std::move(probe);
  first_ = layer_ = done_ = 0;
  steps_ = (crops + crops_per_batch_ - 1) / crops_per_batch_ * config_.layers;
  const auto rows = static_cast<std::size_t>(std::min(crops, crops_per_batch_) * config_.patches());
  x_.reserve_discard(rows * config_.dim);
  normed_.reserve_discard(rows * config_.dim);
  qkv_.reserve_discard(rows * 3 * config_.dim);
  hidden_.reserve_discard(rows * config_.ff_dim);
}

int Encoder::batch_crops() const noexcept {
  return std::min(crops_per_batch_, crops_ - first_);
}

bool Encoder::step() {
  if (done_ >= steps_) return false;
  const base::ThreadPool::Stay stay(context_.pool);
  if (layer_ == 0) embed_patches();
  block(layer_, batch_crops());
  ++done_;
  if (++layer_ < config_.layers) return true;

  const int rows = batch_crops() * config_.patches();
  float* out = features_ + static_cast<std::ptrdiff_t>(first_) * config_.patches() * config_.dim;
  ops::layer_norm(context_, x_.data(), rows, weights_.post_ln, out);
  if (probe_) probe_("features", 0, out, rows, config_.dim);
  first_ += crops_per_batch_;
  layer_ = 0;
  return first_ < crops_;
}

void Encoder::embed_patches() {
  const int per_crop = config_.patches();
  const int rows = batch_crops() * per_crop;
  const auto dim = static_cast<std::ptrdiff_t>(config_.dim);
  ops::linear(context_, patches_ + static_cast<std::ptrdiff_t>(first_) * per_crop * config_.patch_dim(), rows,
              weights_.patch_emb, x_.data());
  for (int crop = 0; crop < batch_crops(); ++crop) {
    context_.kernels.add(weights_.pos_emb, x_.data() + crop * per_crop * dim,
                         static_cast<int>(per_crop * dim));
  }
  if (probe_) probe_("vit_in", 0, x_.data(), rows, config_.dim);
}

void Encoder::block(int layer, int crops) {
  const BlockWeights& weights = weights_.blocks[static_cast<std::size_t>(layer)];
  const int rows = crops * config_.patches();
  ops::layer_norm(context_, x_.data(), rows, weights.ln1, normed_.data());
  ops::linear(context_, normed_.data(), rows, weights.qkv, qkv_.data());
  attend(crops);
  ops::linear(context_, normed_.data(), rows, weights.proj, x_.data(), ops::Epilogue::kAdd);
  if (probe_) probe_("vit_block_attn", layer, x_.data(), rows, config_.dim);
  ops::layer_norm(context_, x_.data(), rows, weights.ln2, normed_.data());
  ops::linear(context_, normed_.data(), rows, weights.fc1, hidden_.data(), ops::Epilogue::kGelu);
  ops::linear(context_, hidden_.data(), rows, weights.fc2, x_.data(), ops::Epilogue::kAdd);
  if (probe_) probe_("vit_block", layer, x_.data(), rows, config_.dim);
}

// Each crop attends to itself alone. Reads qkv_, leaves the heads' output in normed_.
void Encoder::attend(int crops) {
  if (context_.precision == ops::Precision::kF32) {
    const std::size_t size = ops::block_elements(config_.heads, config_.head_width());
    attend<kernels::MutableKeyBlock, kernels::KeyBlock>(crops, keys_, size, size);
  } else {
    attend<kernels::MutableKeyBlock16, kernels::KeyBlock16>(
        crops, keys16_, ops::key_elements16(config_.heads, config_.head_width()),
        ops::value_elements16(config_.heads, config_.head_width()));
  }
}

// `storage`: blocks of k_size elements of keys and v_size of values.
template <class Block, class View, class Element>
void Encoder::attend(int crops, base::Buffer<Element>& storage, std::size_t k_size, std::size_t v_size) {
  const int patches = config_.patches();
  const int dim = config_.dim;
  const int width = config_.head_width();
  const int blocks = (patches + kernels::kKeyBlock - 1) / kernels::kKeyBlock;
  storage.reserve_discard(static_cast<std::size_t>(crops * blocks) * (k_size + v_size));

  std::vector<Block> writable;
  std::vector<View> views;
  for (std::size_t i = 0; i < static_cast<std::size_t>(crops * blocks); ++i) {
    Element* k = storage.data() + i * (k_size + v_size);
    writable.push_back({k, k + k_size});
    views.push_back({k, k + k_size});
  }
  const std::vector<int> visible(static_cast<std::size_t>(patches), patches);
  std::vector<ops::AttentionTask> tasks;
  for (int crop = 0; crop < crops; ++crop) {
    tasks.push_back({.q = qkv_.data() + static_cast<std::ptrdiff_t>(crop) * patches * 3 * dim,
                     .q_stride = 3 * dim,
                     .rows = patches,
                     .visible = visible.data(),
                     .out = normed_.data() + static_cast<std::ptrdiff_t>(crop) * patches * dim,
                     .out_stride = dim});
    set_blocks(tasks.back(), std::span<const View>(views).subspan(static_cast<std::size_t>(crop * blocks),
                                                                  static_cast<std::size_t>(blocks)));
  }
  // Each head is stored by the thread that reads it next.
  const auto prepare = [&](int crop, int head) {
    const float* q = tasks[static_cast<std::size_t>(crop)].q;
    ops::store_head(context_.kernels, {q + dim, q + 2 * dim, 3 * dim, patches, 0}, head, width,
                    std::span<const Block>(writable).subspan(static_cast<std::size_t>(crop * blocks),
                                                             static_cast<std::size_t>(blocks)));
  };
  ops::attention(context_, tasks, config_.heads, width, 1.0f / std::sqrt(static_cast<float>(width)), prepare);
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
