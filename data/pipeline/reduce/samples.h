// Canonical samples (data.md 2.21) of a picture's record, with where each comes from.
#pragma once

#include <string>

#include "data/formats/canonical.h"
#include "data/pipeline/reduce/items.h"

namespace moonbeam::pipeline {

/// What all samples of a run share.
struct RunIdentity {
  std::string pipeline;  ///< its identity
  std::string prompts;   ///< SHA-256 of the prompts' files
};

data::CanonicalSample sample_of(const Record& record, const Item& item, const RunIdentity& run);

/// "ann:501", "captions.json#9001", claims by their ids: what a claim stands on, in order, each once.
std::vector<std::string> evidence_of(const Record& record, const std::vector<std::string>& claims);

}  // namespace moonbeam::pipeline
