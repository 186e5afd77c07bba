#include "data/pipeline/report/monitors.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "data/pipeline/reduce/s14_balance.h"
#include "data/pipeline/reduce/text.h"
#include "data/pipeline/report/eigenvalues.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::size_t kMostDeflated = std::size_t{1} << 20;
constexpr int kBleu = 4;

std::uint64_t run_hash(const std::vector<std::string>& words, std::size_t at, std::size_t n) {
  std::uint64_t hash = n;
  for (std::size_t i = at; i < at + n; ++i) hash = joined_hash(hash, hash_of(words[i]));
  return hash;
}

using Counts = std::unordered_map<std::uint64_t, int>;

Counts runs_of(const std::vector<std::string>& words, int n) {
  Counts out;
  const auto run = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i + run <= words.size(); ++i) ++out[run_hash(words, i, run)];
  return out;
}

/// The largest count of a run in one text, whose, and the largest in any other: what each text's references
/// hold can be told without comparing it with all of them.
struct Most {
  int first = 0, second = 0;
  std::size_t whose = 0;
};

std::vector<std::pair<std::string, double>> shares_of(const std::map<std::string, std::int64_t>& counts,
                                                      std::int64_t all, std::size_t most) {
  std::vector<std::pair<std::string, double>> out;
  for (const auto& [name, count] : counts) {
    out.emplace_back(name, static_cast<double>(count) / static_cast<double>(all));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (out.size() > most) out.resize(most);
  return out;
}

std::map<std::string, std::int64_t> counted(Texts texts) {
  std::map<std::string, std::int64_t> out;
  for (const std::string& text : texts) ++out[text];
  return out;
}

/// Length of the other text that is nearest in length, the shorter of two.
std::size_t closest_length(const std::map<std::size_t, int>& lengths, std::size_t own) {
  const auto others = [&](std::map<std::size_t, int>::const_iterator at) {
    return at->second - (at->first == own ? 1 : 0) > 0;
  };
  auto above = lengths.lower_bound(own);
  auto below = above;
  while (above != lengths.end() && !others(above)) ++above;
  while (below != lengths.begin()) {
    --below;
    if (!others(below)) continue;
    if (above == lengths.end() || own - below->first <= above->first - own) return below->first;
    break;
  }
  return above == lengths.end() ? 0 : above->first;
}

}  // namespace

double distinct_n(Texts texts, int n) {
  std::unordered_set<std::uint64_t> different;
  std::int64_t all = 0;
  for (const std::string& text : texts) {
    for (const auto& [hash, count] : runs_of(plain_words(text), n)) {
      different.insert(hash);
      all += count;
    }
  }
  return all == 0 ? 0 : static_cast<double>(different.size()) / static_cast<double>(all);
}

double self_bleu(Texts texts) {
  if (texts.size() < 2) return 0;
  std::vector<std::array<Counts, kBleu>> runs(texts.size());
  std::array<std::unordered_map<std::uint64_t, Most>, kBleu> most;
  std::vector<std::size_t> own(texts.size());
  std::map<std::size_t, int> lengths;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::vector<std::string> words = plain_words(texts[i]);
    own[i] = words.size();
    ++lengths[words.size()];
    for (int n = 0; n < kBleu; ++n) {
      runs[i][n] = runs_of(words, n + 1);
      for (const auto& [hash, count] : runs[i][n]) {
        Most& one = most[n][hash];
        if (count > one.first) {
          one = {count, one.first, i};
        } else {
          one.second = std::max(one.second, count);
        }
      }
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    double log_precision = 0;
    for (int n = 0; n < kBleu; ++n) {
      int matched = 0, all = 0;
      for (const auto& [hash, count] : runs[i][n]) {
        const Most& one = most[n].at(hash);
        matched += std::min(count, one.whose == i ? one.second : one.first);
        all += count;
      }
      log_precision += matched == 0 ? -INFINITY : std::log(static_cast<double>(matched) / all) / kBleu;
    }
    const auto length = static_cast<double>(own[i]),
               nearest = static_cast<double>(closest_length(lengths, own[i]));
    if (std::isfinite(log_precision)) sum += std::exp(log_precision + std::min(0.0, 1 - nearest / length));
  }
  return sum / static_cast<double>(texts.size());
}

