// Pieces of the report's page: text, bars, pictures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/html.h"

namespace moonbeam::pipeline {

using base::escape_html;

struct Bar {
  std::string label;
  double value = 0;
  std::string shown = {};  ///< behind the bar; empty: the value
  bool red = false;
};
/// Bars from left to right as SVG. @param limit  gets a line; 0: none
/// @param most  value of the full width; 0: the largest
std::string bar_chart(const std::string& title, const std::vector<Bar>& bars, double limit = 0,
                      double most = 0);

/// Style sheet, light and dark.
std::string_view page_style();

/// A picture's file as a data URI, at most `side` pixels long; empty where it cannot be shown.
std::string picture_uri(const std::string& path, int side);

}  // namespace moonbeam::pipeline
