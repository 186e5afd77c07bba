#include "tasks/generate.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "grammar/response_schema.h"
#include "tasks/objects.h"

namespace moonbeam::tasks {

namespace {

constexpr float kSuppressed = -std::numeric_limits<float>::infinity();

text::SamplingOptions sampling(const SamplingOptions& options) {
  return {.temperature = static_cast<float>(options.temperature),
          .top_p = static_cast<float>(options.top_p),
          .seed = options.seed};
}

int choose(text::Sampler& sampler, const Engine& engine, const Sequence& sequence) {
  const int id = sampler.sample(sequence.logits);
  if (id == text::Sampler::kNoToken) fail_not_finite(engine);
  return id;
}

void suppress(Sequence& sequence, int id) {
  if (id >= 0) sequence.logits[static_cast<std::size_t>(id)] = kSuppressed;
}

/// Suppresses what the mask does not have, `end` apart. @return the first id that is left; -1: none is. Words
/// of a mask are empty or nearly full as a rule, so the bits that are not set are gone through.
int keep_allowed(const grammar::Mask& mask, int end, std::vector<float>& logits) {
  const float end_logit = end >= 0 ? logits[static_cast<std::size_t>(end)] : 0;
  const auto words = mask.words();
  int first = -1;
  for (std::size_t begin = 0; begin < logits.size(); begin += 64) {
    const std::size_t size = std::min<std::size_t>(64, logits.size() - begin);
    const std::uint64_t word = begin / 64 < words.size() ? words[begin / 64] : 0;
    if (word == 0) {
      std::fill_n(logits.data() + begin, size, kSuppressed);
      continue;
    }
    if (first < 0) first = static_cast<int>(begin) + std::countr_zero(word);
    const std::uint64_t inside = size == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
    for (std::uint64_t rest = ~word & inside; rest != 0; rest &= rest - 1) {
      logits[begin + static_cast<std::size_t>(std::countr_zero(rest))] = kSuppressed;
    }
  }
  if (end < 0) return first;
  logits[static_cast<std::size_t>(end)] = end_logit;
  return first < 0 ? end : std::min(first, end);
}

bool go_on(const TextOptions& options, int done) {
  return !options.progress || options.progress({Progress::Stage::kDecode, done, options.max_tokens});
}

// Hands a piece of a stream to a callback, unless it wants no more.
void emit(const TextFn& fn, std::string_view piece, bool& wanted) {
  if (wanted && !piece.empty() && fn) wanted = fn(piece);
}

text::TextStreamOptions answer_stream(const model::Prompts& prompts, const TextOptions& options) {
  text::TextStreamOptions out{.by_words = true, .strip = prompts.strip_answer, .stop = options.stop};
  if (!prompts.text_stop.empty()) out.stop.push_back(prompts.text_stop);
  return out;
}

template <class Options>  // TextOptions or what is derived from them
const Options& checked(const Options& options) {
  if (options.max_tokens < 0) {
    base::fail(ErrorCode::kInvalidArgument, "max_tokens: expected at least 0, got ", options.max_tokens);
  }
  for (const std::string& stop : options.stop) {
    if (stop.empty()) base::fail(ErrorCode::kInvalidArgument, "stop: a stop string is empty");
  }
  return options;
}

}  // namespace

void fail_not_finite(const Engine& engine) {
  base::fail(ErrorCode::kCorrupt, engine.info.name,
             ": the logits are not finite numbers; the weights are damaged");
}

TextGeneration::TextGeneration(const Engine& engine, const TextOptions& options, LogitsFn on_logits,
                               const std::optional<ResponseSchema>& schema)
    : engine_(engine),
      options_(checked(options)),
      on_logits_(std::move(on_logits)),
      sampler_(sampling(options.sampling)),
      stream_(engine.tokenizer, answer_stream(engine.prompts(), options)) {
  if (!schema) return;
  if (!options.stop.empty()) {
    base::fail(ErrorCode::kInvalidArgument, "stop: an answer after a schema ends where the schema says");
  }
  constraint_.emplace(schema->impl().grammar, engine.vocabulary());
}

Next TextGeneration::next(Runner& /*runner*/, Sequence& sequence) {
  const model::Prompts& prompts = engine_.prompts();
  if (!begun_) start_ms_ = base::now_ms();
  if (on_logits_) on_logits_(sequence.logits);
  if (begun_ && prompts.suppress_answer) suppress(sequence, prompts.answer);
  begun_ = true;
  const int id = constraint_ ? choose_allowed(sequence) : choose(sampler_, engine_, sequence);
  if (id == prompts.eos) return end(Finish::kEos);
  const int count = static_cast<int>(out_.ids.size());
  if (count >= options_.max_tokens || room(engine_, sequence) < 1) return end(Finish::kLength);
  if (id == text::Sampler::kNoToken)
    return end(Finish::kLength);  // the tokenizer cannot write what must follow
  emit(options_.on_text, push(id), wanted_);
  out_.ids.push_back(id);
  if (stream_.stopped() || !wanted_ || !go_on(options_, count + 1)) return end(Finish::kStopped);
  if (constraint_ && constraint_->ended()) return end(Finish::kEos);
  token_ = TextToken{id};
  return {std::span(&token_, 1)};
}

// The likeliest token is looked at before the mask is made: a model that keeps to the schema by itself is
// not held up.
int TextGeneration::choose_allowed(Sequence& sequence) {
  const int best = text::argmax(sequence.logits);
  if (best < 0) fail_not_finite(engine_);
  const int end = constraint_->complete() ? engine_.prompts().eos : -1;
  const bool greedy = options_.sampling.temperature == 0;
  if (greedy && (best == end || constraint_->allows(best))) return best;
  const int first = keep_allowed(constraint_->mask(), end, sequence.logits);
  const int id = first < 0 ? text::Sampler::kNoToken : sampler_.sample(sequence.logits);
  return id != text::Sampler::kNoToken ? id : first;  // all that is left was suppressed before
}

std::string_view TextGeneration::push(int id) {
  return constraint_ ? constraint_->push(id) : stream_.push(id);
}

void TextGeneration::give_up() {
  start_ms_ = base::now_ms();
  end(Finish::kLength);
}

Next TextGeneration::end(Finish finish) {
  emit(options_.on_text, constraint_ ? constraint_->close() : stream_.finish(), wanted_);
  out_.text = constraint_ ? constraint_->text() : stream_.text();
  out_.finish = finish;
  out_.decode_ms = base::now_ms() - start_ms_;
  return {};
}

GeneratedText generate_text(Runner& runner, Sequence& sequence, const TextOptions& options,
                            const LogitsFn& on_logits) {
  TextGeneration generation(runner.engine(), options, on_logits);
  run(generation, runner, sequence);
  return std::move(generation.result());
}

ReasoningGeneration::ReasoningGeneration(const Engine& engine, const QueryOptions& options)
    : engine_(engine),
      options_(checked(options)),
      sampler_(sampling(options.sampling)),
      stream_(engine.tokenizer, {}) {}

Next ReasoningGeneration::next(Runner& runner, Sequence& sequence) {
  const model::Prompts& prompts = engine_.prompts();
  if (count_ > 0) {
    suppress(sequence, prompts.eos);
    suppress(sequence, prompts.size);
  }
  const int id = choose(sampler_, engine_, sequence);
  if (id == prompts.answer || count_ >= options_.max_tokens || room(engine_, sequence) < 1) return end(false);
  if (id == prompts.start_ground || id == prompts.end_ground) chunks_.emplace_back();
  chunks_.back().ids.push_back(id);
  token_ = TextToken{id};
  if (id == prompts.coord && engine_.model->region) {
    const float value = read_coordinate(runner, sequence, out_.bins);
    chunks_.back().coordinates.push_back(value);
    token_ = CoordToken{value};
  } else {
    out_.ids.push_back(id);
  }
  ++count_;
  emit(options_.on_reasoning, stream_.push(id), wanted_);
  if (!wanted_ || !go_on(options_, count_)) return end(true);
  return {std::span(&token_, 1)};
}

Next ReasoningGeneration::end(bool stopped) {
  emit(options_.on_reasoning, stream_.finish(), wanted_);
  out_.stopped = stopped;
  out_.reasoning = join();
  return {};
}

Reasoning ReasoningGeneration::join() const {
  Reasoning out;
  int start = 0;
  for (const Chunk& chunk : chunks_) {
    const std::string text = engine_.tokenizer.decode(chunk.ids, true);
    const int end = start + static_cast<int>(base::count_code_points(text));
    if (chunk.coordinates.size() > 1) {
      Grounding grounding{.start_idx = start, .end_idx = end, .points = {}};
      for (std::size_t i = 0; i + 1 < chunk.coordinates.size(); i += 2) {
        grounding.points.push_back({chunk.coordinates[i], chunk.coordinates[i + 1]});
      }
      out.grounding.push_back(std::move(grounding));
    }
    out.text += text;
    start = end;
  }
  return out;
}

GeneratedReasoning generate_reasoning(Runner& runner, Sequence& sequence, const QueryOptions& options) {
  ReasoningGeneration generation(runner.engine(), options);
  run(generation, runner, sequence);
  return std::move(generation.result());
}

}  // namespace moonbeam::tasks
