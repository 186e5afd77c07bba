// Times the stages of a model and sets them against the limits of the machine.
#include "tasks/bench.h"

#include <moonbeam/bench.h>
#include <moonbeam/version.h>

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/machine.h"
#include "limits/machine_limits.h"
#include "tasks/engine.h"
#include "tasks/image_prefix.h"
#include "tasks/prompts.h"
#include "tasks/runner.h"
#include "vision/embed.h"

namespace moonbeam::tasks {

double encode_operations(const vision::VisionConfig& v) {
  const double patches = v.patches(), dim = v.dim, ff = v.ff_dim;
  const double linear = 2 * patches * (4 * dim * dim + 2 * dim * ff);
  const double attention = 4 * patches * patches * dim;
  const double patch_embedding = 2 * patches * v.patch_dim() * dim;
  const double projector = 2.0 * v.image_tokens() *
                           (static_cast<double>(v.proj_in_dim) * v.proj_inner_dim +
                            static_cast<double>(v.proj_inner_dim) * v.proj_out_dim);
  return v.layers * (linear + attention) + patch_embedding + projector;
}

double prefill_operations(const text::TextConfig& t, int rows) {
  const double dim = t.dim, ff = t.ff_dim, p = rows;
  return t.layers * (2 * p * (4 * dim * dim + 2 * dim * ff) + 4 * p * p * dim);
}

double decode_bytes(const model::Model& model, int past) {
  double bytes = static_cast<double>(model.text.lm_head.weight.bytes());
  for (const text::BlockWeights& block : model.text.blocks) {
    for (const ops::Linear* layer : {&block.qkv, &block.proj, &block.fc1, &block.fc2})
      bytes += static_cast<double>(layer->weight.bytes());
  }
  const text::TextConfig& t = model.config.text;
  return bytes + 2.0 * t.layers * t.dim * past * (model.mode == Mode::kF32 ? 4 : 2);
}

namespace {

constexpr double kForeign = 0.05;  // of the machine's time: more disturbs

/// Seconds of CPU that other programs and the host took of all cores since the machine started; none if
/// unknown.
double foreign_seconds() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream words(line);
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0;
  words >> name >> user >> nice >> system >> idle >> wait >> irq >> softirq >> steal;
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return (user + nice + system + irq + softirq + steal) / 100.0 - seconds(own.ru_utime) -
         seconds(own.ru_stime);
}

class Bench {
 public:
  Bench(const std::string& model, const BenchOptions& options) : options_(options) {
    if (options.repeat < 1)
      base::fail(ErrorCode::kInvalidArgument, "repeat: expected at least 1, got ", options.repeat);
    const double start = base::now_ms();
    engine_ = open_engine(model, options.load);
    const double load = base::now_ms() - start;
    report_.model = engine_->info;
    report_.cpu = base::cpu_features().name;
    report_.commit = commit();
    report_.page_bytes = huge_pages() ? 2 << 20 : 4096;
    report_.stages.push_back(
        {.name = "load", .median_ms = load, .min_ms = load, .max_ms = load, .runs = 1, .disturbed = 0});
  }

  BenchReport run() {
    const bool whole = encode() && prefill() && decode() && first_token() && second_question();
    report_.peak_bytes = base::peak_resident_bytes();  // before the limits, which read half a gigabyte
    if (whole && options_.limits) measure_limits();
    return report_;
  }

 private:
  bool announce(const std::string& what) const { return !options_.on_stage || options_.on_stage(what); }

  void measure_limits() {
    if (!announce("limits of the machine")) return;
    const limits::LimitKernels* kernels = limits::find_limits(engine_->kernels->isa);
    if (!kernels) return;
    report_.limits = {.f32_gflops = limits::measure_peak(kernels->f32),
                      .bf16_gflops = limits::measure_bf16_peak(*kernels),
                      .int8_gops = limits::measure_peak(kernels->int8),
                      .read_gb_s = limits::measure_read(*kernels, engine_->pool->threads())};
    const double operations_per_ms = peak();
    const double bytes_per_ms = report_.limits.read_gb_s * 1e6;
    for (const auto& [stage, bound] : bounds_) {
      const double least =
          bound.operations > 0 ? bound.operations / operations_per_ms : bound.bytes / bytes_per_ms;
      report_.stages[stage].share = least / report_.stages[stage].median_ms;
    }
  }

  /// The rate that products of the mode can reach on all threads, operations a millisecond.
  double peak() const {
    const Mode mode = engine_->model->mode;
    const BenchLimits& l = report_.limits;
    const double one = mode == Mode::kF32 ? l.f32_gflops : mode == Mode::kBF16 ? l.bf16_gflops : l.int8_gops;
    return one * 1e6 * engine_->pool->threads();
  }

  /// What a run costs at least: one of the two.
  struct Bound {
    double operations = 0, bytes = 0;
  };

