// One stage of the pipeline for one picture (data.md section 4). Stages hold settings, never state: what one
// says of a picture depends on the record, the answers and the record's own random numbers, and on nothing
// that runs beside it (ruling 26).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/llm/call.h"
#include "data/llm/result.h"
#include "data/pipeline/record/record.h"
#include "data/pipeline/stage/context.h"

namespace moonbeam::pipeline {

struct Expected;  // expect.h
struct ExpectedCalls;

class Stage {
 public:
  virtual ~Stage() = default;

  virtual std::string_view name() const = 0;  ///< "S3"

  /// One round. `results` are those of the calls that the round before returned, in their order; round 0 has
  /// none. Only outcomes that are final come here (llm::is_final): what another try may mend, the runner does
  /// again from the start of the picture. Of a failure that is final the stage makes what it can: fewer
  /// pairs, the raw text; it is counted ("S7/cut").
  /// @return calls to make (Context::call); none: the picture is done with the stage.
  virtual std::vector<llm::Call> step(Record& record, int round, std::span<const llm::Result> results,
                                      const Context& context) const = 0;

  /// After all pictures of a chunk, in their order, rejected and failed ones left out: for what compares
  /// pictures with one another.
  virtual void finish(std::span<Record*> chunk, const Context& context) const;
  /// Whether finish() does anything: without the rest of its chunk a picture cannot be replayed then.
  virtual bool compares_pictures() const { return false; }

  /// step() in numbers: the calls that it makes for a picture like this one, in the mean of many; what it
  /// adds to the picture is put into it, for the stages after it. None for a stage without calls.
  virtual std::vector<ExpectedCalls> expect(Expected& picture, const Context& context) const;
};

/// Counts an outcome that is no answer as "S7/cut" and says whether there is one.
bool answered(Record& record, std::string_view stage, const llm::Result& result);

}  // namespace moonbeam::pipeline
