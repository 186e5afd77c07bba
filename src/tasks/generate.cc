#include "tasks/generate.h"

#include <limits>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "region/region.h"
#include "text/sampler.h"
#include "text/text_stream.h"

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

bool go_on(const TextOptions& options, int done) {
  return !options.progress || options.progress({Progress::Stage::kDecode, done, options.max_tokens});
}

/// Hands pieces of a stream to a callback and remembers whether it wants more.
class Emitter {
 public:
  explicit Emitter(const TextFn& fn) : fn_(fn) {}
  bool operator()(std::string_view piece) {
    if (wanted_ && !piece.empty() && fn_) wanted_ = fn_(piece);
    return wanted_;
  }

 private:
  const TextFn& fn_;
  bool wanted_ = true;
};

void check(const TextOptions& options) {
  if (options.max_tokens < 0) {
    base::fail(ErrorCode::kInvalidArgument, "max_tokens: expected at least 0, got ", options.max_tokens);
  }
  for (const std::string& stop : options.stop) {
    if (stop.empty()) base::fail(ErrorCode::kInvalidArgument, "stop: a stop string is empty");
  }
}

}  // namespace

void fail_not_finite(const Engine& engine) {
  base::fail(ErrorCode::kCorrupt, engine.info.name,
             ": the logits are not finite numbers; the weights are damaged");
}

GeneratedText generate_text(Runner& runner, Sequence& sequence, const TextOptions& options,
                            const LogitsFn& on_logits) {
  check(options);
  const Engine& engine = runner.engine();
  const model::Prompts& prompts = engine.prompts();
  text::Sampler sampler(sampling(options.sampling));
  text::TextStreamOptions stream_options{
      .by_words = true, .strip = prompts.strip_answer, .stop = options.stop};
  if (!prompts.text_stop.empty()) stream_options.stop.push_back(prompts.text_stop);
  text::TextStream stream(engine.tokenizer, std::move(stream_options));
  Emitter emit(options.on_text);

  GeneratedText out;
  const double start = base::now_ms();
  if (on_logits) on_logits(sequence.logits);
  int id = choose(sampler, engine, sequence);
  while (true) {
    const int count = static_cast<int>(out.ids.size());
    if (id == prompts.eos) break;
    if (count >= options.max_tokens || room(engine, sequence) < 1) {
      out.finish = Finish::kLength;
      break;
    }
    const bool wanted = emit(stream.push(id));
    out.ids.push_back(id);
    if (stream.stopped() || !wanted || !go_on(options, count + 1)) {
      out.finish = Finish::kStopped;
      break;
    }
    const Token token = TextToken{id};
    runner.advance(sequence, std::span(&token, 1));
    if (on_logits) on_logits(sequence.logits);
    if (prompts.suppress_answer) suppress(sequence, prompts.answer);
    id = choose(sampler, engine, sequence);
  }
  emit(stream.finish());
  out.text = stream.text();
  out.decode_ms = base::now_ms() - start;
  return out;
}

namespace {

/// Reasoning text comes in chunks; ids that open or close a place start a new one.
struct Chunk {
  std::vector<int> ids;
  std::vector<float> coordinates;
};

Reasoning join(const Engine& engine, const std::vector<Chunk>& chunks) {
  Reasoning out;
  int start = 0;
  for (const Chunk& chunk : chunks) {
    const std::string text = engine.tokenizer.decode(chunk.ids, true);
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

}  // namespace

GeneratedReasoning generate_reasoning(Runner& runner, Sequence& sequence, const QueryOptions& options) {
  check(options);
  const Engine& engine = runner.engine();
  const model::Prompts& prompts = engine.prompts();
  const model::Model& model = *engine.model;
  text::Sampler sampler(sampling(options.sampling));
  text::TextStream stream(engine.tokenizer, {});
  Emitter emit(options.on_reasoning);
  std::vector<float> coordinate_logits(
      model.region ? static_cast<std::size_t>(model.config.region->coord_out_dim) : 0);

  GeneratedReasoning out;
  std::vector<Chunk> chunks(1);
  int id = choose(sampler, engine, sequence);
  for (int count = 0; id != prompts.answer && count < options.max_tokens && room(engine, sequence) > 0;
       ++count) {
    if (id == prompts.start_ground || id == prompts.end_ground) chunks.emplace_back();
    chunks.back().ids.push_back(id);
    Token token = TextToken{id};
    if (id == prompts.coord && model.region) {
      region::decode_coordinate(runner.context(), *model.region, sequence.hidden.data(), 1,
                                coordinate_logits.data());
      const int bin = text::argmax(coordinate_logits);
      if (bin < 0) fail_not_finite(engine);
      const float value = region::bin_to_coordinate(*model.config.region, bin);
      out.bins.push_back(bin);
      chunks.back().coordinates.push_back(value);
      token = CoordToken{value};
    } else {
      out.ids.push_back(id);
    }
    if (!emit(stream.push(id)) || !go_on(options, count + 1)) {
      out.stopped = true;
      break;
    }
    runner.advance(sequence, std::span(&token, 1));
    suppress(sequence, prompts.eos);
    suppress(sequence, prompts.size);
    id = choose(sampler, engine, sequence);
  }
  emit(stream.finish());
  out.reasoning = join(engine, chunks);
  return out;
}

}  // namespace moonbeam::tasks
