// A model joined from SigLIP and Phi files of transformers computes what transformers computed with them, for
// both layouts that Phi's names have had; what is fresh is a function of the seed; what does not fit is
// refused.
//
// Golden data: tests/goldens/README.md section 6.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include <moonbeam/moonbeam.h>

#include "formats/safetensors.h"
#include "kernels/kernels.h"
#include "model/fusion.h"
#include "model/model.h"
#include "model/testing.h"
#include "support/golden.h"
#include "text/decoder.h"
#include "vision/encoder.h"

namespace moonbeam {
namespace {

namespace fs = std::filesystem;
using model::testing::Blob;
using model::testing::expect_error;
using model::testing::find;
using model::testing::TestFolder;
using model::testing::write_file;
using testing::all_near;
using testing::GoldenTensors;
using testing::test_path;
using Blobs = std::vector<Blob>;

constexpr float kHiddenTolerance = 5e-5f;
constexpr float kLogitTolerance = 3e-4f;
constexpr int kDim = 144, kWidth = 128, kVocab = 512;

Blobs read_blobs(const std::string& path) {
  Blobs out;
  for (const formats::NamedTensor& tensor : formats::open_safetensors(path).tensors) {
    const std::byte* data = tensor.view.data;
    out.push_back({tensor.name, tensor.view.dtype, tensor.view.shape, {data, data + tensor.view.bytes()}});
  }
  return out;
}

void write_part(const std::string& folder, const Blobs& blobs, const nlohmann::json& config) {
  fs::create_directories(folder);
  formats::write_safetensors(folder + "/model.safetensors", model::testing::to_write(blobs), {});
  write_file(folder + "/config.json", config.dump());
}

/// Both golden parts as folders, changed by the test before they are written.
struct Parts {
  TestFolder folder;
  Blobs siglip = read_blobs(test_path("goldens/hf/siglip_tiny.safetensors"));
  Blobs phi = read_blobs(test_path("goldens/hf/phi_tiny.safetensors"));
  nlohmann::json siglip_config, phi_config;
  std::string tokenizer;

