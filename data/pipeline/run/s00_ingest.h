// S0: is the picture one to learn from (data.md 4.1)? Joining is the plan's.
#pragma once

#include <moonbeam/image.h>

#include <cstdint>
#include <memory>

#include "base/key_file.h"
#include "data/pipeline/stage/stage.h"

namespace moonbeam::pipeline {

/// 64 signs of the lowest frequencies of the picture's lightness against their median: equal pictures in
/// another size or quality differ in a few bits.
std::uint64_t perceptual_hash(const Image& image);

/// Keys of [S0]: least_side = 64, most_aspect = 8, least_spread = 4 (of 255, deviation of the lightness),
/// refuse = FILE (EvaluationPictures), near = 4 (bits).
/// @throws Error kInvalidArgument, kNotFound.
std::unique_ptr<Stage> make_s0(base::KeySection& keys);

}  // namespace moonbeam::pipeline
