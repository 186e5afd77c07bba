// llama.cpp's pair, written here as the makers' script wrote it, traps included.
#include <gtest/gtest.h>

#include <cmath>

#include <moonbeam/weights.h>

#include "model/model.h"
#include "model/testing.h"

namespace moonbeam::model {
namespace {

using testing::Blob;
using testing::expect_error;
using testing::TestFolder;
using Keys = std::vector<std::pair<std::string, formats::GgufValue>>;

struct PairOptions {
  bool copy_last = true;   // a copy of the last image block behind it
  bool swap_ffn = true;    // as the script: fc1 is called ffn_down
  bool joined = false;     // attn_qkv whole
  int projector_maps = 1;  // feature maps that mm.0 takes
};

ModelConfig pair_config(int maps = 1) {
  ModelConfig config = testing::micro_config();
  config.vision.proj_in_dim = maps * config.vision.dim;
  config.region.reset();
  return config;
}

Keys text_keys(const ModelConfig& config) {
  formats::TokenizerData tokenizer = synth_tokenizer(config);
  tokenizer.tokens[400] = "!!";
  const auto u = [](int value) { return static_cast<std::uint64_t>(value); };
  std::vector<std::int64_t> types(tokenizer.tokens.size(), 1);
  for (const auto& token : tokenizer.added) types[static_cast<std::size_t>(token.id)] = 3;
  return {{"general.architecture", std::string("phi2")},
          {"general.name", std::string("moondream2")},
          {"phi2.context_length", u(config.text.max_context)},
          {"phi2.embedding_length", u(config.text.dim)},
          {"phi2.feed_forward_length", u(config.text.ff_dim)},
          {"phi2.block_count", u(config.text.layers)},
          {"phi2.attention.head_count", u(config.text.heads)},
          {"phi2.attention.head_count_kv", u(config.text.heads)},
          {"phi2.attention.layer_norm_epsilon", 1e-5},
          {"phi2.rope.dimension_count", u(config.text.rope_dims)},
          {"tokenizer.ggml.model", std::string("gpt2")},
          {"tokenizer.ggml.tokens", tokenizer.tokens},
          {"tokenizer.ggml.token_type", types},
          {"tokenizer.ggml.merges", std::vector<std::string>{"! !"}},
          {"tokenizer.ggml.bos_token_id", u(0)},
          {"tokenizer.ggml.eos_token_id", u(0)}};
}

Keys vision_keys(const ModelConfig& config, int blocks) {
  const auto u = [](int value) { return static_cast<std::uint64_t>(value); };
  return {{"general.architecture", std::string("clip")},
          {"clip.has_vision_encoder", true},
          {"clip.vision.image_size", u(config.vision.crop_size)},
          {"clip.vision.patch_size", u(config.vision.patch_size)},
          {"clip.vision.embedding_length", u(config.vision.dim)},
          {"clip.vision.feed_forward_length", u(config.vision.ff_dim)},
          {"clip.vision.projection_dim", u(config.text.dim)},
          {"clip.vision.attention.head_count", u(config.vision.heads)},
          {"clip.vision.attention.layer_norm_epsilon", 1e-6},
          {"clip.vision.block_count", u(blocks)}};
}

/// Splits "v.blk.0.attn_qkv.weight" into the three that the script writes.
void add_split(std::vector<Blob>& out, const Blob& blob) {
  const std::size_t at = blob.name.find("attn_qkv");
  std::vector<std::int64_t> dims(blob.shape.dims().begin(), blob.shape.dims().end());
  dims[0] /= 3;
  const std::size_t bytes = blob.bytes.size() / 3;
  for (int part = 0; part < 3; ++part) {
    const auto begin = blob.bytes.begin() + static_cast<std::ptrdiff_t>(part * bytes);
    out.push_back({blob.name.substr(0, at) + "attn_" + "qkv"[part] + blob.name.substr(at + 8),
                   blob.dtype,
                   tensor::Shape{std::span<const std::int64_t>(dims)},
                   {begin, begin + static_cast<std::ptrdiff_t>(bytes)}});
  }
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

void write_pair(const std::string& folder, const PairOptions& options,
                const std::function<void(Keys&, Keys&)>& change = {}) {
  const ModelConfig config = pair_config(options.projector_maps);
  std::filesystem::create_directories(folder);
  std::map<std::string, Blob> blobs = testing::make_blobs(config);
  std::vector<Blob> text, vision;
  const std::string last = base::cat("v.blk.", config.vision.layers - 1, ".");
  for (const TensorSpec& spec : tensor_table(config)) {
    Blob blob = blobs.at(spec.name);
    blob.name = spec.gguf;
    if (spec.name == "vision.patch_emb.weight") blob.shape = {config.vision.dim, 3, 14, 14};
    if (!options.swap_ffn && blob.name.starts_with("v.")) {
      const bool up = blob.name.find("ffn_up") != std::string::npos;
      replace(blob.name, up ? "ffn_up" : "ffn_down", up ? "ffn_down" : "ffn_up");
    }
    std::vector<Blob>& out = spec.name.starts_with("text.") ? text : vision;
    std::vector<Blob> parts;
    if (!options.joined && blob.name.starts_with("v.") && blob.name.find("attn_qkv") != std::string::npos) {
      add_split(parts, blob);
    } else {
      parts.push_back(blob);
    }
    for (const Blob& part : parts) {
      out.push_back(part);
      if (options.copy_last && part.name.starts_with(last)) {
        out.push_back(part);
        replace(out.back().name, last, base::cat("v.blk.", config.vision.layers, "."));
      }
    }
  }
  Keys keys = text_keys(config),
       image_keys = vision_keys(config, config.vision.layers + (options.copy_last ? 1 : 0));
  if (change) change(keys, image_keys);
  formats::write_gguf(folder + "/text-f32.gguf", keys, testing::to_write(text));
  formats::write_gguf(folder + "/mmproj-f32.gguf", image_keys, testing::to_write(vision));
}

void expect_the_generated_weights(const std::string& path, int maps) {
  const Source source = open_source(path);
  EXPECT_EQ(source.layout, "gguf_clip_phi2");
  const std::map<std::string, Blob> want = testing::make_blobs(pair_config(maps));
  base::ThreadPool pool(1);
  EXPECT_EQ(source.tensors.size(), want.size());
  for (const auto& [name, blob] : want) {
    const SourceTensor* tensor = source.find(name);
    ASSERT_TRUE(tensor) << name;
    EXPECT_EQ(tensor->view.shape, blob.shape) << name;
    std::vector<std::byte> bytes(blob.bytes.size());
    if (tensor->view.data) {
      std::memcpy(bytes.data(), tensor->view.data, bytes.size());
    } else {
      tensor->make(bytes.data(), pool);
    }
    EXPECT_EQ(bytes, blob.bytes) << name;
  }
}

TEST(LlamaPair, GivesTheSameTensorsFromEitherFileAndFromTheFolder) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  expect_the_generated_weights(folder / "pair/text-f32.gguf", 1);
  expect_the_generated_weights(folder / "pair/mmproj-f32.gguf", 1);
  expect_the_generated_weights(folder / "pair", 1);
}

TEST(LlamaPair, IsReadWithoutTheCopiedBlockWithUnswappedNamesAndJoinedQkv) {
  TestFolder folder;
  write_pair(folder / "a", {.copy_last = false});
  expect_the_generated_weights(folder / "a", 1);
  write_pair(folder / "b", {.swap_ffn = false});
  expect_the_generated_weights(folder / "b", 1);
  write_pair(folder / "c", {.joined = true});
  expect_the_generated_weights(folder / "c", 1);
}

TEST(LlamaPair, LoadsForCaptionAndQueryOnlyWithOurEpsAndOneCrop) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  const auto model = load({.path = folder / "pair/text-f32.gguf"});
  EXPECT_EQ(model->format, "gguf");
  EXPECT_EQ(model->config.variant, "moondream2-2024-05-08");
  EXPECT_EQ(model->vision.blocks.size(), 2u);
  EXPECT_EQ(model->vision.blocks[0].ln1.eps, 1e-5f);
  EXPECT_EQ(model->text.blocks[0].ln.eps, 1e-5f);
  EXPECT_EQ(model->config.vision.cropping, vision::Cropping::kSingle);
  EXPECT_EQ(model->config.text.prefix_attn, 0);
  EXPECT_EQ(model->config.prompts.eos, 0);
  EXPECT_EQ(model->config.prompts.text_query, "\n\nQuestion: {q}\n\nAnswer:");
  EXPECT_FALSE(model->config.prompts.detect);
  EXPECT_FALSE(model->region);
  ASSERT_EQ(model->notes.size(), 2u);
  EXPECT_NE(model->notes[0].find("caption and query only"), std::string::npos);
  EXPECT_NE(model->notes[1].find("image block 2 repeats block 1"), std::string::npos);
}

TEST(LlamaPair, BecomesOurFormAndAFolderWithoutChangingAByte) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  convert_model(folder / "pair", folder / "one.gguf");
  convert_model(folder / "one.gguf", folder / "published");
  const auto one = load({.path = folder / "one.gguf"}), published = load({.path = folder / "published"});
  EXPECT_EQ(one->config.variant, "moondream2-2024-05-08");
  EXPECT_EQ(write_config_json(one->config), write_config_json(published->config));
  const std::map<std::string, Blob> want = testing::make_blobs(pair_config());
  for (const auto& [name, tensor] : open_source(folder / "published").tensors) {
    const std::vector<std::byte>& bytes = want.at(name).bytes;
    EXPECT_EQ(std::memcmp(tensor.view.data, bytes.data(), bytes.size()), 0) << name;
  }
}

