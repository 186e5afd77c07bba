// How far a model in some mode is from the same weights in f32, stage by stage: both are run on the same
// fixed inputs, one after the other, so that only one of them is in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <moonbeam/image.h>
#include <moonbeam/weights.h>

#include "tasks/engine.h"

namespace moonbeam::tasks {

/// Drawn shapes on a background with noise, the same on every machine.
Image accuracy_picture(int side);

/// Values that left each stage, with its layer.
using StageValues = std::map<std::pair<std::string, int>, std::vector<float>>;

/// Runs the picture and a text of up to 128 positions, each position seeing the ones before.
StageValues record_stages(const std::shared_ptr<const Engine>& engine);

/// Logits of the same text after a picture whose embeddings `change` was at: how much the text model enlarges
/// an error that comes in.
std::vector<float> logits_after(const std::shared_ptr<const Engine>& engine,
                                const std::function<void(std::span<float> embeddings)>& change);

/// The same run, compared with `reference`: bars are those of the engine's mode.
ModelAccuracy measure_accuracy(const StageValues& reference, const std::shared_ptr<const Engine>& engine);

}  // namespace moonbeam::tasks
