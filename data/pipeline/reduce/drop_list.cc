#include "data/pipeline/reduce/drop_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace moonbeam::pipeline {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kMostJson = std::size_t{256} << 20;

}  // namespace

bool DropList::holds(std::span<const float> embedding) const {
  return std::any_of(clusters.begin(), clusters.end(), [&](const DroppedCluster& one) {
    return one.centroid.size() == embedding.size() && 1 - cosine(one.centroid, embedding) <= one.radius;
  });
}

std::string DropList::to_json() const {
  Json list = Json::array();
  for (const DroppedCluster& one : clusters) {
    list.push_back({{"radius", one.radius}, {"note", one.note}, {"centroid", one.centroid}});
  }
  return Json({{"version", version}, {"embedder", embedder}, {"clusters", list}}).dump() + "\n";
}

DropList DropList::load(const std::string& path) {
  try {
    const Json json = Json::parse(base::read_file(path, kMostJson));
    DropList out;
    out.version = json.at("version");
    out.embedder = json.at("embedder");
    for (const Json& one : json.at("clusters")) {
      out.clusters.push_back({one.at("centroid"), one.at("radius"), one.value("note", "")});
      if (out.clusters.back().centroid.size() != out.clusters[0].centroid.size()) {
        base::fail(ErrorCode::kCorrupt, base::printable(path), ": centroids of several lengths");
      }
    }
    return out;
  } catch (const nlohmann::json::exception& error) {
    base::fail(ErrorCode::kCorrupt, base::printable(path), ": expected a list of clusters, got ",
               error.what());
  }
}

std::string pair_text(std::string_view question, std::string_view answer) {
  return base::cat(question, " ||| ", answer);
}

}  // namespace moonbeam::pipeline
