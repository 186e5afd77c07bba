// Stages over the pictures of a chunk: all of them a round at a time, so that hundreds of calls are under way
// at once, and in a fixed order, so that what comes out depends on the answers alone.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/pipeline/stage/stage.h"

namespace moonbeam::pipeline {

/// Results in the order of the calls: llm::Client::ask_all, or a test's own.
using AskAll = std::function<std::vector<llm::Result>(std::vector<llm::Call>)>;

struct ChunkResult {
  bool complete = false;  ///< every picture is done with: ok, rejected or failed
  std::string why;        ///< else: what stopped it, in the words of the client
  bool deferred = false;  ///< calls went to a batch file
};

/// @param attempts  of a stage for one picture, where calls end as busy, unreachable or late; then the
/// picture
///                  has failed, and stays in the records with its reason
ChunkResult run_stages(std::vector<Record>& records, std::span<const std::unique_ptr<Stage>> stages,
                       const Context& context, int attempts, const AskAll& ask_all);

}  // namespace moonbeam::pipeline
