// What every file of this folder needs before it knows an instruction set.
#pragma once

#include <cstddef>

#define MB_INLINE [[gnu::always_inline]] inline

namespace moonbeam::kernels::simd {

// A number as a type, for instructions that take it as a part of themselves.
template <int kIndex>
struct Index {
  static constexpr int kValue = kIndex;
};

// fn(Index<0>), fn(Index<1>), ... N times, unrolled.
template <int N, int kFirst = 0, class F>
MB_INLINE void each(F fn) {
  if constexpr (kFirst < N) {
    fn(Index<kFirst>{});
    each<N, kFirst + 1>(fn);
  }
}

// fn(Index<n>) of an n in 1..N that is known when the program runs.
template <int N, class F>
MB_INLINE void with_count(int n, F fn) {
  if constexpr (N > 1) {
    if (n < N) return with_count<N - 1>(n, fn);
  }
  fn(Index<N>{});
}

}  // namespace moonbeam::kernels::simd
