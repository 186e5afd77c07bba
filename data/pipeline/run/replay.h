// One stage of a picture once more, from what a run has stored: the plan's input and the answers that came.
// The stages before it are replayed as well, since what they left is not kept, only its hash.
#pragma once

#include <string>
#include <vector>

#include "data/pipeline/run/plan.h"
#include "data/pipeline/run/recipe.h"
#include "data/pipeline/run/run_stages.h"

namespace moonbeam::pipeline {

struct ReplayOptions {
  std::string stage;    ///< "S3"
  std::string picture;  ///< "coco-7"
  bool chunk = false;   ///< all pictures of its chunk
};

enum class Against { kNotStored, kEqual, kDiffers };
/// "not stored", "equal", "differs"
std::string_view against_name(Against against);

struct Replayed {
  std::string key, status, reason;  ///< of the picture after the stage
  bool reached = false;             ///< no earlier stage had rejected it
  Json output;                      ///< members that the stage wrote; of lists what is new or changed
  std::vector<CallNote> calls;      ///< of this stage
  /// What the stage worked on, and what it left, beside what the run had.
  Against input = Against::kNotStored, result = Against::kNotStored;
};
Json replayed_json(const Replayed& one, bool compare);

/// @param recipe  the run's, or another one whose thresholds and prompts are to be tried; random numbers stay
///                those of the run
/// @throws Error kNotFound (no such picture), kInvalidArgument (no such stage), what `ask_all` throws.
std::vector<Replayed> replay(const RunFolder& work, RunRecipe& recipe, const ReplayOptions& options,
                             const AskAll& ask_all);

/// Answers that are stored. It throws Error kNotFound naming the first call that has none.
AskAll stored_answers(const std::string& cache_folder);

}  // namespace moonbeam::pipeline