TEST(LlamaPair, AProjectorOfTwoMapsKeepsItsColumns) {
  TestFolder folder;
  write_pair(folder / "pair", {.projector_maps = 2});
  expect_the_generated_weights(folder / "pair", 2);
  const Source source = open_source(folder / "pair");
  ModelConfig config = pair_config();
  source.adjust(config);
  EXPECT_EQ(config.vision.proj_in_dim, 48);
  EXPECT_EQ(config.vision.cropping, vision::Cropping::kSingle);
}

TEST(LlamaPair, AMissingHalfAndBrokenKeysAreNamed) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  std::filesystem::rename(folder / "pair/mmproj-f32.gguf", folder / "mmproj.gguf");
  expect_error([&] { open_source(folder / "pair/text-f32.gguf"); }, ErrorCode::kNotFound,
               {"one half of a pair", "clip"});
  expect_error([&] { open_source(folder / "mmproj.gguf"); }, ErrorCode::kNotFound,
               {"one half of a pair", "phi2"});
  const auto without = [&](const std::string& key) {
    write_pair(folder / "pair", {}, [&](Keys& text, Keys& vision) {
      for (Keys* keys : {&text, &vision})
        std::erase_if(*keys, [&](const auto& pair) { return pair.first == key; });
    });
    return [path = folder / "pair"] { open_source(path); };
  };
  expect_error(without("phi2.block_count"), ErrorCode::kCorrupt, {"phi2.block_count", "got none"});
  expect_error(without("clip.vision.embedding_length"), ErrorCode::kCorrupt,
               {"clip.vision.embedding_length"});
  expect_error(without("general.architecture"), ErrorCode::kUnsupported,
               {"general.architecture", "moonbeam, phi2 or clip"});
}

