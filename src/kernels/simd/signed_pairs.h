// Sums of int8 products where there is no instruction for four at a time: pairs in 16 bits by vpmaddubsw,
// pairs of them in 32 by vpmaddwd, one addition.
//
// vpmaddubsw of u8 and s8 saturates, but not of |w| and an s8 within +-127. The activation gets the sign of w
// by inverting its bits, which makes -a - 1 of it and can be done by any unit, where vpsignb needs the
// multipliers. What is then missing, |w| for each w < 0, is the same for all rows: the correction.
//
// `B` is a register of bytes: Register, kColumns, kRows (of a group: 2 kRows sums, 2 magnitudes, 2 signs, an
// activation and temporaries fit) and its operations.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/simd/inline.h"

namespace moonbeam::kernels::simd {

template <class B>
struct SignedPairs {
  using Register = typename B::Register;
  static constexpr std::ptrdiff_t kWordBytes = 4 * kPanel;  // of a panel for 4 bytes of k
  static constexpr int N = 2;                               // registers of columns in a pass
  static constexpr int kPassColumns = N * B::kColumns;
  static constexpr int kPassBytes = 4 * kPassColumns;  // of a word of k
  static constexpr int kPasses = kPanel / kPassColumns;
  static constexpr int kFewRows = 5;
  static constexpr int kMemoryRows =
      16;  // up to here weights are fetched from memory while rows are multiplied
  // Corrections are sums of 2 x 127 in 16 bits, so at most 128 words; 64 prepared ones are 32 KiB, of which a
  // pass reads a quarter or half.
  static constexpr int kManyWords = 64;
  static constexpr int kFewWords = 16;

  // Weights of a pass, straight from the panel.
  struct Raw {
    const std::byte* at;
    Register missing[N] = {B::zero(), B::zero()};
    MB_INLINE void take(Register (&magnitude)[N], Register (&sign)[N]) {
      each<N>([&](auto v) __attribute__((always_inline)) {
        const Register w = B::load(at + v.kValue * B::kColumns * 4);
        magnitude[v.kValue] = B::magnitude(w);
        sign[v.kValue] = B::sign(w);
        missing[v.kValue] = B::add16(missing[v.kValue], B::pairs(magnitude[v.kValue], sign[v.kValue]));
      });
      at += kWordBytes;
    }
    MB_INLINE Register correction(int v) const { return B::fours(missing[v]); }
  };

  // Magnitudes and signs of a block, made once for all rows: [kPasses][words][N magnitudes, N signs].
  struct Prepared {
    const std::byte* at;
    const std::int32_t* corrections;
    MB_INLINE void take(Register (&magnitude)[N], Register (&sign)[N]) {
      each<N>([&](auto v) __attribute__((always_inline)) {
        magnitude[v.kValue] = B::load(at + v.kValue * B::kColumns * 4);
        sign[v.kValue] = B::load(at + kPassBytes + v.kValue * B::kColumns * 4);
      });
      at += 2 * kPassBytes;
    }
    MB_INLINE Register correction(int v) const {
      return B::load(reinterpret_cast<const std::byte*>(corrections + v * B::kColumns));
    }
  };

