#include "train/report/chart.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace moonbeam::train {

namespace {

constexpr double kWidth = 560, kHeight = 260, kLeft = 56, kRight = 10, kTop = 30, kBottom = 34;
constexpr std::size_t kMostPoints = 400;
constexpr std::array<const char*, 8> kColours = {"#4e79a7", "#f28e2b", "#59a14f", "#e15759",
                                                 "#b07aa1", "#9c755f", "#76b7b2", "#edc948"};

struct Range {
  double low = 0, high = 1;
  double place(double value) const { return (value - low) / (high - low); }
};

Range range_of(const std::vector<Curve>& curves, bool of_x) {
  Range range{INFINITY, -INFINITY};
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      range.low = std::min(range.low, of_x ? x : y);
      range.high = std::max(range.high, of_x ? x : y);
    }
  }
  if (!(range.low < range.high)) {
    const double middle = std::isfinite(range.low) ? range.low : 0;
    return {middle - 0.5, middle + 0.5};
  }
  return range;
}

// Round steps: 1, 2 or 5 times a power of ten, at most six of them.
std::vector<double> ticks(const Range& range) {
  const double rough = (range.high - range.low) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0}) {
    if (step < rough) step = factor * power;
  }
  std::vector<double> out;
  for (double at = std::ceil(range.low / step) * step; at <= range.high + step * 1e-9; at += step) {
    out.push_back(std::abs(at) < step * 1e-9 ? 0 : at);
  }
  return out;
}

std::string number(double value) {
  return base::format_decimal(value, std::abs(value) >= 100 ? 0 : std::abs(value) >= 1 ? 2 : 5);
}

std::string at(double value) {
  return base::format_decimal(value, 1);
}

}  // namespace

std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points,
                                               std::size_t most) {
  if (points.size() <= most) return points;
  std::vector<std::pair<double, double>> out;
  for (std::size_t bucket = 0; bucket < most; ++bucket) {
    const std::size_t begin = bucket * points.size() / most, end = (bucket + 1) * points.size() / most;
    std::pair<double, double> mean{0, 0};
    for (std::size_t i = begin; i < end; ++i) mean.first += points[i].first, mean.second += points[i].second;
    const auto count = static_cast<double>(end - begin);
    out.emplace_back(mean.first / count, mean.second / count);
  }
  return out;
}

std::string svg_chart(const std::string& title, const std::vector<Curve>& curves,
                      const std::vector<std::pair<double, std::string>>& marks) {
  std::vector<Curve> drawn;
  for (const Curve& curve : curves) {
    if (!curve.points.empty()) drawn.push_back({curve.name, thinned(curve.points, kMostPoints), curve.dots});
  }
  const Range xs = range_of(drawn, true), ys = range_of(drawn, false);
  const auto x_of = [&](double x) { return at(kLeft + xs.place(x) * (kWidth - kLeft - kRight)); };
  const auto y_of = [&](double y) { return at(kTop + (1 - ys.place(y)) * (kHeight - kTop - kBottom)); };
  const std::string bottom = at(kHeight - kBottom), top = at(kTop), left = at(kLeft),
                    right = at(kWidth - kRight);

  std::string svg =
      base::cat("<svg viewBox=\"0 0 ", at(kWidth), " ", at(kHeight), "\" role=\"img\"><text x=\"", left,
                "\" y=\"18\" class=\"title\">", escape_html(title), "</text>\n");
  for (const double y : ticks(ys)) {
    svg += base::cat("<line class=\"grid\" x1=\"", left, "\" x2=\"", right, "\" y1=\"", y_of(y), "\" y2=\"",
                     y_of(y), "\"/><text class=\"tick\" text-anchor=\"end\" x=\"", at(kLeft - 5), "\" y=\"",
                     y_of(y), "\" dy=\"4\">", number(y), "</text>\n");
  }
  for (const double x : ticks(xs)) {
    svg += base::cat("<text class=\"tick\" text-anchor=\"middle\" x=\"", x_of(x), "\" y=\"",
                     at(kHeight - kBottom + 14), "\">", number(x), "</text>\n");
  }
  for (const auto& [x, name] : marks) {
    if (x < xs.low || x > xs.high) continue;
    svg += base::cat("<line class=\"mark\" x1=\"", x_of(x), "\" x2=\"", x_of(x), "\" y1=\"", top, "\" y2=\"",
                     bottom, "\"/><text class=\"tick\" x=\"", x_of(x), "\" dx=\"3\" y=\"", at(kTop + 9),
                     "\">", escape_html(name), "</text>\n");
  }
  double legend = kWidth - kRight;
  for (std::size_t i = drawn.size(); i-- > 0;) {
    const char* colour = kColours[i % kColours.size()];
    std::string points;
    for (const auto& [x, y] : drawn[i].points) points += base::cat(x_of(x), ",", y_of(y), " ");
    svg += base::cat("<polyline fill=\"none\" stroke=\"", colour, "\" stroke-width=\"1.5\" points=\"", points,
                     "\"/>\n");
    if (drawn[i].dots) {
      for (const auto& [x, y] : drawn[i].points) {
        svg +=
            base::cat("<circle r=\"2.5\" fill=\"", colour, "\" cx=\"", x_of(x), "\" cy=\"", y_of(y), "\"/>");
      }
    }
    svg += base::cat("<text class=\"tick\" text-anchor=\"end\" fill=\"", colour, "\" style=\"fill:", colour,
                     "\" x=\"", at(legend), "\" y=\"", at(kHeight - 6), "\">", escape_html(drawn[i].name),
                     "</text>\n");
    legend -= 12 + 6.5 * static_cast<double>(base::count_code_points(drawn[i].name));
  }
  return svg + "</svg>\n";
}

}  // namespace moonbeam::train