  Parts() {
    const nlohmann::json configs = testing::read_json(test_path("goldens/hf/config.json"));
    siglip_config = configs["siglip"], phi_config = configs["phi"];
    model::ModelConfig small = model::testing::micro_config();
    small.text.vocab_size = 300;
    tokenizer = formats::write_tokenizer_json(model::synth_tokenizer(small));
  }
  std::string write(const FuseOptions& options = {}) {
    write_part(folder / "siglip", siglip, siglip_config);
    write_part(folder / "phi", phi, phi_config);
    if (!tokenizer.empty()) write_file(folder / "phi/tokenizer.json", tokenizer);
    fs::remove_all(folder / "fused");
    fuse_models(folder / "siglip", folder / "phi", folder / "fused", options);
    return folder / "fused";
  }
};

/// [3, 70, 70] as rows of [channel, row, column], patches in reading order.
std::vector<float> patches_of(const std::vector<float>& pixels) {
  std::vector<float> patches;
  for (int patch = 0; patch < 25; ++patch) {
    for (int line = 0; line < 3 * 14; ++line) {
      const int channel = line / 14, row = patch / 5 * 14 + line % 14;
      const float* from = pixels.data() + (channel * 70 + row) * 70 + patch % 5 * 14;
      patches.insert(patches.end(), from, from + 14);
    }
  }
  return patches;
}

void expect_transformers_features(const model::Model& model, ops::Context& context) {
  const GoldenTensors acts(test_path("goldens/hf/siglip_tiny.acts.safetensors"));
  vision::Encoder encoder(model.config.vision, model.vision, context);
  std::vector<float> features(25 * kDim);
  encoder.encode(patches_of(acts.floats("pixel_values")).data(), 1, features.data());
  EXPECT_TRUE(all_near(features, acts.floats("last_hidden_state"), kHiddenTolerance));
}

void expect_transformers_logits(const model::Model& model, ops::Context& context) {
  const GoldenTensors acts(test_path("goldens/hf/phi_tiny.acts.safetensors"));
  const text::TextConfig& config = model.config.text;
  const text::RopeTable rope(config.rope_dims, config.rope_theta, config.max_context);
  text::Decoder decoder(config, model.text, rope, context);
  text::KvCache cache(config.layers, config.heads, config.head_width());
  const auto ids = acts.integers("ids");
  std::vector<float> x(ids.size() * kWidth);
  for (std::size_t i = 0; i < ids.size(); ++i)
    ops::embedding_row(model.text.wte, static_cast<int>(ids[i]), x.data() + i * kWidth);
  const text::Rows part{&cache, static_cast<int>(ids.size())};
  decoder.begin({&part, 1}, x.data());
  while (decoder.step()) {
  }
  std::vector<float> logits(ids.size() * kVocab);
  decoder.logits(decoder.hidden(0), part.count, logits.data());
  EXPECT_TRUE(all_near(logits, acts.floats("logits"), kLogitTolerance));
}

void expect_transformers_numbers(const std::string& path) {
  const auto model = model::load({.path = path, .mode = Mode::kF32});
  base::ThreadPool pool(2);
  ops::Context context(pool, kernels::kernels());
  expect_transformers_features(*model, context);
  expect_transformers_logits(*model, context);
}

TEST(Fusion, ComputesWhatTransformersComputesWithTheParts) {
  Parts parts;
  expect_transformers_numbers(parts.write());
}

TEST(Fusion, ReadsWholeSiglipFilesAndTheOldNamesOfPhi) {
  Parts parts;
  for (Blob& blob : parts.siglip) blob.name = "vision_model." + blob.name;
  parts.siglip.push_back(model::testing::f32_blob("vision_model.head.probe", {1, 1, 2}, {1, 2}));
  parts.siglip.push_back(model::testing::f32_blob("logit_scale", {1}, {1}));
  parts.siglip.push_back(model::testing::f32_blob("text_model.final_layer_norm.bias", {2}, {1, 2}));
  nlohmann::json whole = {{"model_type", "siglip"}, {"vision_config", parts.siglip_config}};
  parts.siglip_config = whole;
  // The convolution of 76 x 76 pixels in patches of 14 leaves 6 pixels out, as that of 384 x 384 does.
  parts.siglip_config["vision_config"]["image_size"] = 76;

  Blobs old;
  for (int i = 0; i < 2; ++i) {
    const std::string theirs = base::cat("model.layers.", i, "."),
                      block = base::cat("transformer.h.", i, ".");
    for (const char* ending : {".weight", ".bias"}) {
      std::vector<float> joined;
      for (const char* part : {"q", "k", "v"}) {
        const auto values =
            model::testing::values_of(find(parts.phi, theirs + "self_attn." + part + "_proj" + ending));
        joined.insert(joined.end(), values.begin(), values.end());
      }
      const bool matrix = std::string_view(ending) == ".weight";
      old.push_back(model::testing::f32_blob(
          block + "mixer.Wqkv" + ending,
          matrix ? tensor::Shape{3 * kWidth, kWidth} : tensor::Shape{3 * kWidth}, joined));
      for (const auto& [from, to] : std::map<std::string, std::string>{{"input_layernorm", "ln"},
                                                                       {"self_attn.dense", "mixer.out_proj"},
                                                                       {"mlp.fc1", "mlp.fc1"},
                                                                       {"mlp.fc2", "mlp.fc2"}}) {
        old.push_back(find(parts.phi, theirs + from + ending));
        old.back().name = block + to + ending;
      }
    }
  }
  for (const auto& [from, to] :
       std::map<std::string, std::string>{{"model.embed_tokens.weight", "transformer.embd.wte.weight"},
                                          {"model.final_layernorm.weight", "lm_head.ln.weight"},
                                          {"model.final_layernorm.bias", "lm_head.ln.bias"},
                                          {"lm_head.weight", "lm_head.linear.weight"},
                                          {"lm_head.bias", "lm_head.linear.bias"}}) {
    old.push_back(find(parts.phi, from));
    old.back().name = to;
  }
  parts.phi = old;
  parts.phi_config = {{"model_type", "phi-msft"},
                      {"n_embd", kWidth},
                      {"n_layer", 2},
                      {"n_head", 2},
                      {"n_inner", nullptr},
                      {"n_positions", 256},
                      {"rotary_dim", 32},
                      {"vocab_size", kVocab},
                      {"activation_function", "gelu_new"}};
  expect_transformers_numbers(parts.write());
}

TEST(Fusion, GivesAModelThatAnswersAndCanBeTrained) {
  Parts parts;
  const std::string path = parts.write({.dtype = "bf16", .licence = "MIT", .progress = {}});
  const auto loaded = model::load({.path = path});
  const model::ModelConfig& config = loaded->config;
  EXPECT_EQ(config.variant, "moonbeam");
  EXPECT_EQ(config.vision.crop_size, 70);
  EXPECT_EQ(config.vision.image_grid, 5);
  EXPECT_FLOAT_EQ(config.vision.eps, 1e-6f);
  EXPECT_EQ(config.text.prefix_attn, 26);
  EXPECT_EQ(config.text.rope_dims, 32);
  EXPECT_EQ(config.region->coord_divisor, 1023);
  EXPECT_EQ(config.prompts.eos, 0);
  EXPECT_EQ(config.prompts.coord, 300);
  EXPECT_EQ(config.prompts.size, 301);
  EXPECT_EQ(config.prompts.query->prefix.size(), std::string_view("\n\nQuestion:").size());  // a token a byte
  EXPECT_EQ(inspect_model(path).licence, "MIT");
  EXPECT_NE(inspect_model(path).provenance.find("\"source\":\"siglip+phi\""), std::string::npos);

  const Model model = Model::load(path, {.threads = 2, .progress = {}});
  const EncodedImage image = model.encode_image(load_image(test_path("data/starter/samples/s1.png")));
  EXPECT_EQ(image.prefix_tokens(), 26);
  CaptionOptions caption;
  QueryOptions query;
  caption.max_tokens = query.max_tokens = 4;
  EXPECT_NO_THROW(model.caption(image, caption));
  EXPECT_NO_THROW(model.query(image, "What?", query));
  EXPECT_NO_THROW(model.detect(image, "dog", {.max_objects = 2, .progress = {}}));
}

TEST(Fusion, MakesWhatIsFreshFromTheSeed) {
  Parts parts;
  const auto projector = [&](std::uint64_t seed) {
    const auto loaded =
        model::load({.path = parts.write({.seed = seed, .progress = {}}), .mode = Mode::kF32});
    const ops::Linear& fc1 = loaded->vision.proj_fc1;
    std::vector<float> values(static_cast<std::size_t>(fc1.weight.numel()));
    tensor::to_f32(fc1.weight, values.data());
    EXPECT_EQ(fc1.in(), 2 * kDim);
    EXPECT_EQ(fc1.out(), 4 * kWidth);
    EXPECT_EQ(fc1.bias[7], 0);
    return values;
  };
  const std::vector<float> first = projector(0);
  EXPECT_EQ(first, projector(0));
  EXPECT_NE(first, projector(1));
  double squares = 0;
  for (const float value : first) squares += static_cast<double>(value) * value;
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(first.size())), 1 / std::sqrt(3.0 * 2 * kDim), 1e-3);
}