  // Meanwhile the rows' activations for the block, `stride` bytes a word from `a` on, are fetched: they come
  // from the third-level cache, in an order that the processor does not foresee.
  template <int kWords, bool kFetched>
  MB_INLINE static void prepare(const std::byte* w, int words, std::byte* to, std::int32_t* corrections,
                                const std::byte* a, std::ptrdiff_t stride) {
    constexpr int kRegisters = kPanel / B::kColumns;
    Register missing[kRegisters];
    each<kRegisters>([&](auto v) __attribute__((always_inline)) { missing[v.kValue] = B::zero(); });
    for (; words > 0; --words, w += kWordBytes, to += 2 * kPassBytes, a += stride) {
      if constexpr (!kFetched) {
        for (std::ptrdiff_t line = 0; line < kWordBytes; line += 64) __builtin_prefetch(w + 2048 + line);
        for (std::ptrdiff_t line = 0; line < stride; line += 64) __builtin_prefetch(a + line);
      }
      each<kRegisters>([&](auto v) __attribute__((always_inline)) {
        const Register q = B::load(w + v.kValue * B::kColumns * 4);
        const Register magnitude = B::magnitude(q), sign = B::sign(q);
        std::byte* place = to + v.kValue / N * (2 * kWords * kPassBytes) + v.kValue % N * B::kColumns * 4;
        B::store(magnitude, place);
        B::store(sign, place + kPassBytes);
        missing[v.kValue] = B::add16(missing[v.kValue], B::pairs(magnitude, sign));
      });
    }
    each<kRegisters>([&](auto v) __attribute__((always_inline)) {
      B::store(B::fours(missing[v.kValue]),
               reinterpret_cast<std::byte*>(corrections + v.kValue * B::kColumns));
    });
  }

