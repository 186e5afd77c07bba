#include "eval/metrics/cider.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "data/scenes/words.h"

namespace moonbeam::eval {

namespace {

constexpr int kLongest = 4;
constexpr double kSigma = 6;

using Grams = std::map<std::vector<std::string>, int>;

Grams grams_of(const std::vector<std::string>& words, int n) {
  Grams out;
  for (std::size_t i = 0; i + static_cast<std::size_t>(n) <= words.size(); ++i) {
    ++out[std::vector<std::string>(words.begin() + static_cast<std::ptrdiff_t>(i),
                                   words.begin() + static_cast<std::ptrdiff_t>(i) + n)];
  }
  return out;
}

/// A text's n-grams of each length, weighed.
struct Weighed {
  std::map<std::vector<std::string>, double> values[kLongest];
  double norm[kLongest] = {};
  double length = 0;  ///< in pairs of words
};

class Cider {
 public:
  explicit Cider(std::span<const CaptionedPicture> pictures) : pictures_(pictures) {
    for (const CaptionedPicture& picture : pictures) {
      std::set<std::vector<std::string>> said;
      for (const std::string& reference : picture.references) {
        for (int n = 1; n <= kLongest; ++n) {
          for (const auto& [gram, count] : grams_of(caption_words(reference), n)) said.insert(gram);
        }
      }
      for (const std::vector<std::string>& gram : said) ++pictures_with_[gram];
    }
  }

  double score(const CaptionedPicture& picture) const {
    if (picture.references.empty()) return 0;
    const Weighed hypothesis = weigh(picture.hypothesis);
    double sum = 0;
    for (const std::string& text : picture.references) {
      const Weighed reference = weigh(text);
      for (int n = 0; n < kLongest; ++n) sum += likeness(hypothesis, reference, n);
    }
    return 10 * sum / kLongest / static_cast<double>(picture.references.size());
  }

 private:
  Weighed weigh(const std::string& text) const {
    Weighed out;
    const std::vector<std::string> words = caption_words(text);
    out.length = words.empty() ? 0 : static_cast<double>(words.size() - 1);
    const double all = std::log(static_cast<double>(pictures_.size()));
    for (int n = 0; n < kLongest; ++n) {
      for (const auto& [gram, count] : grams_of(words, n + 1)) {
        const auto found = pictures_with_.find(gram);
        const double with = found == pictures_with_.end() ? 1 : static_cast<double>(found->second);
        const double value = count * (all - std::log(with));
        out.values[n][gram] = value;
        out.norm[n] += value * value;
      }
      out.norm[n] = std::sqrt(out.norm[n]);
    }
    return out;
  }

  static double likeness(const Weighed& hypothesis, const Weighed& reference, int n) {
    double sum = 0;
    for (const auto& [gram, value] : hypothesis.values[n]) {
      const auto found = reference.values[n].find(gram);
      if (found != reference.values[n].end()) sum += std::min(value, found->second) * found->second;
    }
    const double norms = hypothesis.norm[n] * reference.norm[n];
    if (norms <= 0) return 0;
    const double apart = hypothesis.length - reference.length;
    return sum / norms * std::exp(-apart * apart / (2 * kSigma * kSigma));
  }

  std::span<const CaptionedPicture> pictures_;
  std::map<std::vector<std::string>, int> pictures_with_;
};

}  // namespace

std::vector<std::string> caption_words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? data::lowered(text[i]) : ' ';
    const bool kept =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0 || c == '\'' || c == '-';
    if (kept) {
      word += c;
    } else if (!word.empty()) {
      // A mark of its own is none of a word's.
      if (word.find_first_not_of("'-") != std::string::npos) out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

CiderScores cider_d(std::span<const CaptionedPicture> pictures) {
  const Cider cider(pictures);
  CiderScores out;
  for (const CaptionedPicture& picture : pictures) {
    out.each.push_back(cider.score(picture));
    out.mean += out.each.back() / static_cast<double>(pictures.size());
  }
  return out;
}

}  // namespace moonbeam::eval
