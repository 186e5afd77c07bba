// Products with packed weights, by their definitions in kernels.h. Activation panels hold one row after
// another.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/scalar/scalar.h"
#include "tensor/float16.h"

namespace moonbeam::kernels::scalar {
namespace {

using tensor::kInt4Group;

struct RowScale {
  float scale;
  std::int32_t zero;
};

int padded(int k) {
  return (k + tensor::kDepthStep - 1) / tensor::kDepthStep * tensor::kDepthStep;
}

std::size_t header_bytes(int rows) {
  return (static_cast<std::size_t>(rows) * sizeof(RowScale) + 63) / 64 * 64;
}

// Half to even; NaN gives `least`.
int round_to(float value, int least, int most) {
  if (!(value > static_cast<float>(least))) return least;
  if (value >= static_cast<float>(most)) return most;
  return static_cast<int>(std::nearbyint(value));
}

template <typename T>
void put(std::byte* to, std::ptrdiff_t index, T value) {
  std::memcpy(to + index * static_cast<std::ptrdiff_t>(sizeof(T)), &value, sizeof(T));
}
template <typename T>
T get(const std::byte* from, std::ptrdiff_t index) {
  T value;
  std::memcpy(&value, from + index * static_cast<std::ptrdiff_t>(sizeof(T)), sizeof(T));
  return value;
}

// Calls fn(first row, rows, panel) for each panel.
template <typename F>
void each_panel(tensor::DType type, int rows, int depth, std::byte* panels, F fn) {
  for (int first = 0; first < rows; first += kTileRows) {
    const int count = std::min(kTileRows, rows - first);
    fn(first, count, panels);
    panels += activation_bytes(type, count, depth);
  }
}

RowScale row_scale(const float* x, int k) {
  float least = 0, most = 0;
  for (int i = 0; i < k; ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
  }
  const float scale = (most - least) / 254.0f;
  const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
  return {scale, 1 - round_to(least * inverse, -254, 0)};
}

void finish(const PackedTile& tile, int r, int c, float y) {
  if (tile.bias) y += tile.bias[c];
  float* out = tile.out + r * tile.out_stride + c;
  if (tile.epilogue == Epilogue::kGelu) gelu(&y, 1);
  *out = tile.epilogue == Epilogue::kAdd ? *out + y : y;
}

std::uint16_t int4_scale(const std::byte* group, int c) {
  return get<std::uint16_t>(group + kPanel * kInt4Group / 2, c);
}
// Value i of column c of a group.
int int4_value(const std::byte* group, int c, int i) {
  const auto byte = static_cast<unsigned>(group[(i / 8 * kPanel + c) * 4 + i % 4]);
  return static_cast<int>(i % 8 < 4 ? byte & 15u : byte >> 4) - 8;
}
constexpr std::ptrdiff_t kGroupBytes = kPanel * kInt4Group / 2 + kPanel * 2;

}  // namespace

void pack_activations_int8(const float* x, std::ptrdiff_t stride, int rows, int k,
                           std::byte* panels) noexcept {
  const int depth = padded(k);
  each_panel(tensor::DType::kInt8, rows, depth, panels, [&](int first, int count, std::byte* panel) {
    for (int r = 0; r < count; ++r) {
      const float* row = x + (first + r) * stride;
      const RowScale scale = row_scale(row, k);
      const float inverse = scale.scale > 0 ? 1.0f / scale.scale : 0.0f;
      put(panel, r, scale);
      std::byte* out = panel + header_bytes(count) + static_cast<std::ptrdiff_t>(r) * depth;
      for (int i = 0; i < depth; ++i) {
        const int u = i < k ? std::clamp(round_to(row[i] * inverse, -255, 255) + scale.zero, 1, 255) : 0;
        out[i] = static_cast<std::byte>(u);
      }
    }
  });
}

void tile_int8(const PackedTile& tile) noexcept {
  for (int r = 0; r < tile.rows; ++r) {
    const RowScale scale = get<RowScale>(tile.activations, r);
    const std::byte* u =
        tile.activations + header_bytes(tile.rows) + static_cast<std::ptrdiff_t>(r) * tile.depth;
    for (int c = 0; c < tile.columns; ++c) {
      std::int32_t sum = -scale.zero * tile.sums[c];
      for (int i = 0; i < tile.depth; ++i) {
        const auto q = static_cast<std::int8_t>(
            tile.weights[(static_cast<std::ptrdiff_t>(i / 4) * kPanel + c) * 4 + i % 4]);
        sum += static_cast<int>(u[i]) * q;
      }
      finish(tile, r, c, static_cast<float>(sum) * (scale.scale * tile.scales[c]));
    }
  }
}

void pack_activations_int4(const float* x, std::ptrdiff_t stride, int rows, int k,
                           std::byte* panels) noexcept {
  const int depth = padded(k);
  each_panel(tensor::DType::kInt4, rows, depth, panels, [&](int first, int count, std::byte* panel) {
    for (int r = 0; r < count; ++r) {
      const float* row = x + (first + r) * stride;
      // A row: for each group 32 values, scale, -8 sum.
      std::byte* out = panel + static_cast<std::ptrdiff_t>(r) * (depth / kInt4Group) * (kInt4Group + 8);
      for (int begin = 0; begin < depth; begin += kInt4Group, out += kInt4Group + 8) {
        const int n = std::clamp(k - begin, 0, kInt4Group);
        float most = 0;
        for (int i = 0; i < n; ++i) most = std::max(most, std::fabs(row[begin + i]));
        const float scale = most / 127.0f;
        const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
        std::int32_t sum = 0;
        for (int i = 0; i < kInt4Group; ++i) {
          const int a = i < n ? round_to(row[begin + i] * inverse, -127, 127) : 0;
          out[i] = static_cast<std::byte>(a);
          sum += a;
        }
        put(out + kInt4Group, 0, scale);
        put(out + kInt4Group, 1, -8 * sum);
      }
    }
  });
}

void tile_int4(const PackedTile& tile) noexcept {
  for (int r = 0; r < tile.rows; ++r) {
    const std::byte* row =
        tile.activations + static_cast<std::ptrdiff_t>(r) * (tile.depth / kInt4Group) * (kInt4Group + 8);
    for (int c = 0; c < tile.columns; ++c) {
      float y = 0;
      for (int g = 0; g < tile.depth / kInt4Group; ++g) {
        const std::byte* a = row + static_cast<std::ptrdiff_t>(g) * (kInt4Group + 8);
        const std::byte* group = tile.weights + g * kGroupBytes;
        std::int32_t sum = 0;
        for (int i = 0; i < kInt4Group; ++i) sum += static_cast<std::int8_t>(a[i]) * int4_value(group, c, i);
        const float scale = get<float>(a + kInt4Group, 0) * tensor::bf16_to_f32(int4_scale(group, c));
        y = std::fma(static_cast<float>(sum), scale, y);
      }
      finish(tile, r, c, y);
    }
  }
}

void pack_activations_bf16(const float* x, std::ptrdiff_t stride, int rows, int k,
                           std::byte* panels) noexcept {
  const int depth = padded(k);
  each_panel(tensor::DType::kBF16Packed, rows, depth, panels, [&](int first, int count, std::byte* panel) {
    for (int r = 0; r < count; ++r) {
      for (int i = 0; i < depth; ++i) {
        put(panel, static_cast<std::ptrdiff_t>(r) * depth + i,
            tensor::f32_to_bf16(i < k ? x[(first + r) * stride + i] : 0.0f));
      }
    }
  });
}

void tile_bf16(const PackedTile& tile) noexcept {
  for (int r = 0; r < tile.rows; ++r) {
    for (int c = 0; c < tile.columns; ++c) {
      double sum = tile.begin > 0 ? static_cast<double>(tile.partial[r * kPanel + c]) : 0.0;
      for (int i = tile.begin; i < tile.end; ++i) {
        const float a = tensor::bf16_to_f32(
            get<std::uint16_t>(tile.activations, static_cast<std::ptrdiff_t>(r) * tile.depth + i));
        const float w = tensor::bf16_to_f32(
            get<std::uint16_t>(tile.weights, (static_cast<std::ptrdiff_t>(i / 2) * kPanel + c) * 2 + i % 2));
        sum += static_cast<double>(a) * static_cast<double>(w);
      }
      if (tile.end < tile.depth) {
        tile.partial[r * kPanel + c] = static_cast<float>(sum);
      } else {
        finish(tile, r, c, static_cast<float>(sum));
      }
    }
  }
}

void widen_int4(const std::byte* int4_panel, int depth, std::byte* panel, float* scales,
                std::int32_t* sums) noexcept {
  const int groups = depth / kInt4Group;
  for (int c = 0; c < kPanel; ++c) {
    float most = 0;
    for (int g = 0; g < groups; ++g)
      most = std::max(most, std::fabs(tensor::bf16_to_f32(int4_scale(int4_panel + g * kGroupBytes, c))));
    scales[c] = most * (8.0f / 127.0f);
    const float inverse = scales[c] > 0 ? 1.0f / scales[c] : 0.0f;
    sums[c] = 0;
    for (int g = 0; g < groups; ++g) {
      const std::byte* group = int4_panel + g * kGroupBytes;
      const int ratio =
          round_to(tensor::bf16_to_f32(int4_scale(group, c)) * inverse * 2048.0f, -32512, 32512);
      for (int i = 0; i < kInt4Group; ++i) {
        const int q = (16 * int4_value(group, c, i) * ratio + (1 << 14)) >> 15;
        panel[(static_cast<std::ptrdiff_t>(g * kInt4Group + i) / 4 * kPanel + c) * 4 + i % 4] =
            static_cast<std::byte>(q);
        sums[c] += q;
      }
    }
  }
}

}  // namespace moonbeam::kernels::scalar
