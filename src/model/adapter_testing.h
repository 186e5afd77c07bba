// Tests only: random adapters in files, and the same merged into weights in double.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "model/testing.h"

namespace moonbeam::model::testing {

/// Factors of all text blocks of `config` under our names, in f32. Values are such that each product's are
/// about `size` times as large as those of the weights that it is added to.
inline std::vector<Blob> adapter_blobs(const ModelConfig& config, int rank, float size) {
  std::vector<Blob> out;
  const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t columns, float scale) {
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    std::uint64_t state = std::hash<std::string>()(name);
    for (float& value : values) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      value = (static_cast<float>(state >> 40) / 8388608.0f - 1) * 1.73f * scale;
    }
    out.push_back(f32_blob(name, {rows, columns}, values));
  };
  for (int i = 0; i < config.text.layers; ++i) {
    struct Layer {
      const char* name;
      int in, out;
    };
    const int dim = config.text.dim, feed = config.text.ff_dim;
    for (const Layer& layer : {Layer{"attn.qkv", dim, 3 * dim},
                               {"attn.proj", dim, dim},
                               {"mlp.fc1", dim, feed},
                               {"mlp.fc2", feed, dim}}) {
      const std::string name = base::cat("text.blocks.", i, ".", layer.name);
      const float in = static_cast<float>(layer.in);
      add(name + ".A", rank, layer.in, 1 / std::sqrt(in));
      add(name + ".B", layer.out, rank, size / std::sqrt(static_cast<float>(rank)));
    }
  }
  return out;
}

inline std::map<std::string, std::string> adapter_metadata(int rank, const std::string& proj_input = "attn") {
  return {{"base", "m"}, {"rank", base::cat(rank)}, {"proj_input", proj_input}};
}

inline void write_adapter(const std::string& path, const std::vector<Blob>& blobs,
                          const std::map<std::string, std::string>& metadata) {
  formats::write_safetensors(path, to_write(blobs), metadata);
}

/// W + B A, in double, for the weights among `list` (named with the prefix "model.").
inline void merge_plainly(std::vector<Blob>& list, std::vector<Blob> adapter) {
  for (Blob& a : adapter) {
    if (!a.name.ends_with(".A")) continue;
    const std::string layer = a.name.substr(0, a.name.size() - 2);
    Blob& weight = find(list, "model." + layer + ".weight");
    const std::vector<float> left = values_of(find(adapter, layer + ".B")), right = values_of(a);
    std::vector<float> sums = values_of(weight);
    const auto in = static_cast<std::size_t>(a.shape[1]), rank = static_cast<std::size_t>(a.shape[0]);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      double sum = sums[i];
      for (std::size_t r = 0; r < rank; ++r)
        sum += static_cast<double>(left[i / in * rank + r]) * right[r * in + i % in];
      sums[i] = static_cast<float>(sum);
    }
    weight = f32_blob(weight.name, weight.shape, sums);
  }
}

}  // namespace moonbeam::model::testing
