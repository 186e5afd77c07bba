#include "data/pipeline/record/record.h"

#include <algorithm>

namespace moonbeam::pipeline {

namespace {

template <typename T>
const T* find(const std::vector<T>& all, const std::string& id) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.id == id; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const Claim* Record::claim(const std::string& id) const {
  return find(claims, id);
}

const Source* Record::source(const std::string& id) const {
  return find(sources, id);
}

std::vector<const Claim*> Record::accepted() const {
  std::vector<const Claim*> out;
  for (const Claim& one : claims) {
    if (one.accepted) out.push_back(&one);
  }
  return out;
}

bool Record::has_exhaustive(const std::string& name) const {
  return std::find(sheet.exhaustive.begin(), sheet.exhaustive.end(), name) != sheet.exhaustive.end();
}

}  // namespace moonbeam::pipeline
