#include "data/scenes/blind.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <unordered_map>

#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr int kFolds = 5;
constexpr int kEpochs = 12;
constexpr double kRate = 0.15, kDecay = 1e-5;

std::string core_of(const std::string& question) {
  return lowered(question.substr(0, question.find_first_of("?.\n")));
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) {
      word += lowered(c);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

using Features = std::vector<std::uint32_t>;

std::vector<Features> bags(const std::vector<BlindSample>& samples, std::size_t& size) {
  std::unordered_map<std::string, std::uint32_t> ids;
  std::vector<Features> out;
  for (const BlindSample& sample : samples) {
    Features bag;
    const std::vector<std::string> words = words_of(sample.question);
    for (std::size_t i = 0; i < words.size(); ++i) {
      bag.push_back(ids.emplace(words[i], ids.size()).first->second);
      if (i > 0) bag.push_back(ids.emplace(words[i - 1] + " " + words[i], ids.size()).first->second);
    }
    std::sort(bag.begin(), bag.end());
    bag.erase(std::unique(bag.begin(), bag.end()), bag.end());
    out.push_back(std::move(bag));
  }
  size = ids.size();
  return out;
}

double share_of_commonest(const std::vector<BlindSample>& samples) {
  std::map<std::string, int> counts;
  int most = 0;
  for (const BlindSample& sample : samples) most = std::max(most, ++counts[sample.answer]);
  return samples.empty() ? 0 : static_cast<double>(most) / static_cast<double>(samples.size());
}

/// Folds are stretches of the stream: neighbours come from one scene and share its answers.
int fold_of(std::size_t sample, std::size_t samples) {
  return static_cast<int>(sample * kFolds / samples);
}

struct Regression {
  std::vector<double> weights;
  double bias = 0;

  double score(const Features& bag) const {
    return std::accumulate(bag.begin(), bag.end(), bias,
                           [&](double sum, std::uint32_t i) { return sum + weights[i]; });
  }
  void learn(const Features& bag, bool answer, double rate) {
    const double error = (answer ? 1.0 : 0.0) - 1 / (1 + std::exp(-score(bag)));
    bias += rate * error;
    for (const std::uint32_t i : bag) weights[i] += rate * (error - kDecay * weights[i]);
  }
};

}  // namespace

BlindScore blind_regression(const std::vector<BlindSample>& samples) {
  if (samples.empty()) return {};
  std::size_t size = 0;
  const std::vector<Features> features = bags(samples, size);
  int right = 0;
  for (int fold = 0; fold < kFolds; ++fold) {
    Regression model;
    model.weights.assign(size, 0);
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      for (std::size_t i = 0; i < samples.size(); ++i) {
        if (fold_of(i, samples.size()) == fold) continue;
        model.learn(features[i], samples[i].answer == samples[0].answer, kRate / (1 + epoch));
      }
    }
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (fold_of(i, samples.size()) != fold) continue;
      right += (model.score(features[i]) > 0) == (samples[i].answer == samples[0].answer);
    }
  }
  return {right / static_cast<double>(samples.size()), share_of_commonest(samples)};
}

BlindScore blind_lookup(const std::vector<BlindSample>& samples) {
  if (samples.empty()) return {};
  int right = 0;
  for (int fold = 0; fold < kFolds; ++fold) {
    std::map<std::string, std::map<std::string, int>> seen;
    std::map<std::string, int> all;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (fold_of(i, samples.size()) == fold) continue;
      ++seen[core_of(samples[i].question)][samples[i].answer];
      ++all[samples[i].answer];
    }
    const auto commonest = [](const std::map<std::string, int>& counts) {
      return std::max_element(counts.begin(), counts.end(),
                              [](const auto& a, const auto& b) { return a.second < b.second; })
          ->first;
    };
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (fold_of(i, samples.size()) != fold) continue;
      const auto at = seen.find(core_of(samples[i].question));
      right += samples[i].answer == commonest(at == seen.end() ? all : at->second);
    }
  }
  return {right / static_cast<double>(samples.size()), share_of_commonest(samples)};
}

}  // namespace moonbeam::data
