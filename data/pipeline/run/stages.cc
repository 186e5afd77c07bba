#include "data/pipeline/run/stages.h"

#include "data/pipeline/evidence/evidence.h"
#include "data/pipeline/run/s00_ingest.h"
#include "data/pipeline/writing/stages.h"

namespace moonbeam::pipeline {

std::vector<std::unique_ptr<Stage>> make_stages(RunRecipe& recipe) {
  using Make = std::unique_ptr<Stage> (*)(base::KeySection&);
  constexpr std::pair<const char*, Make> kStages[] = {
      {"S0", make_s0},   {"S1", make_s1},   {"S2", make_s2},  {"S3", make_s3}, {"S4", make_s4},
      {"S5", make_s5},   {"S6", make_s6},   {"S7", make_s7},  {"S8", make_s8}, {"S9", make_s9},
      {"S10", make_s10}, {"S11", make_s11}, {"S12", make_s12}};
  std::vector<std::unique_ptr<Stage>> out;
  for (const auto& [name, make] : kStages) {
    base::KeySection& keys = recipe.stage(name);
    out.push_back(make(keys));
    keys.refuse_unread();
  }
  return out;
}

}  // namespace moonbeam::pipeline
