// Names of things in real photographs: the split val-real, which nothing is trained on and nothing is drawn
// for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "eval/scenes/scenes.h"

namespace moonbeam::eval {

inline constexpr std::string_view kPhotographs = "val-real";  ///< as --split names it

struct Photograph {
  std::string path;
  int label = 0;  ///< the one thing that it shows: a row of the label table
};

/// Those of photographs.tsv in `data` that show one of the first `classes` things, in its order.
/// @throws Error kNotFound with the command that fetches them, kCorrupt naming the line of the list.
std::vector<Photograph> find_photographs(const std::filesystem::path& data, const data::LabelTable& labels,
                                         int classes);

/// Asks what is in the middle of each, for Measure::kName alone; at most options.scenes of them.
/// @throws Error of load_image and of the model, kCancelled.
ScenesReport evaluate_photographs(const Model& model, const std::vector<Photograph>& photographs,
                                  const data::LabelTable& labels, const ScenesOptions& options);

}  // namespace moonbeam::eval
