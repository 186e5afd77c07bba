// Packed products over the thread pool: activations are quantised once into panels that all threads read, a
// work unit is a panel of weights. One row and many go through the same tiles.
#include "ops/packed_linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "base/error.h"

namespace moonbeam::ops {
namespace {

using kernels::kPanel;
using tensor::DType;

constexpr int kUnitsPerThread = 16;  // so that a thread that is held up costs little
constexpr int kLeastPartRows = 96;   // of a unit: below, reading the panel of weights shows
// A longer part of a bf16 panel than this does not stay in a second-level cache of 1 MiB.
constexpr int kMostBF16Depth = 4096;
constexpr int kRowsOnCaller = 2;  // packed by the calling thread: a job of the pool costs more

int divide_up(int a, int b) {
  return (a + b - 1) / b;
}

// Activations of one input for weights of one type.
struct Input {
  const float* x;
  int k, depth;
  DType type;  // how they are packed: int4 weights are widened to int8 where rows are many
  const kernels::PackedKernels* kernels;
  std::size_t panel_bytes = 0;
  std::byte* panels = nullptr;

  std::size_t bytes(int rows) const {
    return panel_bytes * static_cast<std::size_t>(divide_up(rows, kernels->tile_rows));
  }
};

/// Up to kMostProducts things, without memory of its own: there are a hundred calls a token.
template <typename T>
class ShortList {
 public:
  void push_back(const T& value) {
    MB_ASSERT(size_ < kMostProducts);
    values_[size_++] = value;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return values_[i]; }
  const T& operator[](std::size_t i) const { return values_[i]; }
  T* begin() { return values_.data(); }
  T* end() { return values_.data() + size_; }
  const T* begin() const { return values_.data(); }
  const T* end() const { return values_.data() + size_; }

 private:
  std::array<T, kMostProducts> values_;
  std::size_t size_ = 0;
};

struct Job {
  const PackedProduct* product;
  tensor::PackedLayout layout;
  std::size_t input;
};

// Products that add into the same output are one chain: the same thread does them one after another.
struct Chain {
  ShortList<std::size_t> jobs;
  int first_panel, panels;
};

class PackedRun {
 public:
  PackedRun(Context& context, std::span<const PackedProduct> products, int rows)
      : context_(context), rows_(rows) {
    for (const PackedProduct& product : products) {
      if (product.count <= 0) continue;
      add(product);
    }
  }

  void run() {
    if (chains_.empty() || rows_ <= 0) return;
    pack();
    multiply();
  }

 private:
  void add(const PackedProduct& product) {
    const tensor::TensorView& weight = product.layer->weight;
    const Job job{&product, tensor::packed_layout(weight.dtype, product.layer->out(), product.layer->in()),
                  input_of(product)};
    const int first = product.first / kPanel;
    const int panels = divide_up(product.first + product.count, kPanel) - first;
    for (Chain& chain : chains_) {
      const PackedProduct& other = *jobs_[chain.jobs[0]].product;
      if (other.out != product.out) continue;
      MB_ASSERT(other.first == product.first && other.count == product.count);
      chain.jobs.push_back(jobs_.size());
      jobs_.push_back(job);
      return;
    }
    Chain chain{.jobs = {}, .first_panel = first, .panels = panels};
    chain.jobs.push_back(jobs_.size());
    chains_.push_back(chain);
    jobs_.push_back(job);
  }

