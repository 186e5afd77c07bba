// The eight tile registers as the processor has them. packed_amx.h says which of them hold what.
//
// Inline assembly, because GCC's intrinsics paste the number of a tile into their text and take no template's
// parameter, and because they do not tell the compiler that they read and write memory.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/simd/inline.h"

namespace moonbeam::kernels::amx {

/// What LDTILECFG reads: shapes of the tiles.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

template <class Isa>
struct Tiles {
  // Shapes belong to the thread and stay until somebody loads others, so they are compared, which costs a few
  // cycles, and loaded (about 200, a tenth of a tile of K = 1152) only where they differ: in a thread's first
  // tile and at the last rows of a matrix. A flag of the thread would miss that another library in the same
  // thread has loaded or released tiles. They are not released: nobody here knows which tile is the last,
  // the kernel releases the tiles of a core that goes to sleep, and until then a switch of threads copies
  // 8 KiB more.
  MB_INLINE static void configure(const TileConfig& wanted) {
    TileConfig now;
    __asm__ volatile("sttilecfg %0" : "=m"(now));
    if (_mm512_cmpneq_epi64_mask(_mm512_load_si512(&now), _mm512_load_si512(&wanted)) != 0) {
      __asm__ volatile("ldtilecfg %0" : : "m"(wanted));
    }
  }

  template <int kTile>
  MB_INLINE static void zero() {
    __asm__ volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  MB_INLINE static void load(const std::byte* from, std::ptrdiff_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  MB_INLINE static void store(std::byte* to, std::ptrdiff_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  // sums += rows (u8) times columns (s8), in int32.
  template <int kSums, int kRows, int kColumns>
  MB_INLINE static void dot_bytes() {
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kRows), "i"(kColumns));
  }
  // Likewise of pairs of bf16, in f32.
  template <int kSums, int kRows, int kColumns>
  MB_INLINE static void dot_pairs() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kRows), "i"(kColumns));
  }
};

}  // namespace moonbeam::kernels::amx
