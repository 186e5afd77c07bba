// The stages that write: captions, questions with answers, what is absent, places; their checks and filters.
// Each reads its thresholds from its section of a run's recipe; what a section leaves out has the default of
// data.md.
#pragma once

#include <memory>

#include "base/key_file.h"
#include "data/pipeline/stage/stage.h"

namespace moonbeam::pipeline {

std::unique_ptr<Stage> make_s6(base::KeySection& keys);   ///< captions
std::unique_ptr<Stage> make_s7(base::KeySection& keys);   ///< questions by type
std::unique_ptr<Stage> make_s8(base::KeySection& keys);   ///< absent, absurd, what cannot be seen
std::unique_ptr<Stage> make_s9(base::KeySection& keys);   ///< detect and point
std::unique_ptr<Stage> make_s10(base::KeySection& keys);  ///< answered again by others, judged
std::unique_ptr<Stage> make_s11(base::KeySection& keys);  ///< noise of users
std::unique_ptr<Stage> make_s12(base::KeySection& keys);  ///< filters, repetitions, shares

}  // namespace moonbeam::pipeline
