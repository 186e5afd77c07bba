// Times the stages of the forward pass at full size with generated weights: image encoder and projector for
// one crop, prefill of the image prefix, one decode step. One JSON line a stage on standard output; what
// compares with peers (bench/peers) starts it once per stage so that both alternate.
//
//   bench_stages [--model synth:moondream2:f32] [--mode f32] [--threads 2] [--repeat 5]
//   [--stage encode|prefill|decode|all] [--streams 1] [--past 760]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <moonbeam/version.h>

#include "args.h"
#include "base/error.h"
#include "base/machine.h"
#include "tasks/engine.h"
#include "tasks/runner.h"
#include "vision/embed.h"

namespace {

using namespace moonbeam;

struct Options : bench::ModelFlags {
  std::string stage = "all";
  int past = 760;   // positions in the cache of a decode step
  int streams = 1;  // sequences of a decode step
};

constexpr const char* kUsage =
    "usage: bench_stages [--model synth:moondream2:f32] [--mode auto] [--threads 0] [--repeat 5]\n"
    "                    [--stage encode|prefill|decode|all] [--streams 1] [--past 760]\n";

bool read_own(Options& options, const std::string& flag, const std::string& value) {
  if (flag == "--stage") {
    options.stage = value;
  } else if (flag == "--streams") {
    options.streams = bench::number(flag, value, 1);
  } else if (flag == "--past") {
    options.past = bench::number(flag, value, 2);
  } else {
    return false;
  }
  return true;
}

void report(const Options& options, const tasks::Engine& engine, const char* stage,
            const std::function<void()>& run) {
  run();  // warm-up
  std::vector<double> times;
  for (int i = 0; i < options.repeat; ++i) {
    const double start = base::now_ms();
    run();
    times.push_back(base::now_ms() - start);
  }
  std::sort(times.begin(), times.end());
  std::printf(
      "{\"stage\":\"%s\",\"ms\":%.3f,\"min_ms\":%.3f,\"max_ms\":%.3f,\"repeat\":%d,\"threads\":%d,\"isa\":\"%"
      "s\","
      "\"mode\":\"%s\",\"dtype\":\"%s\",\"streams\":%d,\"past\":%d,\"cpu\":\"%s\",\"peak_mib\":%.0f,"
      "\"commit\":\"%s\"}\n",
      stage, times[times.size() / 2], times.front(), times.back(), options.repeat, engine.pool->threads(),
      engine.info.isa.c_str(), engine.info.mode.c_str(), engine.info.dtype.c_str(), options.streams,
      options.past, base::cpu_features().name.c_str(),
      static_cast<double>(base::peak_resident_bytes()) / 1048576.0, commit());
  std::fflush(stdout);
}

void bench_encode(const Options& options, const tasks::Engine& engine) {
  tasks::Runner runner(engine);
  const vision::VisionConfig& config = engine.config().vision;
  vision::Encoder encoder(config, engine.model->vision, runner.context());
  Image image{config.crop_size, config.crop_size, {}};
  for (int i = 0; i < config.crop_size * config.crop_size * 3; ++i) {
    image.pixels.push_back(static_cast<std::uint8_t>(i * 2654435761u >> 24));
  }
  report(options, engine, "encode", [&] { vision::embed_image(encoder, config, image); });
}

void bench_prefill(const Options& options, const tasks::Engine& engine) {
  tasks::Runner runner(engine);
  const int count = engine.config().vision.image_tokens();
  std::vector<float> embeddings(static_cast<std::size_t>(count) *
                                static_cast<std::size_t>(engine.config().text.dim));
  for (std::size_t i = 0; i < embeddings.size(); ++i)
    embeddings[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
  report(options, engine, "prefill", [&] {
    tasks::Sequence sequence = tasks::new_sequence(engine, 1 + count);
    runner.prefill_image(sequence, embeddings.data(), count);
  });
}

void bench_decode(const Options& options, const tasks::Engine& engine) {
  tasks::Runner runner(engine);
  tasks::Sequence past = tasks::new_sequence(engine);
  const std::vector<tasks::Token> prompt(static_cast<std::size_t>(options.past), tasks::TextToken{100});
  runner.advance(past, prompt, false);
  std::vector<tasks::Sequence> sequences;
  for (int i = 0; i < options.streams; ++i) sequences.emplace_back(past.cache.fork());
  const tasks::Token token = tasks::TextToken{7};
  std::vector<tasks::Feed> feeds;
  for (tasks::Sequence& sequence : sequences) feeds.push_back({&sequence, std::span(&token, 1)});
  report(options, engine, "decode", [&] {
    runner.advance(feeds);
    for (tasks::Sequence& sequence : sequences) sequence.cache.truncate(options.past);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.model = "synth:moondream2:f32";
  const auto own = [&](const std::string& flag, const std::string& value) {
    return read_own(options, flag, value);
  };
  const auto measure = [&] {
    const double start = base::now_ms();
    const auto engine =
        tasks::open_engine(options.model, {.mode = bench::mode(options.mode), .threads = options.threads});
    std::printf("{\"stage\":\"load\",\"ms\":%.3f,\"model\":\"%s\"}\n", base::now_ms() - start,
                options.model.c_str());
    if (options.stage == "encode" || options.stage == "all") bench_encode(options, *engine);
    if (options.stage == "prefill" || options.stage == "all") bench_prefill(options, *engine);
    if (options.stage == "decode" || options.stage == "all") bench_decode(options, *engine);
  };
  return bench::run_main(
      "bench_stages", kUsage, [&] { bench::read_flags(argc, argv, options, own); }, measure);
}
