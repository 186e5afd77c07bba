// Cluster review (data.md 4.8, T14): pairs by what they mean, so that a person can give up whole kinds of bad
// ones by looking at twenty of each. What is given up becomes a drop list that S13 applies.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/pipeline/reduce/decisions.h"
#include "data/pipeline/reduce/drop_list.h"
#include "data/pipeline/reduce/work_folder.h"

namespace moonbeam::pipeline {

struct ClusterOptions {
  std::size_t most = 100'000;  ///< pairs that are looked at, drawn by their names
  int least = 50;              ///< clusters; the root of the pairs where that is more
  int rounds = 15;
  std::size_t members = 20;  ///< shown of each
  double inside = 0.95;      ///< share of a cluster's pairs that its radius holds
  std::uint64_t seed = 0;
  std::string embedder = std::string(kHashedName);
  int threads = 1;
};

/// Directions that many vectors share, and whose each vector is: k-means with cosines. Equal input gives
/// equal output, whatever the threads.
struct Clusters {
  std::vector<std::vector<float>> centroids;  ///< of length 1
  std::vector<int> of;                        ///< cluster of each vector
};
Clusters k_means(const std::vector<std::vector<float>>& vectors, int k, int rounds, std::uint64_t seed,
                 int threads);

struct ClusterMember {
  std::string id, question, answer;
};
struct ReviewedCluster {
  std::vector<float> centroid;
  double radius = 0;
  std::int64_t size = 0;
  std::vector<ClusterMember> members;
};
struct ClusterReview {
  std::string pipeline, embedder;
  std::vector<ReviewedCluster> clusters;  ///< largest first; "cluster 7" is clusters[7]
};

/// Of the pairs that are kept, by `decisions` where there are any.
ClusterReview review_clusters(const WorkFolder& work, const Decisions* decisions,
                              const ClusterOptions& options, const Embedder& embed);

/// @throws Error kInvalidArgument (no such cluster).
DropList drop_list_of(const ClusterReview& review, std::span<const int> given_up, int version,
                      const std::string& note);

Json review_json(const ClusterReview& review);
/// @throws Error kCorrupt.
ClusterReview review_of(const Json& json, const std::string& where);
/// For people: one page without outside files.
std::string review_html(const ClusterReview& review);

}  // namespace moonbeam::pipeline
