// Packing and unpacking of panels, in plain loops over pieces of 64 columns x 64 values that stay in the
// first-level cache. What the bytes mean is in packed.h.
#include "tensor/packed.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tensor/float16.h"

namespace moonbeam::tensor {
namespace {

constexpr float kLeast = -8, kMost = 7;  // of an int4
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

/// To the nearest whole number, half to even, within [least, most]; NaN gives `least`. Written so that
/// compilers make vectors of it: below 2^22, adding 1.5 x 2^23 leaves no bits behind the point.
int round_to(float value, float least, float most) {
  constexpr float kNoFraction = 12582912.0f;
  value = value > least ? value : least;
  value = value < most ? value : most;
  return static_cast<int>(value + kNoFraction - kNoFraction);
}

// Sixteen maxima side by side: of a single one compilers make no vectors, and each step waits for the last.
constexpr int kLanes = 16;

float largest_magnitude(const float* x, int n) {
  float most[kLanes] = {};
  const int whole = n / kLanes * kLanes;
  for (int i = 0; i < whole; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) {
      const float value = std::fabs(x[i + j]);
      most[j] = value > most[j] ? value : most[j];
    }
  }
  for (int i = whole; i < n; ++i) most[i - whole] = std::max(most[i - whole], std::fabs(x[i]));
  return *std::max_element(std::begin(most), std::end(most));
}

/// The value furthest from 0; the positive one where two are.
float furthest_from_zero(const float* x, int n) {
  float least[kLanes] = {}, most[kLanes] = {};
  const int whole = n / kLanes * kLanes;
  for (int i = 0; i < whole; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) {
      most[j] = x[i + j] > most[j] ? x[i + j] : most[j];
      least[j] = x[i + j] < least[j] ? x[i + j] : least[j];
    }
  }
  for (int i = whole; i < n; ++i) {
    most[i - whole] = std::max(most[i - whole], x[i]);
    least[i - whole] = std::min(least[i - whole], x[i]);
  }
  const float low = *std::min_element(std::begin(least), std::end(least));
  const float high = *std::max_element(std::begin(most), std::end(most));
  return -low > high ? low : high;
}

void pack_int8(const PackedLayout& layout, int panel, const float* rows, int columns, std::byte* to) {
  auto* scales =
      reinterpret_cast<float*>(to + layout.scales) + static_cast<std::ptrdiff_t>(panel) * kPanelColumns;
  auto* sums =
      reinterpret_cast<std::int32_t*>(to + layout.sums) + static_cast<std::ptrdiff_t>(panel) * kPanelColumns;
  std::byte* out = to + static_cast<std::size_t>(panel) * layout.panel;
  float inverse[kPanelColumns] = {};
  for (int c = 0; c < kPanelColumns; ++c) {
    const float most =
        c < columns ? largest_magnitude(rows + static_cast<std::ptrdiff_t>(c) * layout.k, layout.k) : 0;
    scales[c] = most / 127.0f;
    inverse[c] = scales[c] > 0 ? 1.0f / scales[c] : 0.0f;
    sums[c] = 0;
  }
  for (int begin = 0; begin < layout.depth; begin += kDepthStep) {
    const int count = std::clamp(layout.k - begin, 0, kDepthStep);
    alignas(64) std::int8_t piece[kPanelColumns][kDepthStep] = {};
    for (int c = 0; c < columns; ++c) {
      const float* x = rows + static_cast<std::ptrdiff_t>(c) * layout.k + begin;
      int sum = 0;
      for (int i = 0; i < count; ++i) {
        const int q = round_to(x[i] * inverse[c], -127.0f, 127.0f);
        piece[c][i] = static_cast<std::int8_t>(q);
        sum += q;
      }
      sums[c] += sum;
    }
    for (int i = 0; i < kDepthStep; i += 4) {
      for (int c = 0; c < kPanelColumns; ++c, out += 4) std::memcpy(out, &piece[c][i], 4);
    }
  }
}

void pack_bf16(const PackedLayout& layout, int panel, const float* rows, int columns, std::byte* to) {
  std::byte* out = to + static_cast<std::size_t>(panel) * layout.panel;
  for (int begin = 0; begin < layout.depth; begin += kDepthStep) {
    const int count = std::clamp(layout.k - begin, 0, kDepthStep);
    alignas(64) std::uint16_t piece[kPanelColumns][kDepthStep] = {};
    for (int c = 0; c < columns; ++c) {
      const float* x = rows + static_cast<std::ptrdiff_t>(c) * layout.k + begin;
      for (int i = 0; i < count; ++i) piece[c][i] = f32_to_bf16(x[i]);
    }
    for (int i = 0; i < kDepthStep; i += 2) {
      for (int c = 0; c < kPanelColumns; ++c, out += 4) std::memcpy(out, &piece[c][i], 4);
    }
  }
}

// The value that is furthest from 0 becomes -8 exactly, as in q4_0: the scale takes its sign.
std::uint16_t int4_scale(const float* x, int n) {
  return f32_to_bf16(furthest_from_zero(x, n) / kLeast);
}

void pack_int4(const PackedLayout& layout, int panel, const float* rows, int columns, std::byte* to) {
  std::byte* out = to + static_cast<std::size_t>(panel) * layout.panel;
  for (int begin = 0; begin < layout.depth; begin += kInt4Group, out += kGroupBytes) {
    const int count = std::clamp(layout.k - begin, 0, kInt4Group);
    for (int c = 0; c < kPanelColumns; ++c) {
      std::uint8_t q[kInt4Group];  // q + 8
      std::fill(std::begin(q), std::end(q), std::uint8_t{8});
      std::uint16_t scale = 0;
      if (c < columns) {
        const float* x = rows + static_cast<std::ptrdiff_t>(c) * layout.k + begin;
        scale = int4_scale(x, count);
        const float step = bf16_to_f32(scale);
        const float inverse = step != 0 ? 1.0f / step : 0.0f;
        for (int i = 0; i < count; ++i)
          q[i] = static_cast<std::uint8_t>(round_to(x[i] * inverse, kLeast, kMost) + 8);
      }
      for (int j = 0; j < 4; ++j) {
        for (int b = 0; b < 4; ++b) {
          out[(j * kPanelColumns + c) * 4 + b] = static_cast<std::byte>(q[8 * j + b] | q[8 * j + 4 + b] << 4);
        }
      }
      std::memcpy(out + kGroupNibbles + static_cast<std::size_t>(c) * 2, &scale, 2);
    }
  }
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

void pack_panel(const PackedLayout& layout, int panel, const float* rows, int columns,
                std::byte* to) noexcept {
  MB_ASSERT(panel >= 0 && panel < layout.panels && columns >= 0 && columns <= kPanelColumns);
  if (layout.type == DType::kInt8) return pack_int8(layout, panel, rows, columns, to);
  if (layout.type == DType::kInt4) return pack_int4(layout, panel, rows, columns, to);
  pack_bf16(layout, panel, rows, columns, to);
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
