// Clusters of pairs that a review gave up: versioned data that every later run applies (data.md 4.8, T14).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/reduce/embedding.h"

namespace moonbeam::pipeline {

struct DroppedCluster {
  std::vector<float> centroid;
  double radius = 0;  ///< 1 - cosine: what lies within is dropped
  std::string note = {};
};

struct DropList {
  int version = 1;       ///< counted up by who edits it
  std::string embedder;  ///< whose vectors they are
  std::vector<DroppedCluster> clusters;

  bool holds(std::span<const float> embedding) const;
  std::string to_json() const;
  /// @throws Error kNotFound, kCorrupt.
  static DropList load(const std::string& path);
};

/// What a pair is embedded as: "q ||| a".
std::string pair_text(std::string_view question, std::string_view answer);

}  // namespace moonbeam::pipeline
