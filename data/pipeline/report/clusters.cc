#include "data/pipeline/report/clusters.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/thread_pool.h"
#include "data/pipeline/reduce/items.h"
#include "data/pipeline/reduce/text.h"
#include "data/pipeline/report/page.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {

namespace {

constexpr int kBlock = 256;  // vectors a thread takes at a time

using Vector = std::vector<float>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

Vector unit(const Vector& vector) {
  const double length = std::sqrt(dot(vector, vector));
  Vector out = vector;
  if (length > 0) {
    for (float& value : out) value = static_cast<float>(value / length);
  }
  return out;
}

class KMeans {
 public:
  KMeans(const std::vector<Vector>& vectors, int k, std::uint64_t seed, int threads)
      : pool_(std::max(threads, 1)) {
    for (const Vector& one : vectors) units_.push_back(unit(one));
    const auto count = std::min(static_cast<std::size_t>(k), units_.size());
    std::vector<std::size_t> order(units_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    data::Stream stream(seed, hash_of("clusters"), 0, data::Part::kPipeline);
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(order[i], order[i + stream.below(static_cast<std::uint32_t>(order.size() - i))]);
      out_.centroids.push_back(units_[order[i]]);
    }
    out_.of.assign(units_.size(), 0);
    near_.assign(units_.size(), 0);
  }

  Clusters run(int rounds) {
    if (units_.empty()) return std::move(out_);
    assign();
    for (int round = 0; round < rounds; ++round) {
      const std::vector<int> before = out_.of;
      move();
      assign();
      if (out_.of == before) break;
    }
    return std::move(out_);
  }

 private:
  void assign() {
    const int blocks = static_cast<int>((units_.size() + kBlock - 1) / kBlock);
    pool_.parallel_for(blocks, [&](int block, int) {
      const std::size_t begin = static_cast<std::size_t>(block) * kBlock,
                        end = std::min(begin + kBlock, units_.size());
      for (std::size_t i = begin; i < end; ++i) {
        near_[i] = -2;
        for (std::size_t c = 0; c < out_.centroids.size(); ++c) {
          const double value = dot(units_[i], out_.centroids[c]);
          if (value <= near_[i]) continue;
          near_[i] = value;
          out_.of[i] = static_cast<int>(c);
        }
      }
    });
  }

  /// Sums in the vectors' order: the same bits from any number of threads.
  void move() {
    const std::size_t width = units_[0].size();
    std::vector<std::vector<double>> sums(out_.centroids.size(), std::vector<double>(width, 0.0));
    std::vector<int> sizes(out_.centroids.size(), 0);
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const auto c = static_cast<std::size_t>(out_.of[i]);
      ++sizes[c];
      for (std::size_t k = 0; k < width; ++k) sums[c][k] += units_[i][k];
    }
    std::set<std::size_t> taken;
    for (std::size_t c = 0; c < sums.size(); ++c) {
      if (sizes[c] > 0) {
        out_.centroids[c] = unit(Vector(sums[c].begin(), sums[c].end()));
      } else if (const auto far = farthest(taken); far < units_.size()) {
        out_.centroids[c] = units_[far];
        taken.insert(far);
      }
    }
  }

  /// What fits its cluster least: an empty one begins anew there.
  std::size_t farthest(const std::set<std::size_t>& taken) const {
    std::size_t out = units_.size();
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (!taken.contains(i) && (out == units_.size() || near_[i] < near_[out])) out = i;
    }
    return out;
  }

  base::ThreadPool pool_;
  std::vector<Vector> units_;
  std::vector<double> near_;  // cosine with its centroid
  Clusters out_;
};

struct Drawn {
  std::uint64_t draw;
  ClusterMember member;
  bool operator<(const Drawn& other) const {
    return std::pair(draw, member.id) < std::pair(other.draw, other.member.id);
  }
};

std::set<Drawn> drawn_pairs(const WorkFolder& work, const Decisions* decisions,
                            const ClusterOptions& options) {
  std::set<Drawn> out;
  std::size_t picture = 0;
  work.each_chunk(options.threads, [&](std::size_t, std::vector<Record>& records,
                                       std::span<const RecordPlace>) {
    for (const Record& record : records) {
      const std::uint32_t first = decisions == nullptr ? 0 : decisions->pictures.at(picture).first_item;
      ++picture;
      const std::vector<Item> items = items_of(record);
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].kind != ItemKind::kPair) continue;
        if (decisions == nullptr ? !dropped_before(record, items[i]).empty() : !decisions->kept(first + i))
          continue;
        const Pair& pair = record.pairs[items[i].index];
        const std::string id = sample_id(record, items[i]);
        out.insert({joined_hash(hash_of(id), options.seed), {id, pair.q, pair.a_short}});
        if (out.size() > options.most) out.erase(std::prev(out.end()));
      }
    }
  });
  return out;
}

}  // namespace

Clusters k_means(const std::vector<Vector>& vectors, int k, int rounds, std::uint64_t seed, int threads) {
  return KMeans(vectors, k, seed, threads).run(rounds);
}

