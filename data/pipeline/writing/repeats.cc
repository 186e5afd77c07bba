#include "data/pipeline/writing/repeats.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "data/pipeline/stage/context.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

/// 1 long; empty where it has no length.
std::vector<float> unit(const std::vector<float>& vector) {
  double sum = 0;
  for (const float value : vector) sum += static_cast<double>(value) * value;
  if (!(sum > 0) || !std::isfinite(sum)) return {};
  std::vector<float> out;
  for (const float value : vector) out.push_back(static_cast<float>(value / std::sqrt(sum)));
  return out;
}

/// Eight sums side by side, which compilers make into vectors.
float product(const std::vector<float>& a, const std::vector<float>& b) {
  std::array<float, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    for (std::size_t k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  }
  float out = 0;
  for (; i < a.size(); ++i) out += a[i] * b[i];
  for (const float one : sums) out += one;
  return out;
}

}  // namespace

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

std::string Recent::near(const std::string& kind, const std::vector<float>& vector, std::string_view answer,
                         double limit, std::string_view except) const {
  const auto found = items_.find(kind);
  const std::vector<float> mine = unit(vector);
  if (found == items_.end() || mine.empty()) return "";
  for (const Item& one : found->second) {
    if (one.answer != answer || one.id == except || one.vector.size() != mine.size()) continue;
    if (static_cast<double>(product(one.vector, mine)) > limit) return one.id;
  }
  return "";
}

void Recent::add(const std::string& kind, std::string id, std::vector<std::uint64_t> grams,
                 const std::vector<float>& vector, std::string answer) {
  std::deque<Item>& items = items_[kind];
  items.push_back({std::move(id), std::move(grams), unit(vector), std::move(answer)});
  if (items.size() > window_) items.pop_front();
}

}  // namespace moonbeam::pipeline
