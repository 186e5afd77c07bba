// First weights of a model that starts from nothing.
#pragma once

#include <cstdint>

#include "train/twin/heads.h"
#include "train/twin/twin.h"

namespace moonbeam::train {

struct InitOptions {
  std::uint64_t seed = 0;
  float wte_std = 0.1f;
  float pos_emb_std = 0.02f;
  /// Amplitude of smooth patterns (x, y, cos and sin of 2 pi x, 2 pi y, a dimension each, spread over the
  /// width) in the position table; 0: none. Without them training on windows leaves the position unreadable
  /// in the features, and coordinates do not move (docs/design/0006-trainer.md).
  float position_patterns = 0.5f;
  float coord_features_std = 2.5f, size_features_std = 2.5f;  ///< turns of the Fourier features
};

/// Every parameter and buffer, from the seed alone: the same on every device and for any number of threads.
void initialise(Twin& twin, const InitOptions& options);
void initialise(DenseHead& head, std::uint64_t seed);
void initialise(BoxHead& head, std::uint64_t seed);

}  // namespace moonbeam::train
