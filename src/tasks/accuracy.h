// How far a model in some mode is from the same weights in f32, stage by stage: both are run on the same
// fixed inputs, one after the other, so that only one of them is in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <moonbeam/image.h>
#include <moonbeam/weights.h>

#include "tasks/engine.h"

namespace moonbeam::tasks {

/// Drawn shapes on a background with noise, the same on every machine.
Image accuracy_picture(int side);

/// Sees the values that leave a stage; blocks of several calls come in order.
using StageFn =
    std::function<void(std::string_view stage, int layer, const float* values, std::size_t count)>;

/// The text stages of a fixed text of up to 128 positions after `image`, in order: each position sees those
/// before it. Nothing where the context has no room.
void run_text(const Engine& engine, const EncodedImage::Impl& image, const StageFn& on_stage);

/// Values that left each stage, with its layer.
using StageValues = std::map<std::pair<std::string, int>, std::vector<float>>;

/// Runs the picture and a text of up to 128 positions, each position seeing the ones before.
StageValues record_stages(const std::shared_ptr<const Engine>& engine);

/// The same run, compared with `reference`: bars are those of the engine's mode.
ModelAccuracy measure_accuracy(const StageValues& reference, const std::shared_ptr<const Engine>& engine);

}  // namespace moonbeam::tasks
