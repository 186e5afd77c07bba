#include "model/packing.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/hash64.h"
#include "kernels/kernels.h"

namespace moonbeam::model {

namespace {

using tensor::kPanelColumns;
using tensor::kStripColumns;

/// Rows [first, first + count) of a matrix in f32, `out` [count, k].
void read_rows(const tensor::TensorView& view, int first, int count, int k, float* out) {
  if (tensor::is_packed(view.dtype)) {
    const tensor::PackedLayout layout = *tensor::packed_layout(view.shape, view.dtype);
    for (int r = 0; r < count; ++r)
      tensor::unpack_row(layout, view.data, first + r, out + static_cast<std::ptrdiff_t>(r) * k);
    return;
  }
  tensor::info(view.dtype).dequantize(view.row(first), out, static_cast<std::int64_t>(count) * k);
}

}  // namespace

base::Buffer<std::byte> pack_matrix(const tensor::TensorView& view, tensor::DType type,
                                    base::ThreadPool& pool) {
  const auto n = static_cast<int>(view.shape[0]), k = static_cast<int>(view.shape[1]);
  const tensor::PackedLayout layout = tensor::packed_layout(type, n, k);
  base::Buffer<std::byte> out(layout.bytes);
  tensor::PackStripFn* const pack_strip = kernels::kernels().pack_strip;
  // Rows of a strip in f32, one set a thread.
  const std::size_t rows_floats = static_cast<std::size_t>(kStripColumns) * static_cast<std::size_t>(k);
  base::Buffer<float> rows(rows_floats * static_cast<std::size_t>(pool.threads()));
  pool.parallel_for(layout.panels, [&](int panel, int thread) {
    float* own = rows.data() + rows_floats * static_cast<std::size_t>(thread);
    for (int i = 0; i < tensor::kStripsOfPanel; ++i) {
      const int strip = panel * tensor::kStripsOfPanel + i;
      const int first = strip * kStripColumns;
      const int count = std::clamp(n - first, 0, kStripColumns);
      if (count > 0) read_rows(view, first, count, k, own);
      pack_strip(layout, strip, own, count, out.data());
    }
  });
  return out;
}

base::Buffer<std::byte> convert_matrix(const tensor::TensorView& view, tensor::DType type,
                                       base::ThreadPool& pool) {
  if (tensor::is_packed(type)) return pack_matrix(view, type, pool);
  constexpr int kRows = 16;
  const auto n = static_cast<int>(view.shape[0]), k = static_cast<int>(view.shape[1]);
  const tensor::TensorView to{nullptr, type, view.shape};
  base::Buffer<std::byte> out(static_cast<std::size_t>(to.bytes()));
  const std::size_t rows_floats = static_cast<std::size_t>(kRows) * static_cast<std::size_t>(k);
  base::Buffer<float> rows(rows_floats * static_cast<std::size_t>(pool.threads()));
  pool.parallel_for((n + kRows - 1) / kRows, [&](int part, int thread) {
    float* own = rows.data() + rows_floats * static_cast<std::size_t>(thread);
    const int first = part * kRows;
    const int count = std::min(kRows, n - first);
    read_rows(view, first, count, k, own);
    tensor::info(type).quantize(own, out.data() + first * to.row_bytes(),
                                static_cast<std::int64_t>(count) * k);
  });
  return out;
}

namespace {

/// Pieces to all threads, and the hash of all. `piece` (first byte, count) gives the piece's hash.
template <typename Piece>
std::uint64_t hash_pieces(std::size_t size, base::ThreadPool& pool, Piece piece) {
  std::vector<std::uint64_t> hashes((size + base::kHashPiece - 1) / base::kHashPiece);
  pool.parallel_for(static_cast<int>(hashes.size()), [&](int index, int) {
    const std::size_t first = static_cast<std::size_t>(index) * base::kHashPiece;
    hashes[static_cast<std::size_t>(index)] = piece(first, std::min(base::kHashPiece, size - first));
  });
  return base::join_hashes(hashes);
}

}  // namespace

base::Buffer<std::byte> copy_bytes(std::span<const std::byte> bytes, base::ThreadPool& pool,
                                   std::uint64_t& sum) {
  base::Buffer<std::byte> out(bytes.size());
  sum = hash_pieces(bytes.size(), pool, [&](std::size_t first, std::size_t count) {
    std::memcpy(out.data() + first, bytes.data() + first, count);
    return base::hash_piece({out.data() + first, count});  // still in the second-level cache
  });
  return out;
}

std::uint64_t hash_bytes(std::span<const std::byte> bytes, base::ThreadPool& pool) {
  return hash_pieces(bytes.size(), pool, [&](std::size_t first, std::size_t count) {
    return base::hash_piece(bytes.subspan(first, count));
  });
}

base::Buffer<std::byte> unpack_matrix(const tensor::TensorView& view, base::ThreadPool& pool) {
  const auto n = static_cast<int>(view.shape[0]), k = static_cast<int>(view.shape[1]);
  base::Buffer<std::byte> out(static_cast<std::size_t>(view.numel()) * sizeof(float));
  auto* values = reinterpret_cast<float*>(out.data());
  pool.parallel_for((n + kPanelColumns - 1) / kPanelColumns, [&](int panel, int) {
    const int first = panel * kPanelColumns;
    read_rows(view, first, std::min(kPanelColumns, n - first), k,
              values + static_cast<std::ptrdiff_t>(first) * k);
  });
  return out;
}

}  // namespace moonbeam::model
