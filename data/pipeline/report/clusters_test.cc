#include "data/pipeline/report/clusters.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <map>

#include "data/pipeline/reduce/s13_dedupe.h"
#include "data/pipeline/reduce/test_work.h"

namespace moonbeam::pipeline {
namespace {

const Embedder kEmbed = hashed_embedder();

/// Questions of five kinds, one of them of no use.
std::vector<std::vector<Record>> kinds_of_questions(int pictures) {
  const char* const kQuestions[] = {"What color is the tall vase", "How many small dogs are there",
                                    "Where is the old train", "Which animal can be seen",
                                    "What will the weather be tomorrow"};
  std::vector<std::vector<Record>> out(2);
  for (int i = 0; i < pictures; ++i) {
    Record record = test_record(i);
    for (int k = 0; k < 5; ++k) {
      record.pairs.push_back(test_pair("what:" + std::to_string(k), std::string(kQuestions[k]) + "?",
                                       "answer" + std::to_string(i % 3)));
    }
    out[static_cast<std::size_t>(i % 2)].push_back(std::move(record));
  }
  return out;
}

ClusterOptions five() {
  ClusterOptions options;
  options.least = 5;
  options.most = 24;  // fewer than there are; five is more than their root
  return options;
}

TEST(KMeans, FindsDirectionsWhateverTheThreads) {
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 60; ++i) {
    std::vector<float> one(3, 0.01f * static_cast<float>(i % 7));
    one[static_cast<std::size_t>(i % 3)] = static_cast<float>(1 + i);
    vectors.push_back(one);
  }
  const Clusters out = k_means(vectors, 3, 20, 5, 1);
  std::map<int, int> kinds;
  for (int i = 0; i < 60; ++i) kinds[out.of[static_cast<std::size_t>(i)]] |= 1 << i % 3;
  EXPECT_EQ(kinds.size(), 3u);
  for (const auto& [cluster, kind] : kinds) EXPECT_TRUE(kind == 1 || kind == 2 || kind == 4) << cluster;
  const Clusters again = k_means(vectors, 3, 20, 5, 3);
  EXPECT_EQ(again.of, out.of);
  EXPECT_EQ(again.centroids, out.centroids);
  EXPECT_TRUE(k_means({}, 3, 20, 5, 1).of.empty());
  EXPECT_EQ(k_means({{1, 0}}, 3, 20, 5, 1).centroids.size(), 1u);
}

TEST(ClusterReview, ShowsMembersAndLeadsToADropList) {
  const base::TestFolder folder;
  make_work(folder, kinds_of_questions(20));
  const WorkFolder work(folder / "work");
  ClusterOptions options = five();
  options.most = 1000;
  options.least = 12;
  options.members = 3;
  const ClusterReview review = review_clusters(work, nullptr, options, kEmbed);
  std::int64_t pairs = 0;
  std::vector<int> bad;
  for (std::size_t i = 0; i < review.clusters.size(); ++i) {
    pairs += review.clusters[i].size;
    EXPECT_LE(review.clusters[i].members.size(), 3u);
    if (review.clusters[i].members[0].question.find("weather") != std::string::npos)
      bad.push_back(static_cast<int>(i));
  }
  EXPECT_EQ(pairs, 100);
  ASSERT_FALSE(bad.empty());
  DropList list = drop_list_of(review, bad, 2, "nobody can see it");
  for (DroppedCluster& one : list.clusters) one.radius += 1e-6;  // of equal texts it is 0
  folder.put("list.json", list.to_json());
  EXPECT_EQ(DropList::load(folder / "list.json").version, 2);
  DedupeOptions dedupe_options;
  dedupe_options.drop_list = folder / "list.json";
  dedupe_options.min_hash.bands = 0;
  dedupe_options.cosine = 2;
  const Decisions decisions = dedupe(work, dedupe_options, kEmbed, 1);
  for (std::size_t i = 0; i < decisions.why.size(); ++i) {
    EXPECT_EQ(decisions.why[i], i % 5 == 4 ? Why::kCluster : Why::kKept) << i;
  }
  const int none[] = {1000};
  EXPECT_THROW(drop_list_of(review, none, 1, ""), Error);
}

TEST(ClusterReview, IsTheSameWhateverTheOrderAndReadsBack) {
  const base::TestFolder a, b;
  make_work(a, kinds_of_questions(20));
  make_work(b, kinds_of_questions(20), /*backwards=*/true);
  ClusterOptions threads = five();
  threads.threads = 3;
  const ClusterReview review = review_clusters(WorkFolder(a / "work"), nullptr, five(), kEmbed);
  const Json json = review_json(review);
  EXPECT_EQ(json, review_json(review_clusters(WorkFolder(b / "work"), nullptr, threads, kEmbed)));
  EXPECT_EQ(review_json(review_of(json, "review")), json);
  EXPECT_THROW(review_of(Json::object(), "review"), Error);
  EXPECT_NE(review_html(review).find("weather be tomorrow?"), std::string::npos);
}

}  // namespace
}  // namespace moonbeam::pipeline
