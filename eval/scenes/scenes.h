// How well a model sees drawn scenes: section 9's measures, greedy, through the public API alone.
#pragma once

#include <moonbeam/model.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/questions.h"
#include "data/scenes/scene.h"
#include "eval/metrics/rate.h"

namespace moonbeam::eval {

/// In the order of the table; absent_yes and caption measures too.
enum class Measure {
  kExist,
  kExistYesRatio,
  kAbsentYes,
  kCount,
  kName,
  kColour,
  kRelation,
  kDetectF1,
  kAbsentBoxes,
  kPoint,
  kPremise,
  kCaptionPrecision,
  kCaptionRecall,
};
inline constexpr int kMeasures = 13;
std::string_view name(Measure measure);   ///< "detect_f1"
std::string_view words(Measure measure);  ///< "detect F1 at IoU 0.5"

struct ScenesOptions {
  data::Split split = data::Split::kValSeed;
  std::uint64_t seed = 0;
  int scenes = 1000;
  data::SceneOptions scene;
  data::QuestionOptions questions;
  bool plain = false;  ///< without instructions for short answers
  /// Of each scene: how many are done. Return false to stop: Error kCancelled.
  std::function<bool(int done)> progress = {};
  /// Every question with what the model said, as it comes; objects as text "n of m".
  std::function<void(std::uint64_t index, const data::Question& question, const std::string& said,
                     bool right)>
      on_answer = {};
};

struct ScenesReport {
  std::string split;  ///< "val-seed"
  int scenes = 0;
  std::vector<Rate> rates = std::vector<Rate>(kMeasures);
  std::vector<double> guess = std::vector<double>(kMeasures, -1);  ///< 0 .. 1; -1: none makes sense

  const Rate& rate(Measure measure) const { return rates[static_cast<std::size_t>(measure)]; }
};

using DrawScene = std::function<data::Scene(const data::SceneKey&, const data::SceneOptions&)>;

/// @throws Error of the model and of the drawing, kCancelled.
ScenesReport evaluate_scenes(const Model& model, const DrawScene& draw, const data::LabelTable& labels,
                             const ScenesOptions& options);

/// One line of JSON of one split, keys as scenes.md and the README name them; rates in 0 .. 1.
std::string report_json(const ScenesReport& report);
/// A table for people: splits side by side, the guess first.
std::string report_table(const std::vector<ScenesReport>& reports);
/// acceptance.json: what was measured, on what, with which model; intervals and guesses.
std::string acceptance_json(const std::vector<ScenesReport>& reports, const ModelInfo& model,
                            const ScenesOptions& options);

}  // namespace moonbeam::eval