  // A pass for R rows. `a`: their words, `stride` apart; `words` is even. kFetch: kPassBytes a word from
  // `ahead` on.
  template <int R, bool kFetch, class W>
  static void pass(const std::byte* a, std::ptrdiff_t stride, W weights, int words, bool start,
                   const std::byte* ahead, std::int32_t* to) {
    Register sums[R][N];
    const auto at = [&](int r, int v) {
      return reinterpret_cast<std::byte*>(to + r * kPanel + v * B::kColumns);
    };
    each<R * N>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = i.kValue / N, v = i.kValue % N;
      sums[r][v] = start ? B::zero() : B::load(at(r, v));
    });
    for (; words > 0; words -= 2) {
      each<2>([&](auto) __attribute__((always_inline)) {
        if constexpr (kFetch) {
          for (int line = 0; line < kPassBytes; line += 64) __builtin_prefetch(ahead + line);
          ahead += kPassBytes;
        }
        Register magnitude[N], sign[N];
        weights.take(magnitude, sign);
        each<R>([&](auto r) __attribute__((always_inline)) {
          const Register row = B::broadcast(a + 4 * r.kValue);
          each<N>([&](auto v) __attribute__((always_inline)) {
            Register& sum = sums[r.kValue][v.kValue];
            const Register pairs = B::pairs(magnitude[v.kValue], B::flip(row, sign[v.kValue]));
            sum = B::add32(sum, B::fours(pairs));
            // Left to itself GCC forms all products before it adds any, and keeps sums in memory for want
            // of registers.
            B::keep(sum);
          });
        });
        a += stride;
      });
    }
    each<R * N>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = i.kValue / N, v = i.kValue % N;
      B::store(B::subtract32(sums[r][v], weights.correction(v)), at(r, v));
    });
  }

  // Rows that wait for memory: while a pass goes over its columns of a block, it fetches its share of the
  // next one in the order of addresses.
  template <int R>
  static void few(const std::byte* a, const std::byte* w, int words, int columns, std::int32_t* to) {
    for (int word = 0; word < words; word += kFewWords, a += 4 * R * kFewWords) {
      const std::byte* block = w + word * kWordBytes;
      for (int c = 0; c < columns; c += kPassColumns) {
        const std::byte* ahead = block + kFewWords * (kWordBytes + 4 * c);
        pass<R, true>(a, 4 * R, Raw{block + 4 * c}, kFewWords, word == 0, ahead, to + c);
      }
    }
  }

  template <bool kFetch>
  MB_INLINE static void group(int rows, const std::byte* a, std::ptrdiff_t stride, const Prepared& weights,
                              int words, bool start, const std::byte* ahead, std::int32_t* to) {
    with_count<B::kRows>(
        rows, [&](auto r) __attribute__((always_inline)) {
          pass<r.kValue, kFetch>(a, stride, weights, words, start, ahead, to);
        });
  }

  // Words of a panel without the zeros that k is padded with at its end; even.
  static int used_words(const std::byte* w, int words) {
    constexpr int kRegisters = kPanel / B::kColumns;
    for (; words > 2; words -= 2) {
      const std::byte* last = w + (words - 2) * kWordBytes;
      Register all = B::zero();
      each<2 * kRegisters>([&](auto v) __attribute__((always_inline)) {
        all = B::either(all, B::load(last + v.kValue * B::kColumns * 4));
      });
      if (B::any(all)) break;
    }
    return words;
  }

  // Magnitudes and signs of `kWords` words at a time serve all rows. kFetch as in few(), by the first rows.
  template <int kWords, bool kFetch>
  static void many(const std::byte* a, const std::byte* w, int words, int rows, int columns,
                   std::int32_t* to) {
    words = used_words(w, words);
    alignas(64) std::byte prepared[2 * kWords * kWordBytes];
    alignas(64) std::int32_t corrections[kPanel];
    const std::ptrdiff_t stride = 4 * static_cast<std::ptrdiff_t>(rows);
    for (int word = 0; word < words; word += kWords, a += stride * kWords) {
      const int count = words - word < kWords ? words - word : kWords;
      const std::byte* block = w + word * kWordBytes;
      prepare<kWords, kFetch>(block, count, prepared, corrections, a, stride);
      for (int c = 0; c < columns; c += kPassColumns) {
        const Prepared weights = {prepared + 2 * kWords * 4 * c, corrections + c};
        const std::byte* ahead = block + kWords * (kWordBytes + 4 * c);
        std::int32_t* sums = to + c;
        int r = 0;
        if constexpr (kFetch) {
          group<true>(rows, a, stride, weights, count, word == 0, ahead, sums);
          r = B::kRows;
        }
        for (; r < rows; r += B::kRows) {
          group<false>(rows - r, a + 4 * r, stride, weights, count, word == 0, ahead, sums + r * kPanel);
        }
      }
    }
  }

  // All columns beside each other: a row's weights come from memory, which is fastest in the order of their
  // addresses. Bytes 0 and 2, then 1 and 3 of each word become 16 bits wide where they are.
  static void one(const std::byte* a, const std::byte* w, int words, std::int32_t* to) {
    constexpr int kRegisters = kPanel / B::kColumns;
    Register sums[kRegisters];
    each<kRegisters>([&](auto v) __attribute__((always_inline)) { sums[v.kValue] = B::zero(); });
    for (; words > 0; --words, a += 4, w += kWordBytes) {
      const Register bytes = B::broadcast(a);
      const Register even = B::even(bytes), odd = B::odd(bytes);
      each<kRegisters>([&](auto v) __attribute__((always_inline)) {
        const std::byte* place = w + v.kValue * B::kColumns * 4;
        if (v.kValue * B::kColumns % 16 == 0) __builtin_prefetch(place + 2048);
        const Register q = B::load(place);
        const Register both = B::add32(B::multiply16(even, B::even(q)), B::multiply16(odd, B::odd(q)));
        sums[v.kValue] = B::add32(sums[v.kValue], both);
        B::keep(sums[v.kValue]);
      });
    }
    each<kRegisters>([&](auto v) __attribute__((always_inline)) {
      B::store(sums[v.kValue], reinterpret_cast<std::byte*>(to + v.kValue * B::kColumns));
    });
  }

  // `a`: for each of `words` 4 bytes of k, `rows` words of s8. To [rows, kPanel].
  static void sums(const std::byte* a, const std::byte* w, int words, int rows, int columns,
                   std::int32_t* to) {
    if (rows == 1) return one(a, w, words, to);
    if (rows <= kFewRows) {
      return with_count<kFewRows>(rows, [&](auto r) { few<r.kValue>(a, w, words, columns, to); });
    }
    if (rows <= kMemoryRows) return many<kFewWords, true>(a, w, words, rows, columns, to);
    many<kManyWords, false>(a, w, words, rows, columns, to);
  }
};

}  // namespace moonbeam::kernels::simd
