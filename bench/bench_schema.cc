// What an answer after a schema costs a token, beside a free one: the same decode steps with the same logits,
// the choice of the next token timed with and without a schema in turn, in one process. Two parts:
//
// - choices over a real vocabulary (51,200 rows of logits, the tokenizer of the 2024 releases) for a model
// that
//   keeps to the schema by itself, for one that never would, and for sampling. CPU time of the one thread
//   that chooses; it does not hang on the model, so none is needed. --step-ms is the decode step it is a
//   share of.
// - whole steps of a real model, which answers a question with and without a schema.
//
//   bench_schema --model PATH [--mode auto] [--threads 0] [--repeat 9] [--step-ms 26]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <moonbeam/version.h>

#include "args.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "model/variants.h"
#include "tasks/engine.h"
#include "tasks/generate.h"
#include "tasks/prompts.h"

namespace {

using namespace moonbeam;

struct Options : bench::ModelFlags {
  int step_ms = 26;
};

constexpr const char* kUsage =
    "usage: bench_schema --model PATH [--mode auto] [--threads 0] [--repeat 9] [--step-ms 26]\n";
constexpr const char* kTokenizer = MOONBEAM_SOURCE_DIR "/tests/goldens/tokenizer/phi-tokenizer.json";

constexpr const char* kSchema = R"({"type": "object", "properties": {
  "title": {"type": "string"}, "people": {"type": "array", "items": {"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 40}, "age": {"type": "integer"},
    "mood": {"enum": ["happy", "sad", "neutral"]}}, "required": ["name", "age", "mood"]}, "maxItems": 5},
  "indoors": {"type": "boolean"}, "score": {"type": "number"}},
  "required": ["title", "people", "indoors", "score"]})";
constexpr const char* kAnswer =
    R"({"title": "Two people at a table by the window, one of them reading a newspaper", "people": [{"name": )"
    R"("Ada Lovelace", "age": 36, "mood": "happy"}, {"name": "a man with a hat", "age": 51, "mood": "neutral"}], )"
    R"("indoors": true, "score": 0.75})";

double thread_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

using bench::median;

// --- Choices over a real vocabulary ------------------------------------------------------------------------

/// An engine round a tokenizer alone: nothing is ever fed.
std::shared_ptr<const tasks::Engine> without_weights() {
  auto model = std::make_shared<model::Model>();
  model->config = model::variant("moondream2-2025-04-14").config;
  std::ifstream file(kTokenizer, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  model->tokenizer = formats::parse_tokenizer_json(text.str(), "tokenizer");
  return tasks::make_engine(std::move(model), {.threads = 1});
}

struct Habit {
  const char* name;
  bool willing;  // its likeliest token is the answer's; else one that no schema allows
  double temperature;
};

/// CPU time a token of one answer, all its states met for the first time. The answer is known: each of its
/// tokens is the likeliest of those that are allowed.
double choose_us(const tasks::Engine& engine, tasks::Runner& runner, const Habit& habit,
                 const std::optional<ResponseSchema>& schema, const std::vector<int>& ids,
                 const std::vector<float>& noise) {
  TextOptions options;
  options.sampling = {.temperature = habit.temperature, .top_p = 0.3, .seed = 1};
  tasks::TextGeneration generation(engine, options, {}, schema);
  tasks::Sequence sequence = tasks::new_sequence(engine);
  const auto newline = static_cast<std::size_t>(engine.tokenizer.encode("\n", false).front());
  double total = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    sequence.logits = noise;
    std::rotate(sequence.logits.begin(), sequence.logits.begin() + static_cast<std::ptrdiff_t>(i * 37),
                sequence.logits.end());
    sequence.logits[static_cast<std::size_t>(ids[i])] = 40;
    if (!habit.willing) sequence.logits[newline] = 50;
    const double start = thread_us();
    const tasks::Next next = generation.next(runner, sequence);
    total += thread_us() - start;
    if (i + 1 < ids.size() && next.tokens.empty())
      base::fail(ErrorCode::kCorrupt, "the answer ended at token ", i);
  }
  if (schema && generation.result().text != kAnswer) {
    base::fail(ErrorCode::kCorrupt, "expected the answer, got ", generation.result().text);
  }
  return total / static_cast<double>(ids.size());
}