void expect_refused(const std::function<void(Parts&)>& change, ErrorCode code,
                    const std::vector<std::string>& words) {
  Parts parts;
  change(parts);
  expect_error([&] { parts.write(); }, code, words);
  EXPECT_FALSE(fs::exists(parts.folder / "fused"));
}

TEST(Fusion, RefusesPartsThatItCannotFollow) {
  expect_refused([](Parts& p) { p.siglip_config["hidden_act"] = "gelu"; }, ErrorCode::kUnsupported,
                 {"siglip/config.json: hidden_act: expected gelu_pytorch_tanh, got 'gelu'"});
  expect_refused([](Parts& p) { p.phi_config["qk_layernorm"] = true; }, ErrorCode::kUnsupported,
                 {"qk_layernorm"});
  expect_refused([](Parts& p) { p.phi_config["rope_parameters"]["rope_type"] = "yarn"; },
                 ErrorCode::kUnsupported, {"rope_type", "'yarn'"});
  expect_refused([](Parts& p) { p.phi_config["layer_norm_eps"] = 1e-6; }, ErrorCode::kUnsupported,
                 {"layer_norm_eps"});
  expect_refused([](Parts& p) { p.phi_config["num_key_value_heads"] = 1; }, ErrorCode::kUnsupported,
                 {"n_kv_heads"});
  expect_refused([](Parts& p) { p.tokenizer.clear(); }, ErrorCode::kNotFound, {"tokenizer.json"});
  expect_refused([](Parts& p) { p.siglip.pop_back(); }, ErrorCode::kCorrupt,
                 {"tensor 'post_layernorm.weight' is missing"});
  expect_refused([](Parts& p) { p.siglip_config["num_hidden_layers"] = 1; }, ErrorCode::kCorrupt,
                 {"expected 1 layers by its configuration, got 2"});
  expect_refused([](Parts& p) { p.phi_config["intermediate_size"] = 500; }, ErrorCode::kCorrupt,
                 {"mlp.fc1", "expected [500,128], got [512,128]"});
  expect_refused(
      [](Parts& p) {
        find(p.phi, "model.layers.0.self_attn.k_proj.bias").shape = {2, 64};
      },
      ErrorCode::kCorrupt, {"q, k and v of one shape"});
  for (const char* key : {"hidden_size", "num_attention_heads", "patch_size", "image_size"}) {
    for (const int value : {0, -7, 2147483647}) {
      expect_refused([&](Parts& p) { p.siglip_config[key] = value; }, ErrorCode::kCorrupt,
                     {base::cat("siglip/config.json: ", key, ": expected ")});
    }
  }
  expect_refused([](Parts& p) { p.phi_config["num_attention_heads"] = 0; }, ErrorCode::kCorrupt,
                 {"phi/config.json: num_attention_heads: expected 1"});
  expect_refused([](Parts& p) { p.phi_config["intermediate_size"] = 2147483647; }, ErrorCode::kCorrupt,
                 {"ff_dim"});
  expect_refused([](Parts& p) { p.phi_config["rope_parameters"]["partial_rotary_factor"] = 1e30; },
                 ErrorCode::kCorrupt, {"partial_rotary_factor"});
  TestFolder empty;
  expect_error([&] { fuse_models(empty.path(), empty.path(), empty / "out"); }, ErrorCode::kNotFound,
               {"expected a folder with config.json and model.safetensors"});
}

}  // namespace
}  // namespace moonbeam
