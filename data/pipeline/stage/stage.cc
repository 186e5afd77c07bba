#include "data/pipeline/stage/stage.h"

#include "data/pipeline/stage/expect.h"

namespace moonbeam::pipeline {

void Stage::finish(std::span<Record*>, const Context&) const {}

std::vector<ExpectedCalls> Stage::expect(Expected&, const Context&) const {
  return {};
}

bool answered(Record& record, std::string_view stage, const llm::Result& result) {
  if (result.ok()) return true;
  record.count(std::string(stage) + "/" + std::string(llm::outcome_name(result.outcome)));
  return false;
}

}  // namespace moonbeam::pipeline
