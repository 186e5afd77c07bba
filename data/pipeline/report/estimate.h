// moonbeam data estimate: calls, tokens, money and hours before a run (data.md 6.6). A pure function of what
// the plan counts, what prompts weigh and what servers charge.
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

namespace moonbeam::pipeline {

/// What is known of a picture decides what is asked about it: narratives and boxes (A), boxes or texts of
/// people (B), alt text alone (C).
struct TierCounts {
  std::int64_t narrative = 0, boxes = 0, alt_text = 0;
  std::int64_t narratives = 0;  ///< of all pictures of tier A: each is repaired
};
/// Of a plan's "tiers": counts of "A", "B", "C"; one narrative a picture.
TierCounts tier_counts(const std::map<std::string, std::int64_t>& tiers);

/// Whom a stage asks, as Roles names them.
enum class Role { kWriter, kVerifier, kJudge, kVision };

/// Calls of a stage for a picture of each tier, and what they weigh beside the prompt.
struct StageCalls {
  std::string prompt;  ///< name among the prompts; its file's size counts
  Role role = Role::kWriter;
  double narrative = 0, boxes = 0, alt_text = 0;  ///< calls a picture
  int input = 300, output = 160;  ///< tokens of a call beside the constant part; of its answer
  int examples = 0;               ///< worked ones in the prompt
  bool a_narrative = false;       ///< so many calls for each narrative in place of each picture
};
/// The calls of data.md section 4: 20, 8 and 2 a picture.
std::vector<StageCalls> usual_calls();

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

Estimate estimate(const TierCounts& pictures, std::span<const StageCalls> calls, const Roles& roles,
                  std::span<const llm::EndpointOptions> servers, const EstimateOptions& options);

/// The same from a run over some pictures that is done: what it took, times how many more there are. Tiers
/// have to be mixed alike.
Estimate estimate_like(const Costs& trial, std::int64_t trial_pictures, std::int64_t pictures,
                       std::span<const llm::EndpointOptions> servers, const EstimateOptions& options);

/// About how many tokens the constant parts are: 4 bytes each, `examples` of the worked ones too.
std::int64_t constant_tokens(const Prompt& prompt, int examples);
/// For every stage whose prompt there is.
std::map<std::string, std::int64_t> prompt_tokens(const Prompts& prompts, std::span<const StageCalls> calls);

std::string estimate_text(const Estimate& estimate);
Json estimate_json(const Estimate& estimate);

}  // namespace moonbeam::pipeline
