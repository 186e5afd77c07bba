// A decoder with an adapter beside its layers against plain loops in double that read only the definition
// (docs/model.md, sections 4 and 9), for both inputs that attn.proj's part may have.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "kernels/testing.h"
#include "text/decoder.h"

namespace moonbeam::text {
namespace {

using kernels::testing::expect_close;
using kernels::testing::Random;
using Values = std::vector<double>;

constexpr int kDim = 128, kHeads = 2, kWidth = 64, kFeed = 192, kRopeDims = 32;

// Two layers of random weights, each with an adapter.
class Adapted {
 public:
  TextConfig config;
  TextWeights weights;
  RopeTable rope{kRopeDims, 10000.0f, 64};

  explicit Adapted(bool proj_from_normed) {
    config.dim = kDim, config.ff_dim = kFeed, config.layers = 2, config.max_context = 64;
    config.heads = config.kv_heads = kHeads;
    for (int i = 0; i < config.layers; ++i) {
      weights.blocks.push_back({.ln = {values(kDim, 1), values(kDim, 1), kDim},
                                .qkv = linear(3 * kDim, kDim),
                                .proj = linear(kDim, kDim),
                                .fc1 = linear(kFeed, kDim),
                                .fc2 = linear(kDim, kFeed),
                                .adapter = {.qkv = low_rank(3 * kDim, kDim, 4),
                                            .proj = low_rank(kDim, kDim, 7),
                                            .fc1 = low_rank(kFeed, kDim, 4),
                                            .fc2 = low_rank(kDim, kFeed, 1),
                                            .proj_from_normed = proj_from_normed}});
    }
  }
  const float* values(int n, float scale) {
    std::vector<float>& out = storage_.emplace_back(static_cast<std::size_t>(n));
    for (float& value : out) value = random_() * scale;
    return out.data();
  }

 private:
  ops::Linear matrix(int out, int in) {
    const float scale = 1 / std::sqrt(static_cast<float>(in));
    return {{reinterpret_cast<const std::byte*>(values(out * in, scale)), tensor::DType::kF32, {out, in}},
            nullptr};
  }
  ops::Linear linear(int out, int in) {
    ops::Linear layer = matrix(out, in);
    layer.bias = values(out, 1);
    return layer;
  }
  ops::LowRank low_rank(int out, int in, int rank) { return {matrix(rank, in), matrix(out, rank)}; }

  Random random_{1};
  std::deque<std::vector<float>> storage_;
};

Values product(const ops::Linear& layer, const Values& x) {
  const auto* weight = reinterpret_cast<const float*>(layer.weight.data);
  Values out;
  for (int o = 0; o < layer.out(); ++o) {
    double sum = layer.bias ? layer.bias[o] : 0;
    for (int i = 0; i < layer.in(); ++i) sum += weight[o * layer.in() + i] * x[static_cast<std::size_t>(i)];
    out.push_back(sum);
  }
  return out;
}

void add(Values& to, const Values& more) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += more[i];
}

// y = W x + b + B (A x'); x' is x but for attn.proj of a published adapter.
Values adapted(const ops::Linear& layer, const ops::LowRank& adapter, const Values& x, const Values& x2) {
  Values out = product(layer, x);
  add(out, product(adapter.b, product(adapter.a, x2)));
  return out;
}

Values normed(const ops::Norm& norm, const Values& x) {
  double mean = 0, squares = 0;
  for (const double v : x) mean += v / kDim;
  for (const double v : x) squares += (v - mean) * (v - mean) / kDim;
  Values out;
  for (std::size_t i = 0; i < x.size(); ++i)
    out.push_back((x[i] - mean) / std::sqrt(squares + 1e-5) * norm.weight[i] + norm.bias[i]);
  return out;
}

void rotate_head(double* head, int position) {
  for (int i = 0; i < kRopeDims / 2; ++i) {
    const double angle = position / std::pow(10000.0, 2.0 * i / kRopeDims);
    const double a = head[i], b = head[i + kRopeDims / 2];
    head[i] = a * std::cos(angle) - b * std::sin(angle);
    head[i + kRopeDims / 2] = a * std::sin(angle) + b * std::cos(angle);
  }
}

// Row `row` sees itself and those before it.
Values attended(const std::vector<Values>& qkv, std::size_t row) {
  Values out(kDim, 0.0);
  for (int head = 0; head < kHeads; ++head) {
    Values scores;
    double sum = 0;
    for (std::size_t key = 0; key <= row; ++key) {
      double score = 0;
      for (int i = 0; i < kWidth; ++i) {
        const auto at = static_cast<std::size_t>(head * kWidth + i);
        score += qkv[row][at] * qkv[key][kDim + at];
      }
      scores.push_back(std::exp(score / std::sqrt(kWidth)));
      sum += scores.back();
    }
    for (std::size_t key = 0; key <= row; ++key) {
      for (int i = 0; i < kWidth; ++i) {
        const auto at = static_cast<std::size_t>(head * kWidth + i);
        out[at] += scores[key] / sum * qkv[key][2 * kDim + at];
      }
    }
  }
  return out;
}

void run_block(const BlockWeights& block, std::vector<Values>& x) {
  const BlockAdapter& adapter = block.adapter;
  std::vector<Values> n, qkv;
  for (std::size_t row = 0; row < x.size(); ++row) {
    n.push_back(normed(block.ln, x[row]));
    qkv.push_back(adapted(block.qkv, adapter.qkv, n[row], n[row]));
    for (int head = 0; head < 2 * kHeads; ++head)  // queries, then keys
      rotate_head(qkv[row].data() + head * kWidth, static_cast<int>(row));
  }
  for (std::size_t row = 0; row < x.size(); ++row) {
    const Values seen = attended(qkv, row);
    Values feed = adapted(block.fc1, adapter.fc1, n[row], n[row]);
    for (double& v : feed) v = 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
    add(x[row], adapted(block.proj, adapter.proj, seen, adapter.proj_from_normed ? n[row] : seen));
    add(x[row], adapted(block.fc2, adapter.fc2, feed, feed));
  }
}

class DecoderWithAdapter : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Inputs, DecoderWithAdapter, ::testing::Values(false, true),
                         [](const auto& input) { return input.param ? "ProjOfBlock" : "ProjOfAttention"; });

TEST_P(DecoderWithAdapter, GivesWhatPlainLoopsGive) {
  Adapted model(GetParam());
  constexpr int kRows = 20, kPrefill = 17;  // more than are read row by row, then three steps
  const float* embeddings = model.values(kRows * kDim, 1);
  std::vector<Values> expected;
  for (int row = 0; row < kRows; ++row)
    expected.emplace_back(embeddings + row * kDim, embeddings + (row + 1) * kDim);
  for (const BlockWeights& block : model.weights.blocks) run_block(block, expected);

  base::ThreadPool pool(2);
  ops::Context context(pool, kernels::kernels());
  Decoder decoder(model.config, model.weights, model.rope, context);
  KvCache cache(model.config.layers, kHeads, kWidth);
  int done = 0;
  for (const int count : {kPrefill, 1, 1, 1}) {
    const Rows part{&cache, count};
    decoder.begin({&part, 1}, embeddings + done * kDim);
    while (decoder.step()) {
    }
    for (int row = 0; row < count; ++row, ++done) {
      const Values& want = expected[static_cast<std::size_t>(done)];
      expect_close(
          {decoder.hidden(row), decoder.hidden(row) + kDim}, {want.begin(), want.end()},
          [](std::size_t) { return 2e-4; }, "row " + std::to_string(done));
    }
  }
}

}  // namespace
}  // namespace moonbeam::text
