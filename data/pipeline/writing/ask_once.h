// A stage that asks in its first round and takes the answers in its second.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "data/pipeline/stage/stage.h"
#include "data/pipeline/writing/facts.h"
#include "data/pipeline/writing/rules.h"

namespace moonbeam::pipeline {

class AskOnce : public Stage {
 public:
  std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                              const Context& context) const final {
    const Facts facts(record, context.lexicon);
    if (round == 0) {
      record.scratch = Json::array();
      return ask(record, facts, context);
    }
    const Rules rules(context.prompts);
    const Json asked = std::exchange(record.scratch, nullptr);
    for (std::size_t i = 0; i < results.size() && i < asked.size(); ++i) {
      if (answered(record, name(), results[i])) take(record, asked[i], results[i], facts, rules);
    }
    return {};
  }

 private:
  /// Puts into Record::scratch, an array, what take() wants to know of each call.
  virtual std::vector<llm::Call> ask(Record& record, const Facts& facts, const Context& context) const = 0;
  virtual void take(Record& record, const Json& asked, const llm::Result& result, const Facts& facts,
                    const Rules& rules) const = 0;
};

}  // namespace moonbeam::pipeline
