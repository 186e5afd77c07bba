// Times the products and the attention of a model's shapes, as the forward pass calls them: packing, bias and
// stores included, and compares sampled elements with sums in double.
//
//   bench_kernels [--isa NAME] [--threads N] [--runs N] [--only gemm|dot|attention] [--type NAME] [SHAPES]
//
// One thread is timed in CPU seconds, several in wall time. Decode weights rotate through more memory than
// the caches hold.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/machine.h"
#include "gate.h"
#include "measure.h"
#include "ops/attention.h"
#include "ops/linear.h"
#include "tensor/float16.h"
#include "tensor/packed.h"

namespace moonbeam::bench {
namespace {

using tensor::DType;

struct Options {
  std::string isa;
  int threads = 1;
  int runs = 5;
  std::string only;
  std::string type;  // of weights: f32, bf16, int8, int4, bf16_packed
  std::string gate;  // file to compare with
  bool print_gate = false;
  std::string shapes = MOONBEAM_SOURCE_DIR "/bench/shapes/moondream2.txt";
};

struct Run {
  const Options& options;
  ops::Context& context;
  base::Buffer<std::byte>& weights;  // kWeightBytes of one type
  DType type;
  const LimitKernels* limits;  // null for scalar
  double peak;                 // GFLOP/s of all threads, f32
  double bf16_peak;            // likewise
  double int8_peak;            // GOP/s
  double read;                 // GB/s
  const Gate& gate;
  Report& report;
};

constexpr std::size_t kWeightBytes = std::size_t{640} << 20;

float random_value(std::uint64_t i) {
  i = (i + 1) * 0x9e3779b97f4a7c15u;
  i = (i ^ (i >> 29)) * 0xbf58476d1ce4e5b9u;
  return static_cast<float>(i >> 40) / 16777216.0f - 0.5f;
}

base::Buffer<float> random_floats(std::size_t n) {
  base::Buffer<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = random_value(i);
  return values;
}

base::Buffer<std::byte> random_weights(DType type) {
  base::Buffer<std::byte> weights(kWeightBytes);
  const std::size_t size = static_cast<std::size_t>(tensor::info(type).bytes);
  for (std::size_t i = 0; i < kWeightBytes / size; ++i) {
    const float value = random_value(i);
    const std::uint16_t half = tensor::f32_to_bf16(value);
    std::memcpy(weights.data() + i * size, type == DType::kF32 ? static_cast<const void*>(&value) : &half,
                size);
  }
  return weights;
}

// A packed matrix [n, k] at `to`, all of its panels the same.
void put_packed(DType type, int n, int k, std::byte* to) {
  const tensor::PackedLayout one = tensor::packed_layout(type, tensor::kPanelColumns, k);
  const tensor::PackedLayout all = tensor::packed_layout(type, n, k);
  base::Buffer<std::byte> panel(one.bytes);
  const base::Buffer<float> rows = random_floats(static_cast<std::size_t>(k) * tensor::kPanelColumns);
  tensor::pack_panel(one, 0, rows.data(), tensor::kPanelColumns, panel.data());
  constexpr std::size_t kSide = tensor::kPanelColumns * 4;  // bytes of scales or sums
  for (int p = 0; p < all.panels; ++p) {
    const auto at = static_cast<std::size_t>(p);
    std::memcpy(to + at * all.panel, panel.data(), one.panel);
    if (type != DType::kInt8) continue;
    std::memcpy(to + all.scales + at * kSide, panel.data() + one.scales, kSide);
    std::memcpy(to + all.sums + at * kSide, panel.data() + one.sums, kSide);
  }
}

// As many copies of a packed matrix as fit.
void fill_packed(base::Buffer<std::byte>& weights, DType type, int n, int k) {
  const std::size_t bytes = tensor::packed_layout(type, n, k).bytes;
  put_packed(type, n, k, weights.data());
  for (std::size_t at = bytes; at + bytes <= weights.size(); at += bytes)
    std::memcpy(weights.data() + at, weights.data(), bytes);
}

void weights_row(const tensor::TensorView& weight, int n, int k, int row, float* to) {
  if (tensor::is_packed(weight.dtype)) {
    tensor::unpack_row(tensor::packed_layout(weight.dtype, n, k), weight.data, row, to);
  } else {
    tensor::info(weight.dtype).dequantize(weight.row(row), to, k);
  }
}

// Largest deviation of a sum whose products' squares add up to `squares`, its weights' to `weight_squares`:
// f32 rounds each step, bf16 each activation by 2^-9, int8 and int4 by half a step of 1 / 254 (activations
// lie within +-0.5); six times the root of what they add up to.
double tolerance(DType type, int k, double squares, double weight_squares) {
  const double rounding = 1.2e-7 * (8 + std::sqrt(k)) * std::sqrt(squares);
  if (!tensor::is_packed(type)) return rounding;
  if (type == DType::kBF16Packed) return rounding + 6 * 0.0012 * std::sqrt(squares);
  return rounding + 6 * (1.0 / 254 / std::sqrt(12)) * std::sqrt(weight_squares);
}

// Elements here and there of x wT + bias against sums in double.
void check(const float* x, int rows, const ops::Linear& layer, const float* out) {
  const int k = layer.in();
  const int n = layer.out();
  std::vector<float> w(static_cast<std::size_t>(k));
  for (int s = 0; s < 16; ++s) {
    const int r = static_cast<int>(static_cast<std::int64_t>(rows - 1) * s / 15);
    const int c = static_cast<int>(static_cast<std::int64_t>(n - 1) * (15 - s) / 15);
    weights_row(layer.weight, n, k, c, w.data());
    double sum = layer.bias[c];
    double squares = sum * sum, weight_squares = 0;
    for (int i = 0; i < k; ++i) {
      const double weight = w[static_cast<std::size_t>(i)];
      const double product = static_cast<double>(x[static_cast<std::ptrdiff_t>(r) * k + i]) * weight;
      sum += product;
      squares += product * product;
      weight_squares += weight * weight;
    }
    const double got = out[static_cast<std::ptrdiff_t>(r) * n + c];
    if (!(std::abs(got - sum) <= tolerance(layer.weight.dtype, k, squares, weight_squares))) {
      base::fail(ErrorCode::kInvalidArgument, "bench_kernels: element [", r, ",", c, "]: expected ", sum,
                 ", got ", got);
    }
  }
}

// What limits a product of many rows.
struct Ceiling {
  double rate;  // of all threads, GFLOP/s or GOP/s
  Peak beside;  // the instruction, to be timed beside the product; none where that runs on several threads
};

// Of the arithmetic that such products take: int4 is widened to int8.
Ceiling ceiling_of(const Run& run) {
  static constexpr LimitKernels kNone = {};
  const LimitKernels& limits = run.limits && run.options.threads == 1 ? *run.limits : kNone;
  if (run.type == DType::kBF16Packed) return {run.bf16_peak, limits.bf16.run ? limits.bf16 : limits.f32};
  if (tensor::is_packed(run.type)) return {run.int8_peak, limits.int8};
  return {run.peak, limits.f32};
}

void bench_product(const Run& run, const std::string& kind, int m, int k, int n) {
  const base::Buffer<float> x = random_floats(static_cast<std::size_t>(m) * k);
  const base::Buffer<float> bias = random_floats(static_cast<std::size_t>(n));
  base::Buffer<float> out(static_cast<std::size_t>(m) * n);
  if (tensor::is_packed(run.type)) fill_packed(run.weights, run.type, n, k);
  ops::Linear layer = {{run.weights.data(), run.type, {n, k}}, bias.data()};
  const std::int64_t bytes = layer.weight.bytes();
  const auto places = static_cast<std::int64_t>(kWeightBytes) / bytes;
  std::int64_t place = 0;
  const auto product = [&] {
    if (kind == "dot") layer.weight.data = run.weights.data() + (place++ % places) * bytes;
    ops::linear(run.context, x.data(), m, layer, out.data());
  };
  const std::string what = base::cat(kind, " ", tensor::info(run.type).name, " ", m, " x ", k, " x ", n);
  const std::string isa(run.context.kernels.isa);
  const double work = 2e-9 * m * k * n;
  const auto [rate, beside] = ceiling_of(run);
  if (kind == "gemm" && beside.run) {
    PairedTimes times = measure_paired(run.options.runs, beside, work, product);
    const auto is_open = [&] { return run.options.print_gate || !run.gate.holds(what, isa, times.share); };
    for (int i = 0; i < Gate::kRepeats && is_open(); ++i) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      const PairedTimes again = measure_paired(run.options.runs, beside, work, product);
      if (again.share > times.share) times = again;
    }
    run.report.add(what, isa, 1, times, work, "GFLOP/s", rate);
  } else {
    const Times times = measure(run.options.runs, run.options.threads > 1, product);
    if (kind == "gemm") {
      run.report.add(what, isa, run.options.threads, times, work, "GFLOP/s", rate);
    } else {
      run.report.add(what, isa, run.options.threads, times, 1e-9 * static_cast<double>(bytes), "GB/s",
                     run.read);
    }
  }
  check(x.data(), m, layer, out.data());
}

// Rows against keys in the order of the forward pass, with and without the storing of the keys.
template <class Block, class View, class Element>
void bench_attention(const Run& run, int rows, int keys, int heads, int width, std::size_t k_size,
                     std::size_t v_size) {
  constexpr bool kHalf = sizeof(Element) == 2;
  const int stride = heads * width;
  const base::Buffer<float> q = random_floats(static_cast<std::size_t>(rows) * stride);
  const base::Buffer<float> kv = random_floats(static_cast<std::size_t>(keys) * stride);
  base::Buffer<float> out(q.size());
  const int count = (keys + kernels::kKeyBlock - 1) / kernels::kKeyBlock;
  // Rows of a decode step read their keys from memory: as many copies as the caches do not hold.
  const std::size_t size = (k_size + v_size) * static_cast<std::size_t>(count);
  const std::size_t copies = rows == 1 ? (std::size_t{256} << 20) / (size * sizeof(Element)) + 1 : 1;
  base::Buffer<Element> memory(size * copies);
  std::vector<std::vector<Block>> to(copies);
  std::vector<std::vector<View>> blocks(copies);
  const ops::NewKeys new_keys = {kv.data(), kv.data(), stride, keys, 0};
  for (std::size_t c = 0; c < copies; ++c) {
    for (int b = 0; b < count; ++b) {
      Element* k = memory.data() + c * size + static_cast<std::size_t>(b) * (k_size + v_size);
      to[c].push_back({k, k + k_size});
      blocks[c].push_back({k, k + k_size});
    }
    ops::store_keys_values(run.context, new_keys, heads, width, std::span<const Block>(to[c]));
  }
  const std::vector<int> visible(static_cast<std::size_t>(rows), keys);
  ops::AttentionTask task = {.q = q.data(),
                             .q_stride = stride,
                             .rows = rows,
                             .visible = visible.data(),
                             .out = out.data(),
                             .out_stride = stride};
  std::size_t copy = 0;
  const auto next = [&] {
    const auto& views = blocks[copy++ % copies];
    if constexpr (kHalf) {
      task.blocks16 = views;
    } else {
      task.blocks = views;
    }
  };
  const float scale = 1 / std::sqrt(static_cast<float>(width));
  const std::string isa(run.context.kernels.isa);
  const double peak = kHalf ? run.bf16_peak : run.peak;
  const std::string what =
      base::cat(kHalf ? "attention bf16 " : "attention f32 ", rows, " x ", keys, " x ", heads, " x ", width);
  const Times times = measure(run.options.runs, run.options.threads > 1, [&] {
    next();
    ops::attention(run.context, {&task, 1}, heads, width, scale);
  });
  if (rows == 1) {
    run.report.add(what, isa, run.options.threads, times,
                   2e-9 * keys * stride * static_cast<double>(sizeof(Element)), "GB/s", run.read);
    return;
  }
  const double work = 4e-9 * rows * keys * heads * width;
  run.report.add(what, isa, run.options.threads, times, work, "GFLOP/s", peak);
  const Times stored = measure(run.options.runs, run.options.threads > 1, [&] {
    next();
    ops::attention(run.context, {&task, 1}, heads, width, scale, [&](int, int head) {
      ops::store_head(run.context.kernels, new_keys, head, width, std::span<const Block>(to[0]));
    });
  });
  run.report.add(what + " stored", isa, run.options.threads, stored, work, "GFLOP/s", peak);
}

void bench_attention(const Run& run, int rows, int keys, int heads, int width) {
  const std::size_t size = ops::block_elements(heads, width);
  bench_attention<kernels::MutableKeyBlock, kernels::KeyBlock, float>(run, rows, keys, heads, width, size,
                                                                      size);
  bench_attention<kernels::MutableKeyBlock16, kernels::KeyBlock16, std::uint16_t>(
      run, rows, keys, heads, width, ops::key_elements16(heads, width), ops::value_elements16(heads, width));
}

void bench_shapes(const Run& run) {
  std::ifstream file(run.options.shapes);
  if (!file) base::fail(ErrorCode::kNotFound, run.options.shapes, ": cannot be read");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind;
    int a = 0, b = 0, c = 0, d = 0;
    words >> kind >> a >> b >> c >> d;
    if (kind.empty() || kind[0] == '#' || (!run.options.only.empty() && kind != run.options.only)) continue;
    if (kind == "attention") {
      if (run.type == DType::kF32) bench_attention(run, a, b, c, d);
    } else if (run.type != DType::kBF16 || kind == "dot" || run.options.only == "gemm") {
      bench_product(run, kind, a, b, c);
    }
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--isa" && has_value) {
      options.isa = argv[++i];
    } else if (word == "--threads" && has_value) {
      options.threads = std::atoi(argv[++i]);
    } else if (word == "--runs" && has_value) {
      options.runs = std::atoi(argv[++i]);
    } else if (word == "--only" && has_value) {
      options.only = argv[++i];
    } else if (word == "--type" && has_value) {
      options.type = argv[++i];
    } else if (word == "--gate" && has_value) {
      options.gate = argv[++i];
    } else if (word == "--print-gate") {
      options.print_gate = true;
    } else if (word[0] != '-') {
      options.shapes = word;
    } else {
      base::fail(ErrorCode::kInvalidArgument, "bench_kernels: unknown option ", word);
    }
  }
  return options;
}

