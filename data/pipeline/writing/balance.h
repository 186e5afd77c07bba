// Which twins have to go so that no word tells the answer: each pair of twins is an edge from the value that
// is so to the value that is not; where every value is left as often as it is reached, its presence in a
// question says nothing of yes and no.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moonbeam::pipeline {

struct TwinEdge {
  std::string yes, no;  ///< what stands in one question and not in the other
};
/// Indices of edges to take away, as few as the shortest ways from values that are too often true to values
/// that are too often false allow; after it no value leads by more than `slack`.
std::vector<std::size_t> surplus(const std::vector<TwinEdge>& edges, int slack);

/// The words in which two questions differ, articles left out.
TwinEdge difference(const std::string& yes, const std::string& no);

/// How many of each kind may stay so that none has more than its share of all: `open` are those of no kind,
/// `counts` and `shares` those of each.
std::vector<std::size_t> allowed(std::size_t open, const std::vector<std::size_t>& counts,
                                 const std::vector<double>& shares);

}  // namespace moonbeam::pipeline
