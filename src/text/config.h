// Sizes of the text decoder.
#pragma once

namespace moonbeam::text {

struct TextConfig {
  int dim = 2048;
  int ff_dim = 8192;
  int layers = 24;
  int vocab_size = 51200;
  int max_context = 2048;
  int heads = 32;
  int kv_heads = 32;
  int prefix_attn = 730;  // positions at the start that all see each other; 0: causal from the first on
  int rope_dims = 32;     // of each head
  float rope_theta = 10000.0f;
  float eps = 1e-5f;

  constexpr int head_width() const { return dim / heads; }
  void validate() const;  // throws kUnsupported or kCorrupt, naming the field
};

}  // namespace moonbeam::text