  /// `tokens`: of one run.
  template <typename Run>
  bool stage(const std::string& name, const Bound& bound, int tokens, Run run) {
    if (!announce(name)) return false;
    run();
    std::vector<double> clean, all;
    // A machine that others use gives up to three times the runs a chance.
    for (int i = 0; i < 3 * options_.repeat && static_cast<int>(clean.size()) < options_.repeat; ++i) {
      const double foreign = foreign_seconds(), start = base::now_ms();
      run();
      const double ms = base::now_ms() - start;
      const double share = (foreign_seconds() - foreign) * 1e3 / (ms * base::usable_cores());
      all.push_back(ms);
      // Ticks of 10 ms say nothing of shorter runs.
      if (share <= kForeign || ms < 200) clean.push_back(ms);
    }
    const int disturbed = static_cast<int>(all.size() - clean.size());
    std::vector<double>& times = clean.empty() ? all : clean;
    std::sort(times.begin(), times.end());
    const double median = times[times.size() / 2];
    report_.stages.push_back({.name = name,
                              .median_ms = median,
                              .min_ms = times.front(),
                              .max_ms = times.back(),
                              .runs = static_cast<int>(times.size()),
                              .disturbed = disturbed,
                              .tokens_per_s = tokens * 1e3 / median});
    if (bound.operations > 0 || bound.bytes > 0) bounds_.emplace_back(report_.stages.size() - 1, bound);
    return true;
  }

  Image picture() const {
    const int side = engine_->config().vision.crop_size;
    Image image{side, side, {}};
    for (int i = 0; i < side * side * 3; ++i)
      image.pixels.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(i) * 2654435761u >> 24));
    return image;
  }

  bool encode() {
    Runner runner(*engine_);
    const vision::VisionConfig& config = engine_->config().vision;
    vision::Encoder encoder(config, engine_->model->vision, runner.context());
    // Patches as they are: how a picture is cut differs between variants, one crop is the unit.
    const int rows = config.patches();
    std::vector<float> patches(static_cast<std::size_t>(rows) * static_cast<std::size_t>(config.patch_dim()));
    for (std::size_t i = 0; i < patches.size(); ++i) patches[i] = static_cast<float>(i % 255) / 127.5f - 1.0f;
    std::vector<float> features(static_cast<std::size_t>(rows) * static_cast<std::size_t>(config.dim));
    const int tokens = std::min(rows, config.image_tokens());
    std::vector<float> embeddings(static_cast<std::size_t>(rows) *
                                  static_cast<std::size_t>(config.proj_out_dim));
    return stage("encode", {.operations = encode_operations(config)}, 0, [&] {
      encoder.encode(patches.data(), 1, features.data());
      encoder.project(features.data(), features.data(), tokens, embeddings.data());
    });
  }

  bool prefill() {
    Runner runner(*engine_);
    const int tokens = engine_->config().vision.image_tokens();
    const std::vector<float> embeddings = some_embeddings(tokens);
    return stage("prefill", {.operations = prefill_operations(engine_->config().text, tokens + 1)},
                 tokens + 1, [&] {
                   Sequence sequence = new_sequence(*engine_, 1 + tokens);
                   runner.prefill_image(sequence, embeddings.data(), tokens);
                 });
  }

  std::vector<float> some_embeddings(int tokens) const {
    std::vector<float> values(static_cast<std::size_t>(tokens) *
                              static_cast<std::size_t>(engine_->config().text.dim));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
    return values;
  }

  bool decode() {
    Runner runner(*engine_);
    const int past =
        std::min(engine_->config().vision.image_tokens() + 31, engine_->config().text.max_context - 1);
    Sequence sequence = new_sequence(*engine_);
    const std::vector<Token> prompt(static_cast<std::size_t>(past), TextToken{some_token()});
    runner.advance(sequence, prompt, false);
    const Token token = TextToken{some_token()};
    const double bytes = decode_bytes(*engine_->model, past);
    // What fits into caches is not bound by memory.
    return stage("decode", {.bytes = bytes > 2.56e8 ? bytes : 0}, 1, [&] {
      runner.advance(sequence, std::span(&token, 1));
      sequence.cache.truncate(past);
    });
  }

  int some_token() const { return std::min(100, engine_->config().text.vocab_size - 1); }

  /// A picture in, the first token of its caption out.
  bool first_token() {
    const Image image = picture();
    return stage("first_token", {}, 0, [&] { ask(*encode_image(engine_, image, {})); });
  }

  /// Another question on a picture that is encoded.
  bool second_question() {
    const auto image = encode_image(engine_, picture(), {});
    return stage("second_question", {}, 0, [&] { ask(*image); });
  }

  void ask(const EncodedImage::Impl& image) {
    Runner runner(*engine_);
    Sequence sequence = continue_image(*engine_, image);
    const std::vector<Token> prompt(12, TextToken{some_token()});
    runner.advance(sequence, prompt);
  }

  /// Whether the kernel backs large buffers with huge pages.
  static bool huge_pages() {
    std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string text;
    std::getline(file, text);
    return text.find("[always]") != std::string::npos || text.find("[madvise]") != std::string::npos;
  }

  const BenchOptions& options_;
  std::shared_ptr<const Engine> engine_;
  BenchReport report_;
  std::vector<std::pair<std::size_t, Bound>> bounds_;  // by index of the stage
};

}  // namespace
}  // namespace moonbeam::tasks

namespace moonbeam {

BenchReport run_bench(const std::string& model, const BenchOptions& options) {
  return tasks::Bench(model, options).run();
}

}  // namespace moonbeam
