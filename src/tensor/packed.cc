// Sizes of packed matrices, packing by the instruction set that every processor has, unpacking. What the
// bytes mean is in packed.h.
#include "tensor/packed.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "tensor/float16.h"
#include "tensor/packed_loops.h"

namespace moonbeam::tensor {
namespace {

constexpr std::size_t kGroupNibbles =
    kPanelColumns * kInt4Group / 2;  // bytes of a panel's group without scales
constexpr std::size_t kGroupBytes = kGroupNibbles + kPanelColumns * 2;

constexpr int round_up(int value, int to) {
  return (value + to - 1) / to * to;
}

std::size_t panel_bytes(DType type, int depth) {
  const auto k = static_cast<std::size_t>(depth);
  if (type == DType::kInt8) return kPanelColumns * k;
  if (type == DType::kBF16Packed) return kPanelColumns * k * 2;
  return k / kInt4Group * kGroupBytes;
}

void unpack_int8(const PackedLayout& layout, const std::byte* panel, const std::byte* whole, int row,
                 float* out) {
  float scale;
  std::memcpy(&scale, whole + layout.scales + static_cast<std::size_t>(row) * 4, 4);
  const int c = row % kPanelColumns;
  for (int i = 0; i < layout.k; ++i) {
    const std::byte q = panel[(static_cast<std::ptrdiff_t>(i / 4) * kPanelColumns + c) * 4 + i % 4];
    out[i] = scale * static_cast<float>(static_cast<std::int8_t>(q));
  }
}

void unpack_bf16(const PackedLayout& layout, const std::byte* panel, int c, float* out) {
  for (int i = 0; i < layout.k; ++i) {
    std::uint16_t value;
    std::memcpy(&value, panel + (static_cast<std::ptrdiff_t>(i / 2) * kPanelColumns + c) * 4 + i % 2 * 2, 2);
    out[i] = bf16_to_f32(value);
  }
}

void unpack_int4(const PackedLayout& layout, const std::byte* panel, int c, float* out) {
  for (int i = 0; i < layout.k; ++i) {
    const std::byte* group = panel + static_cast<std::size_t>(i / kInt4Group) * kGroupBytes;
    std::uint16_t scale;
    std::memcpy(&scale, group + kGroupNibbles + static_cast<std::size_t>(c) * 2, 2);
    const int at = i % kInt4Group;
    const auto byte = static_cast<unsigned>(group[(at / 8 * kPanelColumns + c) * 4 + at % 4]);
    const int q = static_cast<int>(at % 8 < 4 ? byte & 15u : byte >> 4) - 8;
    out[i] = bf16_to_f32(scale) * static_cast<float>(q);
  }
}

}  // namespace

PackedLayout packed_layout(DType type, int n, int k) noexcept {
  MB_ASSERT(is_packed(type) && n >= 0 && k >= 0);
  PackedLayout layout{.type = type, .n = n, .k = k};
  layout.depth = round_up(k, kDepthStep);
  layout.panels = (n + kPanelColumns - 1) / kPanelColumns;
  layout.panel = panel_bytes(type, layout.depth);
  layout.bytes = layout.panel * static_cast<std::size_t>(layout.panels);
  if (type == DType::kInt8) {
    const std::size_t side = static_cast<std::size_t>(layout.panels) * kPanelColumns * 4;
    layout.scales = layout.bytes;
    layout.sums = layout.scales + side;
    layout.bytes = layout.sums + side;
  }
  return layout;
}

std::optional<PackedLayout> packed_layout(const Shape& shape, DType type) noexcept {
  // Far above any matrix of a model, and small enough that no size of the layout overflows.
  constexpr std::int64_t kMostSide = std::int64_t{1} << 28;
  if (shape.rank() != 2) return std::nullopt;
  for (const std::int64_t side : shape.dims()) {
    if (side < 0 || side > kMostSide) return std::nullopt;
  }
  return packed_layout(type, static_cast<int>(shape[0]), static_cast<int>(shape[1]));
}

void pack_strip(const PackedLayout& layout, int strip, const float* rows, int columns,
                std::byte* to) noexcept {
  struct Baseline;
  PackLoops<4, Baseline>::pack_strip(layout, strip, rows, columns, to);
}

void pack_panel(const PackedLayout& layout, int panel, const float* rows, int columns,
                std::byte* to) noexcept {
  for (int i = 0; i < kStripsOfPanel; ++i) {
    pack_strip(layout, panel * kStripsOfPanel + i,
               rows + static_cast<std::ptrdiff_t>(i) * kStripColumns * layout.k,
               std::clamp(columns - i * kStripColumns, 0, kStripColumns), to);
  }
}

void unpack_row(const PackedLayout& layout, const std::byte* from, int row, float* out) noexcept {
  MB_ASSERT(row >= 0 && row < layout.n);
  const std::byte* panel = from + static_cast<std::size_t>(row / kPanelColumns) * layout.panel;
  const int column = row % kPanelColumns;
  if (layout.type == DType::kInt8) return unpack_int8(layout, panel, from, row, out);
  if (layout.type == DType::kInt4) return unpack_int4(layout, panel, column, out);
  unpack_bf16(layout, panel, column, out);
}

}  // namespace moonbeam::tensor
