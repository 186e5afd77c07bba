// The second verifier of monitor M9: a model that the run did not ask reads the claims out of captions, and
// code looks for the evidence of each.
#pragma once

#include <memory>
#include <string>

#include "data/pipeline/report/measured.h"
#include "data/pipeline/run/plan.h"
#include "data/pipeline/run/recipe.h"

namespace moonbeam::pipeline {

class RunAuditor {
 public:
  /// Reads `auditor` of [report], a model; none: no second verifier. @throws Error as llm::Client.
  RunAuditor(const RunFolder& work, RunRecipe& recipe);
  ~RunAuditor();

  std::string name() const;  ///< empty: there is none
  /// Belongs to this. A caption that gets no answer is left out.
  Auditor audit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moonbeam::pipeline
