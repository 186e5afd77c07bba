// The stages that find out what is in a picture: from annotations (S1), from what people said (S2, S3), and
// what of it holds (S4, S5). Each reads its thresholds from its section of the run's recipe.
#pragma once

#include <memory>

#include "base/key_file.h"
#include "data/pipeline/stage/stage.h"

namespace moonbeam::pipeline {

std::unique_ptr<Stage> make_s1(base::KeySection& keys);  ///< fact sheet, sources
std::unique_ptr<Stage> make_s2(base::KeySection& keys);  ///< repair of narratives
std::unique_ptr<Stage> make_s3(base::KeySection& keys);  ///< claims with their quotes
std::unique_ptr<Stage> make_s4(base::KeySection& keys);  ///< verdicts
std::unique_ptr<Stage> make_s5(base::KeySection& keys);  ///< merge

}  // namespace moonbeam::pipeline
