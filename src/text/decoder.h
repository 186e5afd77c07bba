// The text decoder: embeddings of many sequences -> hidden -> logits, one layer at a time.
//
// Follows vikhyat/moondream moondream/torch/text.py `text_decoder` and `lm_head`.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "ops/attention.h"
#include "ops/context.h"
#include "text/config.h"
#include "text/kv_cache.h"
#include "text/rope.h"
#include "text/weights.h"

namespace moonbeam::text {

/// For tests: hidden of all rows after a block, before the next.
using Probe = std::function<void(int layer, const float* hidden, int rows, int width)>;

/// New rows of one sequence: they take positions cache.size() .. cache.size() + rows - 1. The caches of one
/// pass have one precision, which is that of its attention.
struct Rows {
  KvCache* cache;
  int count;
};

/// One pass of several sequences through all layers. Prefill is a pass with many rows of one sequence, a
/// decode step a pass with one row each of many. Between two calls of step() a pass can rest while others
/// run. Activations are allocated once and reused; not shared between threads.
class Decoder {
 public:
  Decoder(const TextConfig& config, const TextWeights& weights, const RopeTable& rope, ops::Context& context);

  /// Starts a pass. `embeddings` [rows of all sequences in order, dim] are copied.
  /// @throws Error kExhausted if a sequence would pass max_context; nothing is changed then.
  void begin(std::span<const Rows> batch, const float* embeddings);
  /// Runs the next layer. False when none is left; the caches then count the rows as stored.
  bool step();
  /// Forgets a pass that was begun; the caches keep what they had.
  void abandon() noexcept { layer_ = config_.layers; }
  int layer() const noexcept { return layer_; }  ///< layers done

  /// After the last step: output of the last block [rows, dim], before post_ln.
  const float* hidden(int row) const noexcept {
    return x_.data() + static_cast<std::ptrdiff_t>(row) * config_.dim;
  }

  /// lm_head(post_ln(hidden)) + bias for `rows` rows of hidden [rows, dim] -> [rows, vocab].
  void logits(const float* hidden, int rows, float* out);
  /// Single ones of one row, hidden [dim] -> out [ids]: each has the bits that it has among all.
  void logits(const float* hidden, std::span<const int> ids, float* out);

  void set_probe(Probe probe) { probe_ = std::move(probe); }

 private:
  void block(int layer);
  void attend(int layer);
  void add(const ops::LowRank& adapter, const float* x, float* out);

  const TextConfig& config_;
  const TextWeights& weights_;
  const RopeTable& rope_;
  ops::Context& context_;
  Probe probe_;

  std::vector<Rows> batch_;
  int rows_ = 0;
  int layer_ = 0;
  std::vector<int> visible_;  // [rows] keys each row sees
  // Of each sequence, in the layer that runs; of the kind that its cache has.
  std::vector<std::vector<kernels::KeyBlock>> key_blocks_;
  std::vector<std::vector<kernels::MutableKeyBlock>> writable_;
  std::vector<std::vector<kernels::KeyBlock16>> key_blocks16_;
  std::vector<std::vector<kernels::MutableKeyBlock16>> writable16_;
  // S rows, D width.
  base::Buffer<float> x_;         // [S, D] residual stream
  base::Buffer<float> normed_;    // [S, D]
  base::Buffer<float> qkv_;       // [S, 3 D]
  base::Buffer<float> attended_;  // [S, D]
  base::Buffer<float> feed_;      // [S, ff]
  base::Buffer<float> inner_;     // [S, rank] of the adapter's layer that runs
};

}  // namespace moonbeam::text
