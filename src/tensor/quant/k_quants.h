// Blocks of 256 values that GGUF files hold: q4_k, q5_k, q6_k; only read. Little-endian; d, dmin are f16.
//   q4_k  144 bytes | d 2 | dmin 2 | s 12 | q 128           |  group g of 32: d*sc[g]*n - dmin*m[g]
//   q5_k  176 bytes | d 2 | dmin 2 | s 12 | h 32 | q 128    |  the same; bit g of h[l] is bit 4 of n
//   q6_k  210 bytes | ql 128 | qh 64 | sc 16 x i8 | d 2     |  d*sc*(n - 32), a scale for 16 values
// Groups 2p and 2p+1 take the low and the high nibbles of q[32p .. 32p+31]. s packs eight 6-bit sc and m.
#pragma once

#include "tensor/quant/legacy.h"

namespace moonbeam::tensor::quant {

template <bool kFive>
void dequantize_q45_k(const std::byte* from, float* to, std::int64_t n) noexcept {
  constexpr int kData = kFive ? 48 : 16;
  for (std::int64_t b = 0; b < n / 256; ++b, from += kData + 128, to += 256) {
    const auto at = [from](int i) { return static_cast<int>(from[i]); };
    const auto s = [&at](int i) { return at(4 + i); };
    const float d = get_f16(from), dmin = get_f16(from + 2);
    for (int g = 0; g < 8; ++g) {
      const int scale = g < 4 ? s(g) & 63 : (s(g + 4) & 15) | (s(g - 4) >> 6) << 4;
      const int minimum = g < 4 ? s(g + 4) & 63 : (s(g + 4) >> 4) | (s(g) >> 6) << 4;
      const float step = d * static_cast<float>(scale), offset = dmin * static_cast<float>(minimum);
      for (int l = 0; l < 32; ++l) {
        const int byte = at(kData + g / 2 * 32 + l);
        int level = g % 2 ? byte >> 4 : byte & 15;
        if (kFive) level |= (at(16 + l) >> g & 1) << 4;
        to[32 * g + l] = step * static_cast<float>(level) - offset;
      }
    }
  }
}

inline void dequantize_q6_k(const std::byte* from, float* to, std::int64_t n) noexcept {
  for (std::int64_t b = 0; b < n / 256; ++b, from += 210, to += 256) {
    const auto at = [from](int i) { return static_cast<int>(from[i]); };
    const float d = get_f16(from + 208);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
      const int low = at(64 * half + quarter % 2 * 32 + l) >> (quarter < 2 ? 0 : 4) & 15;
      const int high = at(128 + 32 * half + l) >> (2 * quarter) & 3;
      const auto scale = static_cast<std::int8_t>(from[192 + 8 * half + 2 * quarter + l / 16]);
      to[i] = d * static_cast<float>(scale) * static_cast<float>((low | high << 4) - 32);
    }
  }
}

}  // namespace moonbeam::tensor::quant
