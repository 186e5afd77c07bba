#include "tasks/runner.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "region/region.h"

namespace moonbeam::tasks {

namespace {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

Runner::Runner(const Engine& engine)
    : engine_(engine),
      context_(*engine.pool, *engine.kernels, engine.precision),
      decoder_(engine.config().text, engine.model->text, engine.rope, context_) {}

void Runner::embed(const Token& token, float* out) {
  const model::Model& model = *engine_.model;
  std::visit(
      Overloaded{[&](TextToken t) { ops::embedding_row(model.text.wte, t.id, out); },
                 [&](CoordToken t) {
                   region::encode_coordinate(context_, *model.config.region, *model.region, t.value, out);
                 },
                 [&](SizeToken t) {
                   region::encode_size(context_, *model.config.region, *model.region, t.width, t.height, out);
                 }},
      token);
}

bool Runner::run(const LayerFn& on_layer) {
  const base::ThreadPool::Stay stay(context_.pool);  // once a pass, not once a layer
  const int layers = engine_.config().text.layers;
  for (bool more = true; more;) {
    more = step();
    if (on_layer && !on_layer(layer(), layers) && more) {
      abandon();
      return false;
    }
  }
  return true;
}

void Runner::begin(std::span<const Feed> feeds) {
  const auto dim = static_cast<std::size_t>(engine_.config().text.dim);
  std::size_t rows = 0;
  for (const Feed& feed : feeds) rows += feed.tokens.size();
  embeddings_.reserve_discard(rows * dim);
  float* row = embeddings_.data();
  batch_.clear();
  readers_.clear();
  for (const Feed& feed : feeds) {
    batch_.push_back({&feed.sequence->cache, static_cast<int>(feed.tokens.size())});
    for (const Token& token : feed.tokens) {
      embed(token, row);
      row += dim;
    }
  }
  decoder_.begin(batch_, embeddings_.data());
  int end = 0;
  for (const Feed& feed : feeds) {
    end += static_cast<int>(feed.tokens.size());
    readers_.push_back({feed.sequence, end - 1, feed.logits});
  }
}

bool Runner::step() {
  if (decoder_.step()) return true;
  finish();
  return false;
}

void Runner::abandon() noexcept {
  decoder_.abandon();
  readers_.clear();
}

// One lm_head over the last rows of all sequences: its weights are read once.
void Runner::finish() {
  const auto dim = static_cast<std::size_t>(engine_.config().text.dim);
  const auto vocab = static_cast<std::size_t>(engine_.config().text.vocab_size);
  asked_.clear();
  asked_hidden_.reserve_discard(readers_.size() * dim);
  for (const Reader& reader : readers_) {
    const float* hidden = decoder_.hidden(reader.last);
    reader.sequence->hidden.assign(hidden, hidden + dim);
    if (!reader.logits) {
      reader.sequence->logits.clear();
      continue;
    }
    std::copy_n(hidden, dim, asked_hidden_.data() + asked_.size() * dim);
    asked_.push_back(reader.sequence);
  }
  readers_.clear();
  if (asked_.empty()) return;
  if (asked_.size() == 1) {
    asked_[0]->logits.resize(vocab);  // fills nothing from the second step on
    decoder_.logits(asked_hidden_.data(), 1, asked_[0]->logits.data());
    return;
  }
  asked_logits_.reserve_discard(asked_.size() * vocab);
  decoder_.logits(asked_hidden_.data(), static_cast<int>(asked_.size()), asked_logits_.data());
  const float* from = asked_logits_.data();
  for (Sequence* sequence : asked_) {
    sequence->logits.assign(from, from + vocab);
    from += vocab;
  }
}

void Runner::logits(const Sequence& sequence, std::span<const int> ids, float* out) {
  decoder_.logits(sequence.hidden.data(), ids, out);
}

std::span<const float> Runner::coordinate_logits(const Sequence& sequence) {
  const auto bins = static_cast<std::size_t>(engine_.config().region->coord_out_dim);
  region_logits_.reserve_discard(bins);
  region::decode_coordinate(context_, *engine_.model->region, sequence.hidden.data(), 1,
                            region_logits_.data());
  return {region_logits_.data(), bins};
}

std::span<const float> Runner::size_logits(const Sequence& sequence) {
  const auto bins = static_cast<std::size_t>(engine_.config().region->size_out_dim);
  region_logits_.reserve_discard(bins);
  region::decode_size(context_, *engine_.model->region, sequence.hidden.data(), 1, region_logits_.data());
  return {region_logits_.data(), bins};
}

bool Runner::advance(std::span<const Feed> feeds, const LayerFn& on_layer) {
  begin(feeds);
  return run(on_layer);
}

bool Runner::advance(Sequence& sequence, std::span<const Token> tokens, bool logits,
                     const LayerFn& on_layer) {
  const Feed feed{&sequence, tokens, logits};
  return advance(std::span(&feed, 1), on_layer);
}

void Runner::prefill_image(Sequence& sequence, const float* embeddings, int n) {
  begin_image(sequence, embeddings, n);
  run({});
}

void Runner::begin_image(Sequence& sequence, const float* embeddings, int n) {
  const model::Prompts& prompts = engine_.prompts();
  std::vector<int> before{prompts.bos};
  std::vector<int> after;
  if (!prompts.text_before_image.empty()) {
    const std::vector<int> ids = engine_.tokenizer.encode(prompts.text_before_image, true);
    before.insert(before.end(), ids.begin(), ids.end());
    after = engine_.tokenizer.encode(prompts.text_after_image, true);
  }
  const auto dim = static_cast<std::size_t>(engine_.config().text.dim);
  const std::size_t rows = before.size() + static_cast<std::size_t>(n) + after.size();
  embeddings_.reserve_discard(rows * dim);
  float* row = embeddings_.data();
  for (const int id : before) {
    embed(TextToken{id}, row);
    row += dim;
  }
  std::memcpy(row, embeddings, static_cast<std::size_t>(n) * dim * sizeof(float));
  row += static_cast<std::size_t>(n) * dim;
  for (const int id : after) {
    embed(TextToken{id}, row);
    row += dim;
  }
  const text::Rows part{&sequence.cache, static_cast<int>(rows)};
  readers_.clear();
  decoder_.begin(std::span(&part, 1), embeddings_.data());
}

Sequence new_sequence(const Engine& engine, int prefix) {
  const text::TextConfig& config = engine.config().text;
  return Sequence(text::KvCache(config.layers, config.heads, config.head_width(), prefix, engine.precision));
}

int room(const Engine& engine, const Sequence& sequence) noexcept {
  return engine.config().text.max_context - sequence.cache.size();
}

}  // namespace moonbeam::tasks
