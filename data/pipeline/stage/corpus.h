// How often classes are annotated in the pictures of a plan, alone and with one another: what is asked for
// although it is not there is drawn by it (data.md 3.5).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

class CorpusStats {
 public:
  /// Counts one picture; `classes` may repeat.
  void add(const std::vector<std::string>& classes);

  std::int64_t pictures() const { return pictures_; }
  std::int64_t count(const std::string& name) const;  ///< pictures with it
  std::int64_t together(const std::string& a, const std::string& b) const;
  /// Classes in their order.
  const std::map<std::string, std::int64_t>& counts() const { return counts_; }

  Json json() const;
  /// @throws Error kCorrupt naming `where`.
  static CorpusStats of(const Json& value, const std::string& where);

 private:
  std::int64_t pictures_ = 0;
  std::map<std::string, std::int64_t> counts_;
  std::map<std::string, std::map<std::string, std::int64_t>> together_;  // a < b
};

/// Of the annotations: instances, crowds included.
std::vector<std::string> classes_of(const Input& input);

}  // namespace moonbeam::pipeline
