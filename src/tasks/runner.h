// Feeds tokens of one or many sequences to the text decoder.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "ops/context.h"
#include "tasks/engine.h"
#include "tasks/token.h"
#include "text/decoder.h"
#include "text/kv_cache.h"

namespace moonbeam::tasks {

/// One conversation with the model: its past, and what the last position says.
struct Sequence {
  explicit Sequence(text::KvCache past) : cache(std::move(past)) {}

  text::KvCache cache;
  std::vector<float> hidden;  ///< [dim] output of the last block at the last position, before post_ln
  std::vector<float> logits;  ///< [vocab] there; empty if not asked for
};

/// A sequence and what to feed it.
struct Feed {
  Sequence* sequence;
  std::span<const Token> tokens;  ///< not empty
  bool logits = true;             ///< the lm_head costs a tenth of a step: skip it where nobody reads it
};

/// Called after each layer; false stops.
using LayerFn = std::function<bool(int done, int total)>;

/// Activations for one worker. Not shared between threads. A pass goes through the layers one by one: between
/// two of them it may rest while another Runner works.
class Runner {
 public:
  explicit Runner(const Engine& engine);

  /// Feeds all sequences in one pass. False if on_layer stopped it: the sequences are then as before.
  /// @throws Error kExhausted (context full).
  bool advance(std::span<const Feed> feeds, const LayerFn& on_layer = {});
  bool advance(Sequence& sequence, std::span<const Token> tokens, bool logits = true,
               const LayerFn& on_layer = {});

  /// The picture's prefix: BOS and embeddings [n, dim], with the texts some releases put round them.
  void prefill_image(Sequence& sequence, const float* embeddings, int n);

  /// The same in pieces. The sequences stay where they are until the last step or abandon(); until then they
  /// are as before.
  void begin(std::span<const Feed> feeds);
  void begin_image(Sequence& sequence, const float* embeddings, int n);
  /// Runs one layer. False when the pass is done: the sequences then have what they asked for.
  bool step();
  void abandon() noexcept;
  int layer() const noexcept { return decoder_.layer(); }  ///< layers done

  /// Single logits of the last position, each with the bits that it has among all.
  void logits(const Sequence& sequence, std::span<const int> ids, float* out);
  /// What the region heads say of the last position; valid until the next call of either. Of a coordinate's
  /// bins [coord_out_dim]; of a size's [size_out_dim], the width's before the height's.
  std::span<const float> coordinate_logits(const Sequence& sequence);
  std::span<const float> size_logits(const Sequence& sequence);

  const Engine& engine() const noexcept { return engine_; }
  ops::Context& context() noexcept { return context_; }
  text::Decoder& decoder() noexcept { return decoder_; }

 private:
  void embed(const Token& token, float* out);
  bool run(const LayerFn& on_layer);
  void finish();

  const Engine& engine_;
  ops::Context context_;
  text::Decoder decoder_;
  base::Buffer<float> embeddings_;     // [rows, dim]
  base::Buffer<float> region_logits_;  // of one coordinate or size
  std::vector<text::Rows> batch_;      // of the pass that begins
  /// Of the pass that was begun: who wants to know what of its last row. Empty for a picture.
  struct Reader {
    Sequence* sequence;
    int last;
    bool logits;
  };
  std::vector<Reader> readers_;
  // Those that ask for logits, their hidden [asked, dim] and, where they are several, logits [asked, vocab].
  std::vector<Sequence*> asked_;
  base::Buffer<float> asked_hidden_, asked_logits_;
};

/// An empty sequence; `prefix` positions at its start see each other.
Sequence new_sequence(const Engine& engine, int prefix = 0);

/// Positions that are left in the model's context.
int room(const Engine& engine, const Sequence& sequence) noexcept;

}  // namespace moonbeam::tasks
