// Validation of the text decoder's sizes.
#include "text/config.h"

#include <string_view>

#include "base/error.h"

namespace moonbeam::text {

namespace {

void check_range(std::string_view field, int value, int low, int high) {
  if (value < low || value > high) {
    base::fail(ErrorCode::kCorrupt, "config text.", field, ": expected ", low, "..", high, ", got ", value);
  }
}

}  // namespace

void TextConfig::validate() const {
  check_range("dim", dim, 1, 1 << 16);
  check_range("ff_dim", ff_dim, 1, 1 << 18);
  check_range("n_layers", layers, 1, 1024);
  check_range("vocab_size", vocab_size, 1, 1 << 22);
  check_range("max_context", max_context, 2, 1 << 20);
  check_range("n_heads", heads, 1, 1024);
  if (kv_heads != heads) {
    base::fail(ErrorCode::kUnsupported, "config text.n_kv_heads: expected n_heads (", heads, "), got ",
               kv_heads);
  }
  if (dim % heads != 0) {
    base::fail(ErrorCode::kCorrupt, "config text.dim: expected a multiple of n_heads (", heads, "), got ",
               dim);
  }
  check_range("rope_dims", rope_dims, 0, head_width());
  if (rope_dims % 2 != 0)
    base::fail(ErrorCode::kCorrupt, "rope_dims: expected an even number, got ", rope_dims);
  check_range("prefix_attn", prefix_attn, 0, max_context);
}

}  // namespace moonbeam::text
