// The decoder in both precisions of attention: what batches, threads and forks must not change.
#include "text/decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "kernels/testing.h"

namespace moonbeam::text {
namespace {

using kernels::testing::expect_equal;
using kernels::testing::Random;
using ops::Precision;

// Two layers of random weights.
class Model {
 public:
  TextConfig config;
  TextWeights weights;
  RopeTable rope{32, 10000.0f, 256};

  Model() {
    config.dim = 128;
    config.ff_dim = 192;
    config.layers = 2;
    config.max_context = 256;
    config.heads = 2;
    for (int layer = 0; layer < config.layers; ++layer) {
      weights.blocks.push_back({norm(), linear(3 * config.dim, config.dim), linear(config.dim, config.dim),
                                linear(config.ff_dim, config.dim), linear(config.dim, config.ff_dim)});
    }
  }
  const float* values(int n, float scale) {
    base::Buffer<float>& buffer = storage_.emplace_back(static_cast<std::size_t>(n));
    for (float& value : buffer) value = random_() * scale;
    return buffer.data();
  }

 private:
  ops::Norm norm() { return {values(config.dim, 1), values(config.dim, 1), config.dim}; }
  ops::Linear linear(int out, int in) {
    const float scale = 2 / std::sqrt(static_cast<float>(in));
    return {{reinterpret_cast<const std::byte*>(values(out * in, scale)), tensor::DType::kF32, {out, in}},
            values(out, 1)};
  }
  Random random_{1};
  std::vector<base::Buffer<float>> storage_;
};

class DecoderIn : public ::testing::TestWithParam<Precision> {
 protected:
  KvCache cache(int prefix = 0) const {
    return {model_.config.layers, model_.config.heads, model_.config.head_width(), prefix, GetParam()};
  }
  // Rows of hidden after one pass, [rows, dim].
  std::vector<float> run(std::span<const Rows> batch, const float* embeddings, int threads = 1) {
    base::ThreadPool pool(threads);
    ops::Context context(pool, kernels::kernels(), GetParam());
    Decoder decoder(model_.config, model_.weights, model_.rope, context);
    decoder.begin(batch, embeddings);
    while (decoder.step()) {
    }
    int rows = 0;
    for (const Rows& part : batch) rows += part.count;
    return {decoder.hidden(0), decoder.hidden(rows)};
  }
  std::vector<float> run(KvCache& past, int rows, const float* embeddings, int threads = 1) {
    const Rows part{&past, rows};
    return run({&part, 1}, embeddings, threads);
  }

  // Bytes of 255 are NaN in both precisions.
  void fill(KvCache& past, int layer, int byte) const {
    const int heads = model_.config.heads;
    const int width = model_.config.head_width();
    if (GetParam() == Precision::kF32) {
      std::vector<kernels::MutableKeyBlock> blocks;
      past.writable_blocks(layer, blocks);
      for (const auto& block : blocks) {
        std::memset(block.k, byte, ops::block_elements(heads, width) * sizeof(float));
        std::memset(block.v, byte, ops::block_elements(heads, width) * sizeof(float));
      }
    } else {
      std::vector<kernels::MutableKeyBlock16> blocks;
      past.writable_blocks(layer, blocks);
      for (const auto& block : blocks) {
        std::memset(block.k, byte, ops::key_elements16(heads, width) * sizeof(std::uint16_t));
        std::memset(block.v, byte, ops::value_elements16(heads, width) * sizeof(std::uint16_t));
      }
    }
  }

  Model model_;
  const float* embeddings_ = model_.values(200 * model_.config.dim, 1);
  const float* more_ = model_.values(20 * model_.config.dim, 1);
};
std::string precision_name(const ::testing::TestParamInfo<Precision>& param) {
  return param.param == Precision::kF32 ? "f32" : "bf16";
}
INSTANTIATE_TEST_SUITE_P(Precisions, DecoderIn, ::testing::Values(Precision::kF32, Precision::kBF16),
                         precision_name);

TEST_P(DecoderIn, ThreadsDoNotChangeTheBits) {
  KvCache one = cache(100), three = cache(100);
  expect_equal(run(three, 130, embeddings_, 3), run(one, 130, embeddings_), "prefill");
  expect_equal(run(three, 1, more_, 3), run(one, 1, more_), "step");
}

TEST_P(DecoderIn, ASequenceHasTheSameBitsInABatch) {
  const int dim = model_.config.dim;
  std::vector<KvCache> alone, together;
  for (const int past : {70, 1, 131}) {
    KvCache start = cache();
    run(start, past, embeddings_);
    alone.push_back(start.fork());
    together.push_back(std::move(start));
  }
  for (int step = 0; step < 3; ++step) {
    const float* rows = more_ + 3 * step * dim;
    const Rows batch[] = {{&together[0], 1}, {&together[1], 1}, {&together[2], 1}};
    const std::vector<float> got = run(batch, rows, 2);
    for (int s = 0; s < 3; ++s) {
      expect_equal({got.begin() + s * dim, got.begin() + (s + 1) * dim},
                   run(alone[static_cast<std::size_t>(s)], 1, rows + s * dim),
                   "step " + std::to_string(step) + ", sequence " + std::to_string(s));
    }
  }
}

TEST_P(DecoderIn, RowsOneByOneGiveTheBitsOfRowsAtOnce) {
  const int dim = model_.config.dim;
  KvCache whole = cache();
  run(whole, 60, embeddings_);
  KvCache parts = whole.fork();
  const std::vector<float> expected = run(whole, 9, more_);
  for (int r = 0; r < 9; ++r) {
    expect_equal(run(parts, 1, more_ + r * dim),
                 {expected.begin() + r * dim, expected.begin() + (r + 1) * dim}, "row " + std::to_string(r));
  }
}

TEST_P(DecoderIn, ForksAndTruncationLeaveNoTrace) {
  KvCache past = cache(65);
  run(past, 65, embeddings_);
  KvCache fork = past.fork();
  const std::vector<float> expected = run(past, 5, more_);
  KvCache other = fork.fork();
  run(other, 3, embeddings_);
  other.truncate(65);
  expect_equal(run(other, 5, more_), expected, "after truncation");
  expect_equal(run(fork, 5, more_), expected, "fork");
}

TEST_P(DecoderIn, PlacesThatHoldNoPositionDoNotMatter) {
  const int dim = model_.config.dim;
  KvCache clean = cache(), dirty = cache();
  for (KvCache* past : {&clean, &dirty}) {
    past->extend(100);
    for (int layer = 0; layer < model_.config.layers; ++layer)
      fill(*past, layer, past == &clean ? 0x00 : 0xff);
  }
  expect_equal(run(dirty, 67, embeddings_), run(clean, 67, embeddings_), "prefill");
  for (int r = 0; r < 6; ++r) {
    expect_equal(run(dirty, 1, more_ + r * dim), run(clean, 1, more_ + r * dim), "row " + std::to_string(r));
  }
}

TEST_P(DecoderIn, LiesWithinOnePercentOfF32) {
  KvCache past = cache(100);
  KvCache exact(model_.config.layers, model_.config.heads, model_.config.head_width(), 100);
  const std::vector<float> got = run(past, 120, embeddings_);
  const std::vector<float> expected = run(exact, 120, embeddings_);
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  EXPECT_LE(std::sqrt(error / norm), 0.01);
}

}  // namespace
}  // namespace moonbeam::text
