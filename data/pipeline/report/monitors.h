// Monitors of entropy and collapse, M1 to M10 of data.md 5.3: what each measures, as a function of texts.
// Which texts, against what and when that is an alert, is measured.h's.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonbeam::pipeline {

using Texts = std::span<const std::string>;

/// M1. Different runs of n words over all of them; 0 where there are none.
double distinct_n(Texts texts, int n);

/// M2. Mean BLEU-4 of each text against all others; without smoothing.
double self_bleu(Texts texts);

/// M3. Bytes over bytes deflated (zlib, level 9) of the texts, a line each, up to 1 MiB.
double compression_ratio(Texts texts);

/// M4. Shares of the commonest beginnings of four words, falling; equal ones by name.
std::vector<std::pair<std::string, double>> opener_shares(Texts texts, std::size_t most = 10);

/// M5. exp of the entropy of the eigenvalues of K / n. @param kernel  [n, n], ones on the diagonal
double vendi_score(std::vector<double> kernel, int n);
/// The same with the cosines of vectors; one without a length is left out.
double vendi_score(const std::vector<std::vector<float>>& vectors);

/// M6. Of the nouns that absurd questions are about.
struct NounShares {
  double divergence = 0;  ///< KL(nouns || seeds), each seed equally likely; a noun that is no seed as one
  std::vector<std::pair<std::string, double>> top;  ///< commonest, at most 20
};
NounShares noun_shares(Texts nouns, const std::vector<std::string>& sorted_seeds);

/// M7. Entropy in nats and the largest share.
struct AnswerSpread {
  double entropy = 0, top = 0;
  std::int64_t count = 0;
};
AnswerSpread answer_spread(Texts answers);

/// M10. Largest distance of the two distributions of lengths.
using Lengths = std::map<int, std::int64_t>;
double length_distance(const Lengths& a, const Lengths& b);

}  // namespace moonbeam::pipeline
