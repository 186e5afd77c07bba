#include "data/pipeline/writing/repeats.h"

#include <algorithm>

#include "base/text.h"
#include "data/pipeline/stage/context.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

std::vector<std::uint64_t> word_trigrams(std::string_view text) {
  const std::vector<Word> words = words_of(text);
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i + 3 <= words.size(); ++i) {
    out.push_back(hash_text(base::cat(words[i].text, ' ', words[i + 1].text, ' ', words[i + 2].text)));
  }
  if (out.empty()) out.push_back(hash_text(lower(text)));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t both = 0;
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    if (a[i] == b[k])
      ++both, ++i, ++k;
    else if (a[i] < b[k])
      ++i;
    else
      ++k;
  }
  const std::size_t all = a.size() + b.size() - both;
  return all == 0 ? 0 : static_cast<double>(both) / static_cast<double>(all);
}

std::string Recent::like(const std::string& kind, const std::vector<std::uint64_t>& grams, double limit,
                         std::string_view except) const {
  const auto found = items_.find(kind);
  if (found == items_.end()) return "";
  for (const Item& one : found->second) {
    // Sizes alone rule most of them out.
    const double smaller = static_cast<double>(std::min(one.grams.size(), grams.size()));
    if (smaller <= limit * static_cast<double>(std::max(one.grams.size(), grams.size()))) continue;
    if (one.id != except && jaccard(one.grams, grams) > limit) return one.id;
  }
  return "";
}

double Recent::likeness(const std::string& kind, const std::vector<std::uint64_t>& grams) const {
  const auto found = items_.find(kind);
  if (found == items_.end()) return 0;
  double most = 0;
  for (const Item& one : found->second) most = std::max(most, jaccard(one.grams, grams));
  return most;
}

void Recent::add(const std::string& kind, std::string id, std::vector<std::uint64_t> grams) {
  std::deque<Item>& items = items_[kind];
  items.push_back({std::move(id), std::move(grams)});
  if (items.size() > window_) items.pop_front();
}

}  // namespace moonbeam::pipeline