ClusterReview review_clusters(const WorkFolder& work, const Decisions* decisions,
                              const ClusterOptions& options, const Embedder& embed) {
  std::vector<ClusterMember> pairs;
  std::vector<std::string> texts;
  for (const Drawn& one : drawn_pairs(work, decisions, options)) {
    pairs.push_back(one.member);
    texts.push_back(pair_text(one.member.question, one.member.answer));
  }
  ClusterReview out{work.pipeline(), options.embedder, {}};
  if (pairs.empty()) return out;
  const std::vector<Vector> vectors = embed(texts);
  const int k = std::max(options.least, static_cast<int>(std::sqrt(static_cast<double>(pairs.size()))));
  const Clusters clusters = k_means(vectors, k, options.rounds, options.seed, options.threads);
  std::vector<std::vector<double>> distances(clusters.centroids.size());
  out.clusters.resize(clusters.centroids.size());
  // Pairs come in the order of their draws: the first of a cluster are drawn ones.
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto c = static_cast<std::size_t>(clusters.of[i]);
    ReviewedCluster& one = out.clusters[c];
    ++one.size;
    distances[c].push_back(1 - cosine(vectors[i], clusters.centroids[c]));
    if (one.members.size() < options.members) one.members.push_back(pairs[i]);
  }
  for (std::size_t c = 0; c < out.clusters.size(); ++c) {
    out.clusters[c].centroid = clusters.centroids[c];
    std::sort(distances[c].begin(), distances[c].end());
    if (distances[c].empty()) continue;
    const auto last = static_cast<double>(distances[c].size() - 1);
    out.clusters[c].radius = distances[c][static_cast<std::size_t>(std::ceil(last * options.inside))];
  }
  std::erase_if(out.clusters, [](const ReviewedCluster& one) { return one.size == 0; });
  std::stable_sort(out.clusters.begin(), out.clusters.end(),
                   [](const ReviewedCluster& a, const ReviewedCluster& b) { return a.size > b.size; });
  return out;
}

DropList drop_list_of(const ClusterReview& review, std::span<const int> given_up, int version,
                      const std::string& note) {
  DropList out;
  out.version = version;
  out.embedder = review.embedder;
  for (const int index : given_up) {
    if (index < 0 || index >= static_cast<int>(review.clusters.size())) {
      base::fail(ErrorCode::kInvalidArgument, "cluster ", index, ": expected 0 to ",
                 static_cast<int>(review.clusters.size()) - 1);
    }
    const ReviewedCluster& one = review.clusters[static_cast<std::size_t>(index)];
    out.clusters.push_back(
        {one.centroid, one.radius, base::cat(note, note.empty() ? "" : ": ", "cluster ", index)});
  }
  return out;
}

Json review_json(const ClusterReview& review) {
  Json clusters = Json::array();
  for (const ReviewedCluster& one : review.clusters) {
    Json members = Json::array();
    for (const ClusterMember& member : one.members) {
      members.push_back({{"id", member.id}, {"q", member.question}, {"a", member.answer}});
    }
    clusters.push_back(
        {{"size", one.size}, {"radius", one.radius}, {"members", members}, {"centroid", one.centroid}});
  }
  return {{"pipeline", review.pipeline}, {"embedder", review.embedder}, {"clusters", clusters}};
}

ClusterReview review_of(const Json& json, const std::string& where) {
  try {
    ClusterReview out{json.at("pipeline"), json.at("embedder"), {}};
    for (const Json& one : json.at("clusters")) {
      ReviewedCluster cluster{one.at("centroid"), one.at("radius"), one.at("size"), {}};
      for (const Json& member : one.at("members")) {
        cluster.members.push_back({member.at("id"), member.at("q"), member.at("a")});
      }
      out.clusters.push_back(std::move(cluster));
    }
    return out;
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kCorrupt, where, ": expected a cluster review, got ", error.what());
  }
}

std::string review_html(const ClusterReview& review) {
  std::string html = base::cat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>Cluster review</title><style>",
      page_style(), "</style></head><body>\n<h1>Cluster review</h1>\n<p class=\"soft\">Pipeline ",
      escape_html(review.pipeline), "; texts compared by ", escape_html(review.embedder),
      ". Clusters to give up are named by their numbers.</p>\n<div class=\"samples\">\n");
  for (std::size_t i = 0; i < review.clusters.size(); ++i) {
    const ReviewedCluster& one = review.clusters[i];
    html += base::cat("<div class=\"sample\"><b>", i, "</b> <span class=\"soft\">", one.size,
                      " pairs, radius ", base::format_decimal(one.radius, 3), "</span><ul>");
    for (const ClusterMember& member : one.members) {
      html += base::cat("<li title=\"", escape_html(member.id), "\">", escape_html(member.question), " → ",
                        escape_html(member.answer), "</li>");
    }
    html += "</ul></div>\n";
  }
  return html + "</div>\n</body></html>\n";
}

}  // namespace moonbeam::pipeline