TEST(LlamaPair, IsWrittenAsItIsRead) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  convert_model(folder / "pair", folder / "again", {.dtype = "f32", .layout = "llama.cpp"});
  expect_the_generated_weights(folder / "again", 1);
  const Source before = open_source(folder / "pair"), after = open_source(folder / "again");
  EXPECT_EQ(after.tokenizer->tokens, before.tokenizer->tokens);
  EXPECT_EQ(after.tokenizer->merges, before.tokenizer->merges);
  const auto a = load({.path = folder / "pair"}), b = load({.path = folder / "again"});
  EXPECT_EQ(write_config_json(b->config), write_config_json(a->config));
  EXPECT_EQ(b->notes, a->notes);  // the last block stands there twice again
}

TEST(LlamaPair, IsWrittenAsLlamaCppWantsIt) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  convert_model(folder / "pair", folder / "q8", {.dtype = "q8_0", .layout = "llama.cpp"});
  const formats::GgufFile text = formats::open_gguf(folder / "q8/text-q8_0.gguf");
  const formats::GgufFile image = formats::open_gguf(folder / "q8/mmproj-q8_0.gguf");
  using tensor::DType;
  const auto dtype = [](const formats::GgufFile& file, const char* name) {
    const tensor::TensorView* view = file.weights.find(name);
    return view ? std::string(tensor::info(view->dtype).name) : std::string("none");
  };
  EXPECT_EQ(dtype(text, "blk.1.attn_qkv.weight"), "q8_0");
  EXPECT_EQ(dtype(text, "token_embd.weight"), "q8_0");
  EXPECT_EQ(dtype(text, "blk.1.attn_qkv.bias"), "f32");
  EXPECT_EQ(dtype(text, "output_norm.weight"), "f32");
  EXPECT_EQ(dtype(image, "v.blk.2.attn_q.weight"), "f16");  // 24 values a row: no whole block
  EXPECT_EQ(dtype(image, "v.patch_embd.weight"), "f16");    // a convolution's kernel
  EXPECT_EQ(dtype(image, "mm.2.weight"), "q8_0");
  EXPECT_EQ(image.weights.find("v.patch_embd.weight")->shape, (tensor::Shape{24, 3, 14, 14}));
  EXPECT_EQ(image.weights.find("v.position_embd.weight")->shape.rank(), 2);
  EXPECT_EQ(image.integer("clip.vision.block_count"), 3);
  EXPECT_EQ(image.string("clip.projector_type"), "mlp");
  EXPECT_EQ(std::get<std::vector<double>>(*image.find("clip.vision.image_mean")).size(), 3u);
  EXPECT_EQ(text.string("tokenizer.ggml.pre"), "phi-2");
  const auto rows = static_cast<std::size_t>(text.weights.find("token_embd.weight")->shape[0]);
  EXPECT_EQ(std::get<std::vector<std::string>>(*text.find("tokenizer.ggml.tokens")).size(), rows);
}

