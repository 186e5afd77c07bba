// The fixed-point weights of one resampling pass (model.md 2.2): which inputs an output mixes, and how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/resize.h"

namespace moonbeam::image {

inline constexpr int kWeightBits = 22;

/// Output x mixes inputs first[x] .. first[x] + count[x] - 1 with weights[x * taps ...], in units of 2^-22.
struct ResampleWeights {
  int taps = 0;  ///< largest count
  std::vector<int> first;
  std::vector<int> count;
  std::vector<std::int32_t> weights;  ///< [outputs, taps], zero past count

  const std::int32_t* row(int x) const { return weights.data() + static_cast<std::size_t>(x) * taps; }
};

ResampleWeights make_resample_weights(int inputs, int outputs, Filter filter);

/// A sum of pixel times weight -> byte.
inline std::uint8_t round_sum(std::int32_t sum) {
  const std::int32_t value = (sum + (1 << (kWeightBits - 1))) >> kWeightBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

}  // namespace moonbeam::image