double compression_ratio(Texts texts) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += '\n';
    all += text;
    if (all.size() >= kMostDeflated) break;
  }
  all.resize(std::min(all.size(), kMostDeflated));
  if (all.empty()) return 0;
  uLongf size = compressBound(all.size());
  std::vector<Bytef> out(size);
  if (compress2(out.data(), &size, reinterpret_cast<const Bytef*>(all.data()), all.size(), 9) != Z_OK) {
    base::fail(ErrorCode::kExhausted, "no memory to compress ", all.size(), " bytes");
  }
  return static_cast<double>(all.size()) / static_cast<double>(size);
}

std::vector<std::pair<std::string, double>> opener_shares(Texts texts, std::size_t most) {
  std::map<std::string, std::int64_t> counts;
  for (const std::string& text : texts) ++counts[opener_of(text)];
  return shares_of(counts, static_cast<std::int64_t>(texts.size()), most);
}

double vendi_score(std::vector<double> kernel, int n) {
  if (n == 0) return 0;
  for (double& value : kernel) value /= n;
  double entropy = 0;
  for (const double value : symmetric_eigenvalues(std::move(kernel), n)) {
    if (value > 1e-15) entropy -= value * std::log(value);
  }
  return std::exp(entropy);
}

double vendi_score(const std::vector<std::vector<float>>& vectors) {
  std::vector<std::vector<double>> units;
  for (const std::vector<float>& vector : vectors) {
    double sum = 0;
    for (const float value : vector) sum += static_cast<double>(value) * value;
    if (sum <= 0) continue;
    units.emplace_back(vector.begin(), vector.end());
    for (double& value : units.back()) value /= std::sqrt(sum);
  }
  if (units.empty()) return 0;
  const std::size_t n = units.size(), width = units[0].size();
  // X X' [n, n] and X' X [width, width] have the same eigenvalues but for zeros: the smaller one will do.
  const std::size_t side = std::min(n, width);
  std::vector<double> kernel(side * side, 0.0);
  if (n <= width) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < width; ++k) sum += units[i][k] * units[j][k];
        kernel[i * n + j] = kernel[j * n + i] = sum;
      }
    }
    return vendi_score(std::move(kernel), static_cast<int>(n));
  }
  for (const std::vector<double>& unit : units) {
    for (std::size_t i = 0; i < width; ++i) {
      if (unit[i] == 0) continue;
      for (std::size_t j = 0; j < width; ++j) kernel[i * width + j] += unit[i] * unit[j];
    }
  }
  // vendi_score divides by the side, and it has to be by n.
  for (double& value : kernel) value *= static_cast<double>(width) / static_cast<double>(n);
  return vendi_score(std::move(kernel), static_cast<int>(width));
}

NounShares noun_shares(Texts nouns, const std::vector<std::string>& sorted_seeds) {
  NounShares out;
  if (nouns.empty()) return out;
  const std::map<std::string, std::int64_t> counts = counted(nouns);
  out.top = shares_of(counts, static_cast<std::int64_t>(nouns.size()), 20);
  std::size_t kinds = sorted_seeds.size();
  for (const auto& [noun, count] : counts) {
    kinds += !std::binary_search(sorted_seeds.begin(), sorted_seeds.end(), noun);
  }
  for (const auto& [noun, count] : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(nouns.size());
    out.divergence += share * std::log(share * static_cast<double>(kinds));
  }
  return out;
}

AnswerSpread answer_spread(Texts answers) {
  AnswerSpread out;
  out.count = static_cast<std::int64_t>(answers.size());
  for (const auto& [answer, count] : counted(answers)) {
    const double share = static_cast<double>(count) / static_cast<double>(answers.size());
    out.entropy -= share * std::log(share);
    out.top = std::max(out.top, share);
  }
  return out;
}

double length_distance(const Lengths& a, const Lengths& b) {
  double all_a = 0, all_b = 0;
  Lengths steps = a;
  for (const auto& [length, count] : a) all_a += static_cast<double>(count);
  for (const auto& [length, count] : b) {
    all_b += static_cast<double>(count);
    steps[length];
  }
  if (all_a == 0 || all_b == 0) return all_a == all_b ? 0 : 1;
  double most = 0, below_a = 0, below_b = 0;
  for (const auto& [length, unused] : steps) {
    if (const auto found = a.find(length); found != a.end()) below_a += static_cast<double>(found->second);
    if (const auto found = b.find(length); found != b.end()) below_b += static_cast<double>(found->second);
    most = std::max(most, std::fabs(below_a / all_a - below_b / all_b));
  }
  return most;
}

}  // namespace moonbeam::pipeline
