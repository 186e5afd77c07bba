// moonbeam data estimate: calls, tokens, money and hours before a run (data.md 6.6). A pure function of the
// calls that the stages expect (stage/expect.h), what prompts weigh and what servers charge.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/llm/endpoint.h"
#include "data/pipeline/record/record.h"
#include "data/pipeline/report/costs.h"
#include "data/pipeline/stage/context.h"
#include "data/pipeline/stage/expect.h"

namespace moonbeam::pipeline {

struct EstimateOptions {
  std::map<std::string, std::int64_t> prompt_tokens;  ///< constant part of each prompt; Prompts give them
  double in_flight = 64;                              ///< calls at a time on a server whose rates say nothing
  double seconds_a_call = 4;                          ///< the same
  double tokens_a_gpu_hour = 2.5e6;                   ///< answers, of a server of one's own (data.md 6.6)
  double cached = 0.0;  ///< share of the constant part that servers keep and charge less for
  int picture_tokens = 1000;
};

struct StageEstimate {
  std::string stage, model;
  double calls = 0, prompt = 0, completion = 0;  ///< tokens
  double money = 0, gpu_hours = 0;
};

struct Estimate {
  std::vector<StageEstimate> stages;
  double calls = 0, prompt = 0, completion = 0, money = 0, gpu_hours = 0;
  double hours = 0;                   ///< of the slowest model's servers
  std::string slowest;                ///< that model
  std::vector<std::string> unserved;  ///< models that no server has
};

/// @param calls  of the whole run (ExpectedRun::calls)
Estimate estimate(std::span<const ExpectedCalls> calls, const Roles& roles,
                  std::span<const llm::EndpointOptions> servers, const EstimateOptions& options);

/// The same from a run over some pictures that is done: what it took, times how many more there are. Tiers
/// have to be mixed alike.
Estimate estimate_like(const Costs& trial, std::int64_t trial_pictures, std::int64_t pictures,
                       std::span<const llm::EndpointOptions> servers, const EstimateOptions& options);

/// About how many tokens the constant parts are: 4 bytes each, `examples` of the worked ones too.
std::int64_t constant_tokens(const Prompt& prompt, int examples);
/// For every stage whose prompt there is.
std::map<std::string, std::int64_t> prompt_tokens(const Prompts& prompts,
                                                  std::span<const ExpectedCalls> calls);

std::string estimate_text(const Estimate& estimate);
Json estimate_json(const Estimate& estimate);

}  // namespace moonbeam::pipeline
