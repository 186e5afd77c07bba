#include "data/pipeline/evidence/traces.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moonbeam::pipeline {

namespace {

constexpr std::size_t kMostWords = 2000;  // of a text and of a recording: the alignment is a table of both

struct Said {
  std::string word;
  double start, end;
};

/// Words with their times; of several in one utterance each has its part by its letters.
std::vector<Said> said_in(const data::Narrative& narrative) {
  std::vector<Said> out;
  for (const data::TimedWords& one : narrative.words) {
    const std::vector<Word> words = words_of(one.text);
    if (words.empty()) continue;
    const double length = std::max(1.0, static_cast<double>(words.back().end - words.front().begin));
    for (const Word& word : words) {
      const auto when = [&](std::size_t byte) {
        return one.start + (one.end - one.start) * static_cast<double>(byte - words.front().begin) / length;
      };
      out.push_back({word.text, when(word.begin), when(word.end)});
    }
  }
  if (out.size() > kMostWords) out.resize(kMostWords);
  return out;
}

/// For each word of `text` the index of its word in `said`, -1 for none: the monotone alignment of least
/// cost, where other words cost more than none.
std::vector<int> align(const std::vector<std::string>& text, const std::vector<Said>& said) {
  const std::size_t n = text.size(), m = said.size();
  constexpr int kGap = 2, kOther = 3;
  std::vector<int> cost((n + 1) * (m + 1));
  const auto at = [&](std::size_t i, std::size_t k) -> int& { return cost[i * (m + 1) + k]; };
  const auto differ = [&](std::size_t i, std::size_t k) { return text[i] == said[k].word ? 0 : kOther; };
  for (std::size_t i = 0; i <= n; ++i) at(i, 0) = static_cast<int>(i) * kGap;
  for (std::size_t k = 0; k <= m; ++k) at(0, k) = static_cast<int>(k) * kGap;
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t k = 1; k <= m; ++k) {
      at(i, k) =
          std::min({at(i - 1, k - 1) + differ(i - 1, k - 1), at(i - 1, k) + kGap, at(i, k - 1) + kGap});
    }
  }
  std::vector<int> out(n, -1);
  for (std::size_t i = n, k = m; i > 0 && k > 0;) {
    if (at(i, k) == at(i - 1, k - 1) + differ(i - 1, k - 1)) {
      out[--i] = static_cast<int>(--k);
    } else if (at(i, k) == at(i - 1, k) + kGap) {
      --i;
    } else {
      --k;
    }
  }
  return out;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(at));
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

}  // namespace

double hull_area(std::vector<Point> points) {
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  if (points.size() < 3) return 0;
  const auto turn = [](const Point& a, const Point& b, const Point& c) {
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  };
  std::vector<Point> hull;
  for (int side = 0; side < 2; ++side) {
    const std::size_t start = hull.size();
    for (const Point& one : points) {
      while (hull.size() >= start + 2 && turn(hull[hull.size() - 2], hull.back(), one) <= 0) hull.pop_back();
      hull.push_back(one);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  double twice = 0;
  for (std::size_t i = 0; i < hull.size(); ++i) {
    const Point &a = hull[i], &b = hull[(i + 1) % hull.size()];
    twice += a[0] * b[1] - a[1] * b[0];
  }
  return std::abs(twice) / 2;
}

double share_inside(const std::vector<Point>& points, const Box& box) {
  if (points.empty()) return 0;
  const auto in = std::count_if(points.begin(), points.end(), [&](const Point& one) {
    return one[0] >= box[0] && one[0] <= box[2] && one[1] >= box[1] && one[1] <= box[3];
  });
  return static_cast<double>(in) / static_cast<double>(points.size());
}

SpokenText::SpokenText(std::string_view text, const data::Narrative& narrative, const TraceSettings& settings)
    : settings_(settings) {
  std::vector<std::string> plain;
  for (Word& word : words_of(text)) {
    if (plain.size() == kMostWords) break;
    plain.push_back(word.text);
    words_.push_back({std::move(word)});
  }
  const std::vector<Said> said = said_in(narrative);
  const std::vector<int> matched = align(plain, said);
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (matched[i] < 0) continue;
    const Said& one = said[static_cast<std::size_t>(matched[i])];
    words_[i].start = one.start;
    words_[i].end = one.end;
  }
  for (const auto& trace : narrative.traces) points_.insert(points_.end(), trace.begin(), trace.end());
}

std::optional<PhraseTrace> SpokenText::at(std::size_t begin, std::size_t end) const {
  double from = std::numeric_limits<double>::max(), to = -1;
  for (const Timed& one : words_) {
    if (one.word.end <= begin || one.word.begin >= end || one.start < 0) continue;
    from = std::min(from, one.start);
    to = std::max(to, one.end);
  }
  if (to < 0) return std::nullopt;
  from -= settings_.pad;
  to += settings_.pad;
  PhraseTrace out;
  std::vector<double> x, y;
  for (const data::TracePoint& point : points_) {
    if (point.t < from || point.t > to) continue;
    out.points.push_back({std::clamp(point.x, 0.0, 1.0), std::clamp(point.y, 0.0, 1.0)});
    x.push_back(out.points.back()[0]);
    y.push_back(out.points.back()[1]);
  }
  if (static_cast<int>(out.points.size()) < settings_.least_points) return std::nullopt;
  const auto side = [&](const std::vector<double>& values, double share, double grow) {
    return std::clamp(percentile(values, share) + grow, 0.0, 1.0);
  };
  out.box = {side(x, settings_.low, -settings_.grow), side(y, settings_.low, -settings_.grow),
             side(x, 1 - settings_.low, settings_.grow), side(y, 1 - settings_.low, settings_.grow)};
  out.median = {percentile(x, 0.5), percentile(y, 0.5)};
  out.hull = hull_area(out.points);
  out.quality = static_cast<double>(out.points.size()) / std::max(1e-9, (to - from) * settings_.rate);
  if (out.quality < settings_.least_quality || out.hull > settings_.most_hull) return std::nullopt;
  return out;
}

}  // namespace moonbeam::pipeline
