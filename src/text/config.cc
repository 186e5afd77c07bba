// Validation of the text decoder's sizes.
#include "text/config.h"

#include "base/checked.h"
#include "base/error.h"

namespace moonbeam::text {

void TextConfig::validate() const {
  base::check_range("text.dim", dim, 1, 1 << 16);
  base::check_range("text.ff_dim", ff_dim, 1, 1 << 18);
  base::check_range("text.n_layers", layers, 1, 1024);
  base::check_range("text.vocab_size", vocab_size, 1, 1 << 22);
  base::check_range("text.max_context", max_context, 2, 1 << 20);
  base::check_range("text.n_heads", heads, 1, 1024);
  if (kv_heads != heads) {
    base::fail(ErrorCode::kUnsupported, "config text.n_kv_heads: expected n_heads (", heads, "), got ",
               kv_heads);
  }
  if (dim % heads != 0) {
    base::fail(ErrorCode::kCorrupt, "config text.dim: expected a multiple of n_heads (", heads, "), got ",
               dim);
  }
  base::check_range("text.rope_dims", rope_dims, 0, head_width());
  if (rope_dims % 2 != 0)
    base::fail(ErrorCode::kCorrupt, "rope_dims: expected an even number, got ", rope_dims);
  base::check_range("text.prefix_attn", prefix_attn, 0, max_context);
}

}  // namespace moonbeam::text
