// Independent goldens: SigLIP and Phi of the transformers package, whose weights carry other names and whose
// SigLIP has another epsilon. They show that the encoder and the decoder are those models, not only the
// makers'.
//
// Golden data: tests/goldens/README.md section 6.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "formats/safetensors.h"
#include "kernels/kernels.h"
#include "support/golden.h"
#include "text/decoder.h"
#include "text/sampler.h"
#include "vision/encoder.h"

namespace moonbeam {
namespace {

using testing::all_near;
using testing::GoldenTensors;
using testing::test_path;

constexpr float kHiddenTolerance = 5e-5f;
constexpr float kLogitTolerance = 3e-4f;

/// Tensors of a transformers file as f32; q, k and v joined.
class Tensors {
 public:
  explicit Tensors(const std::string& path) : golden_(path) {}

  const float* floats(const std::string& name) { return load(name).data(); }

  ops::Linear linear(const std::string& name, int out, int in) {
    return make(load(name + ".weight"), load(name + ".bias"), out, in);
  }

  ops::Linear joined(const std::string& prefix, int width) {
    std::vector<float>& weight = cache_[prefix + "joined.weight"];
    std::vector<float>& bias = cache_[prefix + "joined.bias"];
    for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
      const auto w = golden_.floats(prefix + part + ".weight");
      const auto b = golden_.floats(prefix + part + ".bias");
      weight.insert(weight.end(), w.begin(), w.end());
      bias.insert(bias.end(), b.begin(), b.end());
    }
    return make(weight, bias, 3 * width, width);
  }

  ops::Norm norm(const std::string& name, int width, float eps) {
    return {floats(name + ".weight"), floats(name + ".bias"), width, eps};
  }

 private:
  std::vector<float>& load(const std::string& name) {
    auto& values = cache_[name];
    if (values.empty()) values = golden_.floats(name);
    return values;
  }

  static ops::Linear make(const std::vector<float>& weight, const std::vector<float>& bias, int out, int in) {
    EXPECT_EQ(weight.size(), static_cast<std::size_t>(out) * static_cast<std::size_t>(in));
    return {{reinterpret_cast<const std::byte*>(weight.data()), tensor::DType::kF32, {out, in}}, bias.data()};
  }

  GoldenTensors golden_;
  std::map<std::string, std::vector<float>> cache_;
};

class HuggingFace : public ::testing::TestWithParam<const kernels::KernelTable*> {
 protected:
  base::ThreadPool pool_{2};
  ops::Context context_{pool_, *GetParam()};
};

TEST_P(HuggingFace, SiglipHiddenStatesMatch) {
  constexpr float kEps = 1e-6f;
  constexpr int kDim = 144, kFeed = 538, kPatches = 25;
  const vision::VisionConfig config{
      .dim = kDim, .layers = 2, .ff_dim = kFeed, .heads = 2, .crop_size = 70, .eps = kEps};
  Tensors file(test_path("goldens/hf/siglip_tiny.safetensors"));
  vision::VisionWeights weights;
  weights.patch_emb = file.linear("embeddings.patch_embedding", kDim, 588);
  weights.pos_emb = file.floats("embeddings.position_embedding.weight");
  for (int i = 0; i < 2; ++i) {
    const std::string layer = "encoder.layers." + std::to_string(i) + ".";
    weights.blocks.push_back(
        {file.norm(layer + "layer_norm1", kDim, kEps), file.norm(layer + "layer_norm2", kDim, kEps),
         file.joined(layer + "self_attn.", kDim), file.linear(layer + "self_attn.out_proj", kDim, kDim),
         file.linear(layer + "mlp.fc1", kFeed, kDim), file.linear(layer + "mlp.fc2", kDim, kFeed)});
  }
  weights.post_ln = file.norm("post_layernorm", kDim, kEps);

  const GoldenTensors acts(test_path("goldens/hf/siglip_tiny.acts.safetensors"));
  const auto pixels = acts.floats("pixel_values");  // [3, 70, 70]
  std::vector<float> patches;
  for (int row = 0; row < 5; ++row) {
    for (int col = 0; col < 5; ++col) {
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < 14; ++y) {
          const float* from = pixels.data() + (c * 70 + row * 14 + y) * 70 + col * 14;
          patches.insert(patches.end(), from, from + 14);
        }
      }
    }
  }
  vision::Encoder encoder(config, weights, context_);
  std::vector<float> features(kPatches * kDim);
  int checked = 0;
  encoder.encode(
      patches.data(), 1, features.data(),
      [&](std::string_view stage, int layer, const float* rows, int count, int width) {
        const std::span got(rows, static_cast<std::size_t>(count * width));
        if (stage == "vit_in") {
          EXPECT_TRUE(all_near(got, acts.floats("hidden_0"), kHiddenTolerance));
          ++checked;
        } else if (stage == "vit_block") {
          EXPECT_TRUE(all_near(got, acts.floats("hidden_" + std::to_string(layer + 1)), kHiddenTolerance));
          ++checked;
        }
      });
  EXPECT_EQ(checked, 3);
  EXPECT_TRUE(all_near(features, acts.floats("last_hidden_state"), kHiddenTolerance));
}

