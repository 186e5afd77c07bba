// The limits of AMX: products of whole tiles on four sums, as many as a kernel keeps. Compiled with its
// flags.
#include "kernels/amx/tiles.h"
#include "kernels/simd/vec16.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits::amx {

struct Isa;
using Vec = kernels::simd::Vec16<Isa>;
using Tiles = kernels::amx::Tiles<Isa>;

constexpr int kOperations = 2 * 16 * 16 * 64;  // of bytes; half as many of bf16

template <class Product>
float tiles_loop(std::int64_t steps) {
  kernels::amx::TileConfig config;
  for (int t = 0; t < 8; ++t) {
    config.row_bytes[t] = 64;
    config.rows[t] = 16;
  }
  Tiles::configure(config);
  alignas(64) std::byte values[16 * 64] = {};
  kernels::simd::each<4>([&](auto t) __attribute__((always_inline)) {
    Tiles::zero<t.kValue>();
    Tiles::load<4 + t.kValue>(values, 64);
  });
  for (std::int64_t s = 0; s < steps; ++s) {
    kernels::simd::each<kPeakSums>([&](auto i) __attribute__((always_inline)) {
      constexpr int t = i.kValue % 4;
      Product::template dot<t, 4 + t / 2, 6 + t % 2>();
    });
  }
  Tiles::store<0>(values, 64);
  return static_cast<float>(values[0]);
}

struct Bytes {
  template <int kSums, int kA, int kB>
  MB_INLINE static void dot() {
    Tiles::dot_bytes<kSums, kA, kB>();
  }
};
struct Pairs {
  template <int kSums, int kA, int kB>
  MB_INLINE static void dot() {
    Tiles::dot_pairs<kSums, kA, kB>();
  }
};

constinit const LimitKernels kLimits = {.isa = "amx",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {tiles_loop<Pairs>, kOperations / 2},
                                        .int8 = {tiles_loop<Bytes>, kOperations},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::amx
