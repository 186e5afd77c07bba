// Linear layers over the thread pool: few rows read the weights where they lie, a row of them at a time; many
// rows pack them panel by panel. Also layer norm and embedding rows. The arithmetic is in kernels/.
#include "ops/linear.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "ops/packed_linear.h"

namespace moonbeam::ops {
namespace {

using kernels::kPanel;
using kernels::kTileRows;

// A panel of weights [kBlockK][kPanel] in f32 is 256 KiB: it stays in a 1 MiB second-level cache while the
// rows pass by. A multiple of every block of quantised values.
constexpr int kBlockK = 1024;
constexpr int kBlockRows = 256 * kTileRows;      // rows packed at a time
constexpr int kUnitRows = 128 * kTileRows;       // most rows of one work unit
constexpr int kUnitsPerThread = 8;               // so that a thread that is held up costs little
constexpr int kDotRows = 4;                      // most rows of one DotFn call
constexpr std::ptrdiff_t kDotBytes = 256 << 10;  // weights of one work unit when rows are few

int divide_up(int a, int b) {
  return (a + b - 1) / b;
}

// x [rows, k] times the n rows of `weights`.
struct Product {
  const float* x;
  int rows;
  int k;
  int n;
  const std::byte* weights;
  std::ptrdiff_t stride;  // bytes from one row of weights to the next
  tensor::DType type;
  const float* bias;  // [n] or null
  float* out;         // [rows, n]
  Epilogue epilogue;
};

float* scratch_of(Context& context, int thread) {
  return context.thread_scratch[static_cast<std::size_t>(thread)].data();
}

void reserve_scratch(Context& context, std::size_t floats) {
  for (auto& scratch : context.thread_scratch) scratch.reserve_discard(floats);
}

// `values` [rows, columns] has the finished sums of a corner of the output: activates or adds them.
void finish(const kernels::KernelTable& table, Epilogue epilogue, float* values, std::ptrdiff_t values_stride,
            int rows, int columns, float* out, std::ptrdiff_t out_stride) {
  if (epilogue == Epilogue::kStore) return;
  for (int r = 0; r < rows; ++r, values += values_stride, out += out_stride) {
    if (epilogue == Epilogue::kGelu) table.gelu(values, columns);
    if (epilogue == Epilogue::kAdd) table.add(values, out, columns);
  }
}

// Weights [first, first + count), elements [begin, begin + k) of each, in f32 one after another.
void widen(const Product& product, int first, int count, int begin, int k, float* to) {
  const tensor::DTypeInfo& type = tensor::info(product.type);
  const std::byte* from =
      product.weights + first * product.stride + static_cast<std::ptrdiff_t>(begin / type.block) * type.bytes;
  for (int c = 0; c < count; ++c, from += product.stride, to += k) type.dequantize(from, to, k);
}

// Columns [first, first + count) of a product of few rows. `scratch`: kDotRows * k floats where the type has
// no kernels, then rows * count for Epilogue::kAdd.
void dot_columns(const kernels::KernelTable& table, const Product& product, int first, int count,
                 float* scratch) {
  const kernels::WeightKernels own = table.weights(product.type);
  float* widened = scratch;
  const bool aside = product.epilogue == Epilogue::kAdd;
  float* values = aside ? scratch + (own.dot ? 0 : static_cast<std::ptrdiff_t>(kDotRows) * product.k)
                        : product.out + first;
  const std::ptrdiff_t values_stride = aside ? count : product.n;

  const int step = own.dot ? count : kDotRows;
  for (int c = 0; c < count; c += step) {
    const int columns = std::min(step, count - c);
    const std::byte* weights = product.weights + (first + c) * product.stride;
    std::ptrdiff_t stride = product.stride;
    if (!own.dot) {
      widen(product, first + c, columns, 0, product.k, widened);
      weights = reinterpret_cast<const std::byte*>(widened);
      stride = static_cast<std::ptrdiff_t>(product.k) * 4;
    }
    kernels::DotFn* dot = own.dot ? own.dot : table.f32.dot;
    for (int r = 0; r < product.rows; r += kDotRows) {
      dot(product.x + static_cast<std::ptrdiff_t>(r) * product.k, product.k,
          std::min(kDotRows, product.rows - r), weights, stride, columns, product.k,
          product.bias ? product.bias + first + c : nullptr, values + r * values_stride + c, values_stride);
    }
  }
  finish(table, product.epilogue, values, values_stride, product.rows, count, product.out + first, product.n);
}

void multiply_few(Context& context, const Product& product) {
  const auto by_bytes =
      static_cast<int>(std::clamp<std::ptrdiff_t>(kDotBytes / product.stride, kDotRows, 1 << 20));
  const int by_threads = divide_up(product.n, context.pool.threads() * kUnitsPerThread);
  // Whole groups of output rows, so that none but the last unit has a tail.
  const int columns = divide_up(std::min(by_bytes, by_threads), kDotRows) * kDotRows;

  reserve_scratch(context, static_cast<std::size_t>(kDotRows) * product.k +
                               static_cast<std::size_t>(product.rows) * columns);
  context.pool.parallel_for(divide_up(product.n, columns), [&](int unit, int thread) {
    const int first = unit * columns;
    dot_columns(context.kernels, product, first, std::min(columns, product.n - first),
                scratch_of(context, thread));
  });
}

// Scratch of one thread for many rows, in floats from its start.
struct PanelScratch {
  float* panel;    // [kBlockK][kPanel]
  float* widened;  // [kPanel][kBlockK] where the type has no kernels
  float* values;   // [kUnitRows][kPanel] for Epilogue::kAdd
  static constexpr std::size_t kFloats = static_cast<std::size_t>(2 * kBlockK + kUnitRows) * kPanel;
  explicit PanelScratch(float* start)
      : panel(start), widened(start + kBlockK * kPanel), values(start + 2 * kBlockK * kPanel) {}
};

void pack_weights(const kernels::KernelTable& table, const Product& product, int first, int columns,
                  int begin, int k, const PanelScratch& scratch) {
  if (const kernels::WeightKernels own = table.weights(product.type); own.pack_panel) {
    const tensor::DTypeInfo& type = tensor::info(product.type);
    own.pack_panel(product.weights + first * product.stride + static_cast<std::ptrdiff_t>(begin) * type.bytes,
                   product.stride, columns, k, scratch.panel);
    return;
  }
  widen(product, first, columns, begin, k, scratch.widened);
  table.f32.pack_panel(reinterpret_cast<const std::byte*>(scratch.widened),
                       static_cast<std::ptrdiff_t>(k) * 4, columns, k, scratch.panel);
}

// Rows packed for a product: blocks of k one after another, in each the panels [k of the block][kTileRows],
// so that a work unit reads its rows in one forward stream.
struct PackedRows {
  float* data;
  int rows;  // whole panels