void time_choices(const Options& options, tasks::Runner& runner) {
  const auto engine = without_weights();
  const std::vector<int> ids = engine->tokenizer.encode(kAnswer, false);
  const ResponseSchema schema = ResponseSchema::parse(kSchema);
  std::vector<float> noise(static_cast<std::size_t>(engine->config().text.vocab_size));
  std::uint32_t random = 1;
  for (float& logit : noise) {
    random = random * 1664525u + 1013904223u;
    logit = static_cast<float>(random >> 8) * 0x1p-20f;  // 0 to 16
  }
  const double before = thread_us();
  engine->vocabulary();
  const double vocabulary_ms = (thread_us() - before) * 1e-3;
  for (const Habit& habit :
       {Habit{"greedy_willing", true, 0}, Habit{"greedy_unwilling", false, 0}, Habit{"sampled", true, 0.5}}) {
    std::vector<double> free, bound, more;
    for (int i = 0; i < options.repeat; ++i) {
      free.push_back(choose_us(*engine, runner, habit, {}, ids, noise));
      bound.push_back(choose_us(*engine, runner, habit, schema, ids, noise));
      more.push_back(bound.back() - free.back());
    }
    const double share = 100 * median(more) * 1e-3 / options.step_ms;
    std::printf(
        "%-17s %zu tokens: free %.1f us, after the schema %.1f us a token; %.2f %% of a step of %d ms\n",
        habit.name, ids.size(), median(free), median(bound), share, options.step_ms);
    std::printf(
        "{\"figure\":\"schema_choice\",\"habit\":\"%s\",\"vocabulary\":%zu,\"free_us\":%.2f,\"schema_us\":%."
        "2f,"
        "\"more_us\":%.2f,\"step_ms\":%d,\"slowdown_percent\":%.3f,\"vocabulary_ms\":%.1f,\"repeat\":%d,"
        "\"cpu\":\"%s\",\"commit\":\"%s\"}\n",
        habit.name, noise.size(), median(free), median(bound), median(more), options.step_ms, share,
        vocabulary_ms, options.repeat, base::cpu_features().name.c_str(), commit());
  }
}

// --- Whole steps -------------------------------------------------------------------------------------------

struct Steps {
  double choice_us = 0, feed_us = 0;  // wall time a token
  int tokens = 0;
};

Steps time_answer(tasks::Runner& runner, const std::optional<ResponseSchema>& schema, double temperature) {
  const tasks::Engine& engine = runner.engine();
  QueryOptions options;
  options.schema = schema;
  options.max_tokens = 60;
  options.sampling = {.temperature = temperature, .top_p = 0.3, .seed = 1};
  tasks::Sequence sequence = tasks::new_sequence(engine);
  runner.advance(sequence, tasks::text_query_prompt(engine, "What is there?", options));
  tasks::TextGeneration generation(engine, options, {}, schema);
  Steps out;
  while (true) {
    const double start = base::now_ms();
    const tasks::Next next = generation.next(runner, sequence);
    const double chosen = base::now_ms();
    out.choice_us += 1e3 * (chosen - start);
    if (next.tokens.empty()) break;
    runner.advance(sequence, next.tokens, next.logits);
    out.feed_us += 1e3 * (base::now_ms() - chosen);
    ++out.tokens;
  }
  out.choice_us /= out.tokens + 1;
  out.feed_us /= std::max(1, out.tokens);
  return out;
}

void time_steps(const Options& options, tasks::Runner& runner) {
  const ResponseSchema schema = ResponseSchema::parse(kSchema);
  for (const double temperature : {0.0, 0.5}) {
    std::vector<double> feed, free, bound;
    int tokens = 0;
    for (int i = 0; i < 20 * options.repeat; ++i) {
      const Steps without = time_answer(runner, {}, temperature);
      const Steps with = time_answer(runner, schema, temperature);
      feed.push_back(with.feed_us);
      free.push_back(without.choice_us);
      bound.push_back(with.choice_us);
      tokens = with.tokens;
    }
    const double more = median(bound) - median(free);
    const double share = 100 * more / (median(feed) + median(free));
    const tasks::Engine& engine = runner.engine();
    std::printf(
        "%s, temperature %.1f: %.1f us to feed, %.2f us to choose free, %.2f after the schema: %.2f %%\n",
        engine.info.name.c_str(), temperature, median(feed), median(free), median(bound), share);
    std::printf(
        "{\"figure\":\"schema_step\",\"model\":\"%s\",\"mode\":\"%s\",\"temperature\":%.1f,\"tokens\":%d,"
        "\"feed_us\":%.2f,\"free_us\":%.2f,\"schema_us\":%.2f,\"slowdown_percent\":%.3f,\"threads\":%d,"
        "\"cpu\":\"%s\",\"commit\":\"%s\"}\n",
        engine.info.name.c_str(), engine.info.mode.c_str(), temperature, tokens, median(feed), median(free),
        median(bound), share, engine.info.threads, base::cpu_features().name.c_str(), commit());
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.repeat = 9;
  const auto own = [&](const std::string& flag, const std::string& value) {
    if (flag != "--step-ms") return false;
    options.step_ms = bench::number(flag, value, 1);
    return true;
  };
  const auto measure = [&] {
    const auto engine =
        tasks::open_engine(options.model, {.mode = bench::mode(options.mode), .threads = options.threads});
    tasks::Runner runner(*engine);
    time_choices(options, runner);
    time_steps(options, runner);
  };
  return bench::run_main(
      "bench_schema", kUsage, [&] { bench::read_flags(argc, argv, options, own); }, measure);
}
