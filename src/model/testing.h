// Tests only: small models in files of every layout, made from generated weights.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "formats/tokenizer_data.h"
#include "model/config.h"
#include "model/source.h"
#include "model/synth.h"
#include "model/tensor_table.h"

namespace moonbeam::model::testing {

/// A folder of its own for the running test, empty at the start, removed at the end.
class TestFolder {
 public:
  TestFolder() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            base::cat("moonbeam-", info->test_suite_name(), "-", info->name(), "-", ::getpid());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A tensor in memory, of any type.
struct Blob {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  tensor::Shape shape;
  std::vector<std::byte> bytes;
};

inline Blob f32_blob(const std::string& name, const tensor::Shape& shape, const std::vector<float>& values) {
  Blob blob{name, tensor::DType::kF32, shape, std::vector<std::byte>(values.size() * 4)};
  std::memcpy(blob.bytes.data(), values.data(), blob.bytes.size());
  return blob;
}

inline std::vector<float> values_of(const Blob& blob) {
  std::vector<float> out(static_cast<std::size_t>(blob.shape.numel()));
  tensor::to_f32({blob.bytes.data(), blob.dtype, blob.shape}, out.data());
  return out;
}

/// Generated weights of `config` under plain names.
inline std::map<std::string, Blob> make_blobs(const ModelConfig& config) {
  std::map<std::string, Blob> out;
  for (const TensorSpec& spec : tensor_table(config)) {
    std::vector<float> values(static_cast<std::size_t>(spec.shape.numel()));
    synth_values(synth_rule(spec.name, spec.shape, SynthProfile::kTiny), 0, spec.shape.numel(),
                 values.data());
    out.emplace(spec.name, f32_blob(spec.name, spec.shape, values));
  }
  return out;
}

inline std::vector<formats::TensorToWrite> to_write(const std::vector<Blob>& blobs) {
  std::vector<formats::TensorToWrite> out;
  for (const Blob& blob : blobs) {
    out.push_back({blob.name, blob.dtype, blob.shape, [&blob](const auto& sink) { sink(blob.bytes); }});
  }
  return out;
}

/// A smaller relative of "tiny", for tests that write many files: 2 + 2 blocks, widths 24 and 32.
inline ModelConfig micro_config() {
  ModelConfig config = synth_config("tiny");
  config.vision.dim = 24, config.vision.heads = 2, config.vision.ff_dim = 40;
  config.vision.crop_size = 70, config.vision.image_grid = 5, config.vision.overlap_margin = 1;
  config.vision.proj_in_dim = 48, config.vision.proj_inner_dim = 64, config.vision.proj_out_dim = 64;
  config.text.dim = 64, config.text.heads = config.text.kv_heads = 2, config.text.ff_dim = 96;
  config.text.prefix_attn = 26, config.text.vocab_size = 512, config.text.max_context = 128;
  config.region->dim = 64, config.region->inner_dim = 32;
  config.region->coord_feat_dim = 8, config.region->size_feat_dim = 16;
  config.region->coord_out_dim = 16, config.region->size_out_dim = 32;
  return config;
}

/// A folder in the published layout; `change` may alter the tensors before they are written.
inline void write_folder(const std::string& folder, const ModelConfig& config,
                         const std::function<void(std::vector<Blob>&)>& change = {},
                         const std::function<std::string(const TensorSpec&)>& name = {}) {
  std::filesystem::create_directories(folder);
  std::map<std::string, Blob> blobs = make_blobs(config);
  std::vector<Blob> list;
  for (const TensorSpec& spec : tensor_table(config)) {
    Blob blob = blobs.at(spec.name);
    blob.name = name ? name(spec) : "model." + spec.name;
    list.push_back(std::move(blob));
  }
  if (change) change(list);
  formats::write_safetensors(folder + "/model.safetensors", to_write(list), {});
  write_file(folder + "/config.json", write_config_json(config));
  write_file(folder + "/tokenizer.json", formats::write_tokenizer_json(synth_tokenizer(config)));
}

inline Blob& find(std::vector<Blob>& list, const std::string& name) {
  for (Blob& blob : list) {
    if (blob.name == name) return blob;
  }
  throw std::runtime_error("no such tensor in the test: " + name);
}

/// Expects `call` to throw `code` with every one of `parts` in a message of one line.
inline void expect_error(const std::function<void()>& call, ErrorCode code,
                         const std::vector<std::string>& parts) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), code) << message;
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << message << "\n  lacks: " << part;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return;
  }
  FAIL() << "expected an error: " << (parts.empty() ? "" : parts[0]);
}

}  // namespace moonbeam::model::testing
