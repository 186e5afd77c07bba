// What a run's calls have cost, from its ledgers.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "data/llm/ledger.h"

namespace moonbeam::pipeline {

struct Costs {
  llm::Spent total;
  std::map<std::string, llm::Spent> by_stage, by_model;
  std::map<std::string, std::int64_t> by_status;
  std::int64_t unread = 0;  ///< lines that are none of a ledger
};

/// Of WORK/ledger/*.jsonl, one of each worker; none is no cost.
Costs read_costs(const std::string& work);

}  // namespace moonbeam::pipeline
