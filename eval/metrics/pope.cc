#include "eval/metrics/pope.h"

#include <algorithm>
#include <map>
#include <set>

#include "data/scenes/random.h"
#include "data/scenes/words.h"

namespace moonbeam::eval {

namespace {

constexpr std::size_t kPositives = 3;

double over(int part, int whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / whole;
}

std::vector<std::string> split(std::string_view text, bool empty_too) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t end = text.find(' ');
    if (const std::string_view word = text.substr(0, end); empty_too || !word.empty()) out.emplace_back(word);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<bool> official(std::string_view text) {
  std::string before(text.substr(0, text.find('.')));
  std::erase(before, ',');
  const std::vector<std::string> words = split(before, true);
  return !(holds(words, "No") || holds(words, "no") || holds(words, "not"));
}

std::optional<bool> strict(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || (text.front() >= '\t' && text.front() <= '\r')))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || (text.back() >= '\t' && text.back() <= '\r')))
    text.remove_suffix(1);
  const std::string low = data::lowered(text);
  if (low == "yes") return true;
  if (low == "no") return false;
  return std::nullopt;
}

std::optional<bool> token(std::string_view text) {
  std::string plain;
  for (const char c : data::lowered(text)) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
    if (kept) plain += c;
    if (c == ' ' || (c >= '\t' && c <= '\r')) plain += ' ';
  }
  const std::vector<std::string> words = split(plain, false);
  const bool yes = holds(words, "yes"), no = holds(words, "no");
  if (yes == no) return std::nullopt;
  return yes;
}

std::string question_about(const std::string& object) {
  const bool vowel = std::string_view("aeiou").find(data::lowered(object[0])) != std::string_view::npos;
  return std::string("Is there ") + (vowel ? "an " : "a ") + object + " in the image?";
}

class Builder {
 public:
  Builder(std::span<const std::vector<std::string>> pictures, PopeKind kind, std::uint64_t seed)
      : pictures_(pictures), kind_(kind), seed_(seed) {
    for (const std::vector<std::string>& names : pictures) {
      const std::set<std::string> once(names.begin(), names.end());
      for (const std::string& one : once) {
        ++counts_[one];
        for (const std::string& other : once) {
          if (other != one) ++together_[one][other];
        }
      }
    }
  }

  std::vector<PopeQuestion> run() {
    for (std::size_t i = 0; i < pictures_.size(); ++i) ask(i);
    return std::move(out_);
  }

 private:
  void ask(std::size_t picture) {
    const std::set<std::string> once(pictures_[picture].begin(), pictures_[picture].end());
    if (once.size() < kPositives) return;
    data::Stream stream(seed_, 0, picture, data::Part::kQuestions);
    std::vector<std::string> positives(once.begin(), once.end());
    std::set<std::string> out_of_bounds = once;
    for (std::size_t k = 0; k < kPositives; ++k) {
      std::swap(positives[k], positives[k + stream.below(static_cast<std::uint32_t>(positives.size() - k))]);
      const std::string& positive = positives[k];
      const std::optional<std::string> negative = absent(positive, out_of_bounds, stream);
      if (!negative) return;  // every thing of the corpus is there
      out_.push_back({picture, question_about(positive), positive, true});
      out_.push_back({picture, question_about(*negative), *negative, false});
      out_of_bounds.insert(*negative);
    }
  }

  std::optional<std::string> absent(const std::string& positive, const std::set<std::string>& used,
                                    data::Stream& stream) const {
    if (kind_ == PopeKind::kPopular) {
      if (auto one = most_frequent(counts_, used)) return one;
    } else if (kind_ == PopeKind::kAdversarial) {
      const auto found = together_.find(positive);
      if (found != together_.end()) {
        if (auto one = most_frequent(found->second, used)) return one;
      }
    }
    std::vector<std::string> free;
    for (const auto& [name, count] : counts_) {
      if (!used.contains(name)) free.push_back(name);
    }
    if (free.empty()) return std::nullopt;
    return free[stream.below(static_cast<std::uint32_t>(free.size()))];
  }

  /// The first by name of the most frequent.
  static std::optional<std::string> most_frequent(const std::map<std::string, int>& counts,
                                                  const std::set<std::string>& used) {
    std::optional<std::string> best;
    int most = 0;
    for (const auto& [name, count] : counts) {
      if (count <= most || used.contains(name)) continue;
      most = count;
      best = name;
    }
    return best;
  }

  std::span<const std::vector<std::string>> pictures_;
  PopeKind kind_;
  std::uint64_t seed_;
  std::map<std::string, int> counts_;
  std::map<std::string, std::map<std::string, int>> together_;
  std::vector<PopeQuestion> out_;
};

}  // namespace

std::optional<bool> pope_answer(std::string_view text, PopeParser parser) {
  switch (parser) {
    case PopeParser::kOfficial:
      return official(text);
    case PopeParser::kStrict:
      return strict(text);
    case PopeParser::kToken:
      return token(text);
  }
  return std::nullopt;
}

void PopeCounts::add(std::optional<bool> answer, bool truth) {
  if (!answer) {
    ++unread;
    unread_of_yes += truth;
  } else if (*answer) {
    ++(truth ? true_yes : false_yes);
  } else {
    ++(truth ? false_no : true_no);
  }
}

double PopeCounts::accuracy() const {
  return over(true_yes + true_no, questions());
}
double PopeCounts::precision() const {
  return over(true_yes, true_yes + false_yes);
}
double PopeCounts::recall() const {
  return over(true_yes, true_yes + false_no + unread_of_yes);
}
double PopeCounts::f1() const {
  const double p = precision(), r = recall();
  return p + r > 0 ? 2 * p * r / (p + r) : 0;
}
double PopeCounts::yes_ratio() const {
  return over(true_yes + false_yes, questions());
}

std::vector<PopeQuestion> pope_questions(std::span<const std::vector<std::string>> pictures, PopeKind kind,
                                         std::uint64_t seed) {
  return Builder(pictures, kind, seed).run();
}

}  // namespace moonbeam::eval
