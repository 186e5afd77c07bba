#include "eval/metrics/vqa.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/text.h"
#include "data/formats/vqa_answer.h"

namespace moonbeam::eval {

namespace {

using data::normalised_answer;
using data::trimmed_answer;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Trimmed, runs of whitespace as one space.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text)) {
    if (!is_space(c)) {
      out += c;
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

/// Each answer against the others: min(1, k / 3), averaged.
double leave_one_out(const std::string& prediction, const std::vector<std::string>& answers) {
  const auto hits = static_cast<int>(std::count(answers.begin(), answers.end(), prediction));
  double sum = 0;
  for (const std::string& answer : answers) sum += std::min(1.0, (hits - (answer == prediction)) / 3.0);
  return sum / static_cast<double>(answers.size());
}

double of_three(const std::string& prediction, const std::vector<std::string>& answers) {
  return std::min(1.0, static_cast<double>(std::count(answers.begin(), answers.end(), prediction)) / 3);
}

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (std::size_t pos = 0; pos < text.size();) out += base::next_code_point(text, pos);
  return out;
}

std::size_t levenshtein(const std::u32string& a, const std::u32string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t above_left = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, above_left + (a[i - 1] != b[j - 1])});
      above_left = above;
    }
  }
  return row[b.size()];
}

/// What Python's float() takes, without its underscores, after trimming; "50%" is 0.5.
std::optional<double> as_number(std::string_view text) {
  text = trimmed(text);
  double factor = 1;
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    text = trimmed(text);
    factor = 0.01;
  }
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return factor == 1 ? value : value / 100;
}

std::optional<std::vector<std::string>> as_list(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& one : json) out.push_back(one.is_string() ? one.get<std::string>() : one.dump());
  return out;
}

bool relaxed_single(std::string_view prediction, std::string_view gold) {
  const std::optional<double> p = as_number(prediction), g = as_number(gold);
  // The bound is on a quotient of doubles, as the scorers compute it.
  if (p && g && *g != 0) return std::fabs(*p - *g) / std::fabs(*g) <= 0.05;
  return strict_correct(prediction, gold);
}

}  // namespace

double vqa_accuracy(std::string_view prediction, std::span<const std::string> answers, VqaRule rule) {
  if (answers.empty()) return 0;
  std::vector<std::string> golds;
  for (const std::string& one : answers) golds.push_back(trimmed_answer(one));
  const bool alike =
      std::all_of(golds.begin(), golds.end(), [&](const std::string& one) { return one == golds[0]; });
  const auto normalise = [&](std::string (*how)(std::string_view)) {
    for (std::string& one : golds) one = how(one);
  };
  switch (rule) {
    case VqaRule::kOfficial:
      if (alike) return leave_one_out(trimmed_answer(prediction), golds);
      normalise(normalised_answer);
      return leave_one_out(normalised_answer(prediction), golds);
    case VqaRule::kEvalAi:
      normalise(data::normalised_answer_evalai);
      return leave_one_out(data::normalised_answer_evalai(prediction), golds);
    case VqaRule::kMin3:
      normalise(normalised_answer);
      break;
    case VqaRule::kMoondream:
      if (!alike) normalise(normalised_answer);
      break;
  }
  return of_three(normalised_answer(prediction), golds);
}

bool gqa_correct(std::string_view prediction, std::string_view answer) {
  const auto plain = [](std::string_view text) {
    constexpr std::string_view kMarks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    std::string out;
    for (const char c : text) {
      if (kMarks.find(c) == std::string_view::npos) out += c;
    }
    return lowered(squeezed(out));
  };
  return plain(prediction) == plain(answer);
}

double anls(std::string_view prediction, std::span<const std::string> golds) {
  double best = 0;
  const std::u32string p = code_points(lowered(squeezed(prediction)));
  for (const std::string& gold : golds) {
    const std::size_t distance = levenshtein(code_points(lowered(squeezed(gold))), p);
    // Lengths are those of the texts as they came.
    const std::size_t length = std::max(base::count_code_points(gold), base::count_code_points(prediction));
    best = std::max(best, length == 0 ? 1 : 1 - static_cast<double>(distance) / static_cast<double>(length));
  }
  return best < 0.5 ? 0 : best;
}

bool relaxed_correct(std::string_view prediction, std::string_view gold) {
  const auto p = as_list(prediction), g = as_list(gold);
  if (p && g && p->size() == g->size()) {
    for (std::size_t i = 0; i < g->size(); ++i) {
      if (!relaxed_single((*p)[i], (*g)[i])) return false;
    }
    return true;
  }
  return relaxed_single(prediction, gold);
}

bool strict_correct(std::string_view prediction, std::string_view gold) {
  return lowered(std::string(trimmed(prediction))) == lowered(std::string(trimmed(gold)));
}

bool count_correct(std::string_view prediction, int number) {
  return trimmed(prediction) == std::to_string(number);
}

int count_error(std::string_view prediction, int number) {
  const std::string_view text = trimmed(prediction);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return -1;
  return std::abs(value - number);
}

}  // namespace moonbeam::eval