// True if the gate holds, or there is none.
bool run_all(const Options& options) {
  Report report;
  const Gate gate = options.gate.empty() ? Gate() : Gate(options.gate);
  base::ThreadPool pool(options.threads);
  std::printf("%s, %d threads, %s\n", base::cpu_features().name.c_str(), options.threads,
              options.threads == 1 ? "CPU time" : "wall time");
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    const LimitKernels* limits = find_limits(table->isa);
    if (options.isa.empty() ? !limits : table->isa != options.isa) continue;
    const double peak = limits ? measure_peak(limits->f32) * options.threads : 0;
    const double bf16_peak = limits ? measure_bf16_peak(*limits) * options.threads : 0;
    const double int8_peak = limits && limits->int8.run ? measure_peak(limits->int8) * options.threads : 0;
    const double read = limits ? measure_read(*limits, options.threads) : 0;
    std::printf("%s: peak %.1f GFLOP/s, bf16 %.1f, int8 %.1f GOP/s, read %.1f GB/s\n",
                std::string(table->isa).c_str(), peak, bf16_peak, int8_peak, read);
    for (DType type : {DType::kF32, DType::kBF16, DType::kInt8, DType::kInt4, DType::kBF16Packed}) {
      if (!options.type.empty() && options.type != tensor::info(type).name) continue;
      ops::Context context(pool, *table);
      base::Buffer<std::byte> weights =
          tensor::is_packed(type) ? base::Buffer<std::byte>(kWeightBytes) : random_weights(type);
      bench_shapes({options, context, weights, type, limits, peak, bf16_peak, int8_peak, read, gate, report});
    }
  }
  report.print_json();
  if (options.print_gate) print_gate(report);
  return options.gate.empty() || gate.holds(report);
}

}  // namespace
}  // namespace moonbeam::bench

int main(int argc, char** argv) {
  try {
    return moonbeam::bench::run_all(moonbeam::bench::parse(argc, argv)) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