TEST_P(HuggingFace, PhiHiddenStatesLogitsAndGreedyTokensMatch) {
  constexpr int kDim = 128, kFeed = 512, kVocab = 512;
  const text::TextConfig config{.dim = kDim,
                                .ff_dim = kFeed,
                                .layers = 2,
                                .vocab_size = kVocab,
                                .max_context = 256,
                                .heads = 2,
                                .kv_heads = 2,
                                .prefix_attn = 0};
  Tensors file(test_path("goldens/hf/phi_tiny.safetensors"));
  text::TextWeights weights;
  weights.wte = {reinterpret_cast<const std::byte*>(file.floats("model.embed_tokens.weight")),
                 tensor::DType::kF32,
                 {kVocab, kDim}};
  for (int i = 0; i < 2; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    weights.blocks.push_back(
        {file.norm(layer + "input_layernorm", kDim, 1e-5f), file.joined(layer + "self_attn.", kDim),
         file.linear(layer + "self_attn.dense", kDim, kDim), file.linear(layer + "mlp.fc1", kFeed, kDim),
         file.linear(layer + "mlp.fc2", kDim, kFeed)});
  }
  weights.post_ln = file.norm("model.final_layernorm", kDim, 1e-5f);
  weights.lm_head = file.linear("lm_head", kVocab, kDim);

  const GoldenTensors acts(test_path("goldens/hf/phi_tiny.acts.safetensors"));
  const auto prompt = acts.integers("ids");
  const auto greedy = acts.integers("greedy");
  const text::RopeTable rope(config.rope_dims, config.rope_theta, config.max_context);
  text::Decoder decoder(config, weights, rope, context_);
  text::KvCache cache(config.layers, config.heads, config.head_width());
  std::vector<float> x;
  const auto embed = [&](std::int64_t id) {
    x.resize(x.size() + kDim);
    ops::embedding_row(weights.wte, static_cast<int>(id), x.data() + x.size() - kDim);
  };
  for (const auto id : prompt) embed(id);
  const int rows = static_cast<int>(prompt.size());
  EXPECT_TRUE(all_near(x, acts.floats("hidden_0"), kHiddenTolerance));
  const text::Rows part{&cache, rows};
  decoder.begin({&part, 1}, x.data());
  decoder.step();
  EXPECT_TRUE(all_near({decoder.hidden(0), x.size()}, acts.floats("hidden_1"), kHiddenTolerance));
  while (decoder.step()) {
  }
  // The last hidden state of transformers is the one after the final norm.
  std::vector<float> normed(x.size());
  ops::layer_norm(context_, decoder.hidden(0), rows, weights.post_ln, normed.data());
  EXPECT_TRUE(all_near(normed, acts.floats("hidden_2"), kHiddenTolerance));
  std::vector<float> logits(static_cast<std::size_t>(rows) * kVocab);
  decoder.logits(decoder.hidden(0), rows, logits.data());
  EXPECT_TRUE(all_near(logits, acts.floats("logits"), kLogitTolerance));

  std::vector<std::int64_t> ids(prompt);
  std::vector<float> last(logits.end() - kVocab, logits.end());
  while (ids.size() < greedy.size()) {
    ids.push_back(text::argmax(last));
    x.clear();
    embed(ids.back());
    const text::Rows one{&cache, 1};
    decoder.begin({&one, 1}, x.data());
    while (decoder.step()) {
    }
    decoder.logits(decoder.hidden(0), 1, last.data());
  }
  EXPECT_EQ(ids, greedy);
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, HuggingFace,
                         ::testing::ValuesIn(kernels::runnable_kernels().begin(),
                                             kernels::runnable_kernels().end()),
                         [](const auto& instance) { return std::string(instance.param->isa); });

}  // namespace
}  // namespace moonbeam