  std::size_t input_of(const PackedProduct& product) {
    DType type = product.layer->weight.dtype;
    if (type == DType::kInt4 && rows_ > kDecodeRows) type = DType::kInt8;
    const int k = product.layer->in();
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].x == product.x && inputs_[i].type == type) return i;
    }
    Input input{.x = product.x,
                .k = k,
                .depth = tensor::packed_layout(type, kPanel, k).depth,
                .type = type,
                .kernels = &context_.kernels.packed(type)};
    input.panel_bytes = kernels::activation_bytes(type, input.kernels->tile_rows, input.depth);
    inputs_.push_back(input);
    return inputs_.size() - 1;
  }

  void pack() {
    std::size_t bytes = 0;
    for (const Input& input : inputs_) bytes += (input.bytes(rows_) + 63) / 64 * 64;
    context_.packed_rows.reserve_discard(bytes / sizeof(float));
    auto* to = reinterpret_cast<std::byte*>(context_.packed_rows.data());
    for (Input& input : inputs_) {
      input.panels = to;
      to += (input.bytes(rows_) + 63) / 64 * 64;
      if (rows_ <= kRowsOnCaller) {
        input.kernels->pack(input.x, input.k, rows_, input.k, input.panels);
        continue;
      }
      const int tile = input.kernels->tile_rows;
      context_.pool.parallel_for(divide_up(rows_, tile), [&](int panel, int) {
        const int first = panel * tile;
        input.kernels->pack(input.x + static_cast<std::ptrdiff_t>(first) * input.k, input.k,
                            std::min(tile, rows_ - first), input.k,
                            input.panels + static_cast<std::size_t>(panel) * input.panel_bytes);
      });
    }
  }

  void multiply() {
    int panels = 0, depth = 0, tile_rows = 1;
    for (const Chain& chain : chains_) panels += chain.panels;
    for (const Input& input : inputs_) {
      depth = std::max(depth, input.depth);
      tile_rows = std::lcm(tile_rows, input.kernels->tile_rows);
    }
    const int wanted = divide_up(context_.pool.threads() * kUnitsPerThread, panels);
    part_rows_ = std::max(divide_up(rows_, wanted), kLeastPartRows);
    part_rows_ = divide_up(part_rows_, tile_rows) * tile_rows;
    const int parts = divide_up(rows_, part_rows_);

    partial_floats_ = static_cast<std::size_t>(part_rows_) * kPanel;
    const std::size_t panel_floats = static_cast<std::size_t>(depth) * kPanel / sizeof(float) + 2 * kPanel;
    for (auto& scratch : context_.thread_scratch) scratch.reserve_discard(partial_floats_ + panel_floats);

    context_.pool.parallel_for(panels * parts, [&](int unit, int thread) {
      float* scratch = context_.thread_scratch[static_cast<std::size_t>(thread)].data();
      int panel = unit / parts;
      for (const Chain& chain : chains_) {
        if (panel < chain.panels) {
          for (const std::size_t job : chain.jobs)
            multiply_unit(jobs_[job], chain.first_panel + panel, unit % parts * part_rows_, scratch);
          return;
        }
        panel -= chain.panels;
      }
    });
  }

  // Rows [first_row, first_row + part_rows_) times one panel.
  void multiply_unit(const Job& job, int panel, int first_row, float* scratch) const {
    const PackedProduct& product = *job.product;
    const Input& input = inputs_[job.input];
    const std::byte* whole = product.layer->weight.data;
    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(panel) * kPanel;
    const int begin = std::max(static_cast<int>(column), product.first);
    const int end = std::min(static_cast<int>(column) + kPanel, product.first + product.count);
    const bool aside = begin > column;  // the product starts inside the panel

    kernels::PackedTile tile = {
        .activations = nullptr,
        .weights = whole + static_cast<std::size_t>(panel) * job.layout.panel,
        .scales = reinterpret_cast<const float*>(whole + job.layout.scales) + column,
        .sums = reinterpret_cast<const std::int32_t*>(whole + job.layout.sums) + column,
        .bias = product.layer->bias ? product.layer->bias + column : nullptr,
        .rows = 0,
        .columns = end - static_cast<int>(column),
        .begin = 0,
        .end = input.depth,
        .depth = input.depth,
        .partial = scratch,
        .epilogue = product.epilogue,
        .out = nullptr,
        .out_stride = aside ? kPanel : product.count,
    };
    if (job.layout.type == DType::kInt4 && input.type == DType::kInt8)
      widen(tile, input.depth, scratch + partial_floats_);

    const int rows = std::min(part_rows_, rows_ - first_row);
    const int step = input.type == DType::kBF16Packed ? kMostBF16Depth : input.depth;
    MB_ASSERT(!aside || product.epilogue == Epilogue::kStore);
    for (tile.begin = 0; tile.begin < input.depth; tile.begin = tile.end) {
      tile.end = std::min(input.depth, tile.begin + step);
      for (int r = 0; r < rows; r += input.kernels->tile_rows) {
        const int row = first_row + r;
        tile.activations =
            input.panels + static_cast<std::size_t>(row / input.kernels->tile_rows) * input.panel_bytes;
        tile.rows = std::min(input.kernels->tile_rows, rows - r);
        tile.partial = scratch + static_cast<std::ptrdiff_t>(r) * kPanel;
        float* out = product.out + static_cast<std::ptrdiff_t>(row) * product.count + (begin - product.first);
        tile.out = aside ? tile.partial : out;
        input.kernels->tile(tile);
        if (aside) copy(tile, begin - static_cast<int>(column), out, product.count);
      }
    }
  }

  void widen(kernels::PackedTile& tile, int depth, float* to) const {
    auto* panel = reinterpret_cast<std::byte*>(to);
    float* scales =
        to + static_cast<std::ptrdiff_t>(depth) * kPanel / static_cast<std::ptrdiff_t>(sizeof(float));
    auto* sums = reinterpret_cast<std::int32_t*>(scales + kPanel);
    context_.kernels.widen_int4(tile.weights, depth, panel, scales, sums);
    tile.weights = panel;
    tile.scales = scales;
    tile.sums = sums;
  }

  static void copy(const kernels::PackedTile& tile, int skip, float* out, int stride) {
    for (int r = 0; r < tile.rows; ++r) {
      std::memcpy(out + static_cast<std::ptrdiff_t>(r) * stride,
                  tile.out + static_cast<std::ptrdiff_t>(r) * kPanel + skip,
                  static_cast<std::size_t>(tile.columns - skip) * sizeof(float));
    }
  }

  Context& context_;
  int rows_;
  int part_rows_ = 0;
  std::size_t partial_floats_ = 0;
  ShortList<Input> inputs_;
  ShortList<Job> jobs_;
  ShortList<Chain> chains_;
};

}  // namespace

void multiply_packed(Context& context, std::span<const PackedProduct> products, int rows) {
  MB_ASSERT(!products.empty() && products.size() <= kMostProducts);
  PackedRun(context, products, rows).run();
}

}  // namespace moonbeam::ops
