#include "text/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace moonbeam::text {

Decoder::Decoder(const TextConfig& config, const TextWeights& weights, const RopeTable& rope,
                 ops::Context& context)
    : config_(config), weights_(weights), rope_(rope), context_(context), layer_(config.layers) {}

void Decoder::begin(std::span<const Rows> batch, const float* embeddings) {
  int rows = 0;
  for (const Rows& part : batch) {
    const int needed = part.cache->size() + part.count;
    if (needed > config_.max_context) {
      base::fail(ErrorCode::kExhausted, "context is full: the model has ", config_.max_context,
                 " positions, ", needed, " are needed");
    }
    MB_ASSERT(part.cache->size() > 0 || part.count >= part.cache->prefix());
    rows += part.count;
  }
  rows_ = rows;
  const auto count = static_cast<std::size_t>(rows);
  x_.reserve_discard(count * config_.dim);
  normed_.reserve_discard(count * config_.dim);
  qkv_.reserve_discard(count * 3 * config_.dim);
  attended_.reserve_discard(count * config_.dim);
  feed_.reserve_discard(count * config_.ff_dim);
  std::memcpy(x_.data(), embeddings, count * config_.dim * sizeof(float));

  batch_.assign(batch.begin(), batch.end());
  visible_.clear();
  for (const Rows& part : batch_) {
    part.cache->extend(part.count);
    for (int i = 0; i < part.count; ++i) {
      const int position = part.cache->size() + i;
      visible_.push_back(position < part.cache->prefix() ? part.cache->prefix() : position + 1);
    }
  }
  key_blocks_.resize(batch_.size());
  writable_.resize(batch_.size());
  key_blocks16_.resize(batch_.size());
  writable16_.resize(batch_.size());
  layer_ = 0;
}

bool Decoder::step() {
  if (layer_ >= config_.layers) return false;
  const base::ThreadPool::Stay stay(context_.pool);
  block(layer_);
  if (probe_) probe_(layer_, x_.data(), rows_, config_.dim);
  if (++layer_ == config_.layers) {
    for (const Rows& part : batch_) part.cache->commit(part.count);
  }
  return layer_ < config_.layers;
}

// Parallel block: one norm feeds attention and feed-forward, both add into the residual stream.
void Decoder::block(int layer) {
  const BlockWeights& weights = weights_.blocks[static_cast<std::size_t>(layer)];
  const BlockAdapter& adapter = weights.adapter;
  ops::layer_norm(context_, x_.data(), rows_, weights.ln, normed_.data());
  const ops::LinearTask from_normed[] = {{normed_.data(), &weights.qkv, qkv_.data()},
                                         {normed_.data(), &weights.fc1, feed_.data(),
                                          adapter.fc1 ? ops::Epilogue::kStore : ops::Epilogue::kGelu}};
  ops::linear(context_, from_normed, rows_);
  add(adapter.qkv, normed_.data(), qkv_.data());
  if (adapter.fc1) {
    add(adapter.fc1, normed_.data(), feed_.data());
    ops::gelu(context_, feed_.data(), rows_, config_.ff_dim);
  }
  attend(layer);
  const ops::LinearTask into_x[] = {{attended_.data(), &weights.proj, x_.data(), ops::Epilogue::kAdd},
                                    {feed_.data(), &weights.fc2, x_.data(), ops::Epilogue::kAdd}};
  ops::linear(context_, into_x, rows_);
  add(adapter.proj, adapter.proj_from_normed ? normed_.data() : attended_.data(), x_.data());
  add(adapter.fc2, feed_.data(), x_.data());
}

void Decoder::add(const ops::LowRank& adapter, const float* x, float* out) {
  if (!adapter) return;
  inner_.reserve_discard(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(adapter.rank()));
  ops::add_low_rank(context_, x, rows_, adapter, inner_.data(), out);
}

// Every row against its own sequence. Whoever takes a head first rotates its queries and keys and stores its
// keys and values, so that they are at hand when the rows are.
void Decoder::attend(int layer) {
  const int dim = config_.dim;
  const int width = config_.head_width();
  std::vector<ops::AttentionTask> tasks;
  std::vector<ops::NewKeys> keys;
  std::vector<float*> queries;
  int row = 0;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    KvCache& cache = *batch_[i].cache;
    const int count = batch_[i].count;
    float* qkv = qkv_.data() + static_cast<std::ptrdiff_t>(row) * 3 * dim;
    queries.push_back(qkv);
    keys.push_back({qkv + dim, qkv + 2 * dim, 3 * dim, count, cache.size()});
    tasks.push_back({.q = qkv,
                     .q_stride = 3 * dim,
                     .rows = count,
                     .visible = visible_.data() + row,
                     .out = attended_.data() + static_cast<std::ptrdiff_t>(row) * dim,
                     .out_stride = dim});
    if (cache.precision() == ops::Precision::kF32) {
      cache.writable_blocks(layer, writable_[i]);
      cache.blocks(layer, key_blocks_[i]);
      tasks.back().blocks = key_blocks_[i];
    } else {
      cache.writable_blocks(layer, writable16_[i]);
      cache.blocks(layer, key_blocks16_[i]);
      tasks.back().blocks16 = key_blocks16_[i];
    }
    row += count;
  }
  const auto prepare = [&](int task, int head) {
    const auto i = static_cast<std::size_t>(task);
    for (int r = 0; r < keys[i].rows; ++r) {
      float* q = queries[i] + static_cast<std::ptrdiff_t>(r) * 3 * dim + head * width;
      rotate(rope_, keys[i].position + r, q, 1, width);
      rotate(rope_, keys[i].position + r, q + dim, 1, width);
    }
    if (tasks[i].blocks16.empty()) {
      ops::store_head(context_.kernels, keys[i], head, width, writable_[i]);
    } else {
      ops::store_head(context_.kernels, keys[i], head, width, writable16_[i]);
    }
  };
  ops::attention(context_, tasks, config_.heads, width, 1.0f / std::sqrt(static_cast<float>(width)), prepare);
}

void Decoder::logits(const float* hidden, int rows, float* out) {
  normed_.reserve_discard(static_cast<std::size_t>(rows) * config_.dim);
  ops::layer_norm(context_, hidden, rows, weights_.post_ln, normed_.data());
  ops::linear(context_, normed_.data(), rows, weights_.lm_head, out);
}

void Decoder::logits(const float* hidden, std::span<const int> ids, float* out) {
  normed_.reserve_discard(static_cast<std::size_t>(config_.dim));
  ops::layer_norm(context_, hidden, 1, weights_.post_ln, normed_.data());
  for (const int id : ids) ops::linear_rows(context_, normed_.data(), 1, weights_.lm_head, id, 1, out++);
}

}  // namespace moonbeam::text
