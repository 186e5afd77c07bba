#include "data/pipeline/writing/balance.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>

#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

struct Edge {
  std::size_t from, to;
  bool gone = false;
};

class Graph {
 public:
  explicit Graph(const std::vector<TwinEdge>& edges) {
    for (const TwinEdge& one : edges) {
      edges_.push_back({node(one.yes), node(one.no)});
      ++lead_[edges_.back().from];
      --lead_[edges_.back().to];
    }
  }

  void settle(int slack) {
    while (true) {
      std::size_t worst = 0;
      for (std::size_t v = 1; v < lead_.size(); ++v) {
        if (std::abs(lead_[v]) > std::abs(lead_[worst])) worst = v;
      }
      if (lead_.empty() || std::abs(lead_[worst]) <= slack) return;
      take_way(worst, lead_[worst] > 0);
    }
  }

  std::vector<std::size_t> gone() const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      if (edges_[i].gone) out.push_back(i);
    }
    return out;
  }

 private:
  std::size_t node(const std::string& name) {
    const auto [at, fresh] = nodes_.emplace(name, nodes_.size());
    if (fresh) lead_.push_back(0);
    return at->second;
  }

  /// The shortest way from a value that leads to one that lags, or back: what comes in must go out somewhere,
  /// so there always is one.
  void take_way(std::size_t start, bool forward) {
    constexpr std::size_t kNone = ~std::size_t{0};
    std::vector<std::size_t> by(lead_.size(), kNone);
    std::vector<bool> seen(lead_.size());
    std::deque<std::size_t> open = {start};
    seen[start] = true;
    while (!open.empty()) {
      const std::size_t v = open.front();
      open.pop_front();
      if (v != start && (forward ? lead_[v] < 0 : lead_[v] > 0)) {
        for (std::size_t at = v; at != start;) {
          Edge& edge = edges_[by[at]];
          edge.gone = true;
          at = forward ? edge.from : edge.to;
        }
        lead_[start] += forward ? -1 : 1;
        lead_[v] += forward ? 1 : -1;
        return;
      }
      for (std::size_t i = 0; i < edges_.size(); ++i) {
        if (edges_[i].gone || (forward ? edges_[i].from : edges_[i].to) != v) continue;
        const std::size_t next = forward ? edges_[i].to : edges_[i].from;
        if (seen[next]) continue;
        seen[next] = true;
        by[next] = i;
        open.push_back(next);
      }
    }
  }

  std::map<std::string, std::size_t> nodes_;
  std::vector<Edge> edges_;
  std::vector<int> lead_;  // how much oftener it is true than false
};

}  // namespace

std::vector<std::size_t> surplus(const std::vector<TwinEdge>& edges, int slack) {
  Graph graph(edges);
  graph.settle(std::max(slack, 0));
  return graph.gone();
}

TwinEdge difference(const std::string& yes, const std::string& no) {
  const std::vector<Word> a = words_of(yes), b = words_of(no);
  std::size_t front = 0, back = 0;
  while (front < std::min(a.size(), b.size()) && a[front].text == b[front].text) ++front;
  while (back + front < std::min(a.size(), b.size()) &&
         a[a.size() - 1 - back].text == b[b.size() - 1 - back].text)
    ++back;
  const auto middle = [&](const std::vector<Word>& words) {
    std::string out;
    for (std::size_t i = front; i + back < words.size(); ++i) {
      if (words[i].text == "a" || words[i].text == "an") continue;
      out += (out.empty() ? "" : " ") + words[i].text;
    }
    return out;
  };
  return {middle(a), middle(b)};
}

std::vector<std::size_t> allowed(std::size_t open, const std::vector<std::size_t>& counts,
                                 const std::vector<double>& shares) {
  double total = static_cast<double>(open);
  for (const std::size_t one : counts) total += static_cast<double>(one);
  std::vector<double> left(counts.begin(), counts.end());
  for (int i = 0; i < 200; ++i) {  // each turn takes away what is above its share of the rest
    double next = static_cast<double>(open);
    for (std::size_t k = 0; k < counts.size(); ++k) {
      left[k] = std::min(static_cast<double>(counts[k]), shares[k] * total);
      next += left[k];
    }
    if (total - next < 1e-9) break;
    total = next;
  }
  std::vector<std::size_t> out;
  for (const double one : left) out.push_back(static_cast<std::size_t>(one + 1e-6));
  return out;
}

}  // namespace moonbeam::pipeline
