#include "data/pipeline/stage/corpus.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace moonbeam::pipeline {

void CorpusStats::add(const std::vector<std::string>& classes) {
  const std::set<std::string> once(classes.begin(), classes.end());
  ++pictures_;
  for (auto a = once.begin(); a != once.end(); ++a) {
    ++counts_[*a];
    for (auto b = std::next(a); b != once.end(); ++b) ++together_[*a][*b];
  }
}

std::int64_t CorpusStats::count(const std::string& name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

std::int64_t CorpusStats::together(const std::string& a, const std::string& b) const {
  if (a == b) return count(a);
  const auto row = together_.find(std::min(a, b));
  if (row == together_.end()) return 0;
  const auto found = row->second.find(std::max(a, b));
  return found == row->second.end() ? 0 : found->second;
}

Json CorpusStats::json() const {
  return {{"pictures", pictures_}, {"counts", counts_}, {"together", together_}};
}

CorpusStats CorpusStats::of(const Json& value, const std::string& where) {
  CorpusStats out;
  try {
    value.at("pictures").get_to(out.pictures_);
    value.at("counts").get_to(out.counts_);
    value.at("together").get_to(out.together_);
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kCorrupt, where, ": expected counts of classes, got ", error.what());
  }
  return out;
}

std::vector<std::string> classes_of(const Input& input) {
  std::vector<std::string> out;
  for (const InputInstance& one : input.instances) out.push_back(one.name);
  return out;
}

}  // namespace moonbeam::pipeline
