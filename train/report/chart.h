// Line charts as SVG text, to stand inside a page.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/html.h"

namespace moonbeam::train {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< x growing
  bool dots = false;                              ///< few points: drawn as dots and a line
};

using base::escape_html;

/// At most `most` points: means of neighbours.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points,
                                               std::size_t most);

/// @param marks  x values that get a dashed line, with their names: where stages begin
std::string svg_chart(const std::string& title, const std::vector<Curve>& curves,
                      const std::vector<std::pair<double, std::string>>& marks);

}  // namespace moonbeam::train