TEST(LlamaPair, IsWrittenInBlocksThatDecodeToTheWeights) {
  TestFolder folder;
  write_pair(folder / "pair", {});
  const std::map<std::string, Blob> want = testing::make_blobs(pair_config());
  for (const auto& [type, bound] : {std::pair("q8_0", 0.01), std::pair("q4_0", 0.15)}) {
    convert_model(folder / "pair", folder / type, {.dtype = type, .layout = "llama.cpp"});
    const Source source = open_source(folder / type);
    base::ThreadPool pool(1);
    for (const auto& [name, blob] : want) {
      tensor::TensorView view = source.find(name)->view;
      std::vector<std::byte> made(view.data ? 0 : static_cast<std::size_t>(view.bytes()));
      if (!view.data) source.find(name)->make(made.data(), pool), view.data = made.data();
      std::vector<float> got(static_cast<std::size_t>(view.numel()));
      tensor::to_f32(view, got.data());
      const std::vector<float> expected = testing::values_of(blob);
      double error = 0, size = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        error += std::pow(static_cast<double>(got[i]) - static_cast<double>(expected[i]), 2);
        size += std::pow(static_cast<double>(expected[i]), 2);
      }
      EXPECT_LE(std::sqrt(error), bound * std::sqrt(size)) << type << ' ' << name;
    }
  }
}

TEST(LlamaPair, IsNotWrittenForModelsThatLlamaCppCannotRun) {
  TestFolder folder;
  expect_error([&] { convert_model("synth:tiny", folder / "out", {.layout = "llama.cpp"}); },
               ErrorCode::kUnsupported, {"one crop and causal attention", "got moonbeam"});
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  write_pair(folder / "pair", {});
  expect_error([&] { convert_model(folder / "pair", folder / "out", {.layout = "ollama"}); },
               ErrorCode::kInvalidArgument, {"layout: expected llama.cpp, got 'ollama'"});
  expect_error([&] { convert_model(folder / "pair", folder / "o.gguf", {.layout = "llama.cpp"}); },
               ErrorCode::kInvalidArgument, {"expected a folder"});
  expect_error([&] { convert_model(folder / "pair", folder / "out", {.dtype = "q8_0"}); },
               ErrorCode::kInvalidArgument, {"q8_0 and q4_0 go with the layout llama.cpp"});
}

}  // namespace
}  // namespace moonbeam::model