  float* panel(int row, int begin, int k) const {
    return data + static_cast<std::ptrdiff_t>(begin) * rows + static_cast<std::ptrdiff_t>(row) * k;
  }
};

// One panel of output columns, rows [first_row, first_row + rows) of `packed`.
void multiply_unit(const kernels::KernelTable& table, const Product& product, const PackedRows& packed,
                   int first_row, int rows, int first, const PanelScratch& scratch) {
  const int columns = std::min(kPanel, product.n - first);
  const bool aside = product.epilogue == Epilogue::kAdd;
  float* out = product.out + static_cast<std::ptrdiff_t>(first_row) * product.n + first;
  float* values = aside ? scratch.values : out;
  const std::ptrdiff_t stride = aside ? kPanel : product.n;
  const float* bias = product.bias ? product.bias + first : nullptr;

  for (int begin = 0; begin < product.k; begin += kBlockK) {
    const int k = std::min(kBlockK, product.k - begin);
    pack_weights(table, product, first, columns, begin, k, scratch);
    for (int r = 0; r < rows; r += kTileRows) {
      const int tile_rows = std::min(kTileRows, rows - r);
      float* to = values + r * stride;
      table.tile(packed.panel(first_row + r, begin, k), scratch.panel, k, tile_rows, columns, bias, begin > 0,
                 to, stride);
      if (begin + k == product.k) {
        finish(table, product.epilogue, to, stride, tile_rows, columns,
               out + static_cast<std::ptrdiff_t>(r) * product.n, product.n);
      }
    }
  }
}

void pack(Context& context, const Product& product, const PackedRows& packed) {
  constexpr int kUnit = 4 * kTileRows;
  context.pool.parallel_for(divide_up(product.rows, kUnit), [&](int unit, int) {
    const int first = unit * kUnit;
    for (int begin = 0; begin < product.k; begin += kBlockK) {
      const int k = std::min(kBlockK, product.k - begin);
      context.kernels.pack_rows(product.x + static_cast<std::ptrdiff_t>(first) * product.k + begin, product.k,
                                std::min(kUnit, product.rows - first), k, packed.panel(first, begin, k));
    }
  });
}

// At most kBlockRows rows.
void multiply_block(Context& context, const Product& product) {
  const PackedRows packed = {context.packed_rows.data(), divide_up(product.rows, kTileRows) * kTileRows};
  pack(context, product, packed);

  const int panels = divide_up(product.n, kPanel);
  // Rows are split too where panels are few, but not below 8 tiles: each part packs the panel for itself.
  const int wanted = divide_up(context.pool.threads() * kUnitsPerThread, panels);
  const int part_rows =
      std::clamp(divide_up(divide_up(product.rows, wanted), kTileRows) * kTileRows, 8 * kTileRows, kUnitRows);
  const int parts = divide_up(product.rows, part_rows);
  context.pool.parallel_for(panels * parts, [&](int unit, int thread) {
    const int first_row = unit % parts * part_rows;
    multiply_unit(context.kernels, product, packed, first_row, std::min(part_rows, product.rows - first_row),
                  unit / parts * kPanel, PanelScratch(scratch_of(context, thread)));
  });
}

void multiply_many(Context& context, const Product& product) {
  const int block = std::min(divide_up(product.rows, kTileRows) * kTileRows, kBlockRows);
  context.packed_rows.reserve_discard(static_cast<std::size_t>(block) * product.k);
  reserve_scratch(context, PanelScratch::kFloats);
  for (int first = 0; first < product.rows; first += kBlockRows) {
    Product part = product;
    part.rows = std::min(kBlockRows, product.rows - first);
    part.x += static_cast<std::ptrdiff_t>(first) * product.k;
    part.out += static_cast<std::ptrdiff_t>(first) * product.n;
    multiply_block(context, part);
  }
}

void multiply(Context& context, const Product& product) {
  MB_ASSERT(tensor::info(product.type).dequantize);
  if (product.rows <= 0 || product.n <= 0) return;
  product.rows <= kDecodeRows ? multiply_few(context, product) : multiply_many(context, product);
}

}  // namespace

void linear(Context& context, const float* x, int rows, const Linear& layer, float* out, Epilogue epilogue) {
  if (tensor::is_packed(layer.weight.dtype)) {
    const PackedProduct product = {x, &layer, 0, layer.out(), out, epilogue};
    return multiply_packed(context, {&product, 1}, rows);
  }
  multiply(context, {.x = x,
                     .rows = rows,
                     .k = layer.in(),
                     .n = layer.out(),
                     .weights = layer.weight.data,
                     .stride = layer.weight.row_bytes(),
                     .type = layer.weight.dtype,
                     .bias = layer.bias,
                     .out = out,
                     .epilogue = epilogue});
}

void linear(Context& context, std::span<const LinearTask> tasks, int rows) {
  const bool packed = std::all_of(tasks.begin(), tasks.end(), [](const LinearTask& task) {
    return tensor::is_packed(task.layer->weight.dtype);
  });
  if (!packed) {
    for (const LinearTask& task : tasks) linear(context, task.x, rows, *task.layer, task.out, task.epilogue);
    return;
  }
  for (; !tasks.empty(); tasks = tasks.subspan(std::min(tasks.size(), kMostProducts))) {
    std::array<PackedProduct, kMostProducts> products;
    const std::size_t count = std::min(tasks.size(), kMostProducts);
    for (std::size_t i = 0; i < count; ++i) {
      const LinearTask& task = tasks[i];
      products[i] = {task.x, task.layer, 0, task.layer->out(), task.out, task.epilogue};
    }
    multiply_packed(context, std::span(products).first(count), rows);
  }
}

void linear_rows(Context& context, const float* x, int rows, const Linear& layer, int first, int count,
                 float* out) {
  MB_ASSERT(first >= 0 && count >= 0 && first + count <= layer.out());
  if (tensor::is_packed(layer.weight.dtype)) {
    const PackedProduct product = {x, &layer, first, count, out, Epilogue::kStore};
    return multiply_packed(context, {&product, 1}, rows);
  }
  multiply(context, {.x = x,
                     .rows = rows,
                     .k = layer.in(),
                     .n = count,
                     .weights = layer.weight.row(first),
                     .stride = layer.weight.row_bytes(),
                     .type = layer.weight.dtype,
                     .bias = layer.bias ? layer.bias + first : nullptr,
                     .out = out,
                     .epilogue = Epilogue::kStore});
}

void layer_norm(Context& context, const float* x, int rows, const Norm& norm, float* out) {
  constexpr int kRows = 16;  // of a work unit
  context.pool.parallel_for(divide_up(rows, kRows), [&](int unit, int) {
    const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(unit) * kRows * norm.width;
    context.kernels.layer_norm(x + start, norm.weight, norm.bias, out + start,
                               std::min(kRows, rows - unit * kRows), norm.width, norm.eps);
  });
}

void embedding_row(const tensor::TensorView& table, int index, float* out) {
  MB_ASSERT(index >= 0 && index < table.shape[0]);
  if (tensor::is_packed(table.dtype)) {
    return tensor::unpack_row(*tensor::packed_layout(table.shape, table.dtype), table.data, index, out);
  }
  tensor::info(table.dtype).dequantize(table.row(index), out, table.numel() / table.shape[0]);
}

}  // namespace moonbeam::ops
