// The fact sheet: what annotations say of a picture, cleaned of what is too small to be a fact, with places,
// sizes, counts and relations (data.md 4.2). No language model has a part in it.
#pragma once

#include <string>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

struct SheetSettings {
  double min_share = 0.001;           ///< of the picture; smaller ones are uncertain
  int min_side = 12;                  ///< pixels of the box
  int most_exact = 10;                ///< above it a count is "at least"
  double gap = 0.10;                  ///< between centres, for left of, right of, above, below
  double inside = 0.9;                ///< of a box in another one
  double small = 0.02, large = 0.15;  ///< shares of the picture below and above which a thing is called so
  int most_related = 12;              ///< things, the largest first, whose relations are written down
};

Sheet make_sheet(const Input& input, const SheetSettings& settings);

/// "top left", "middle", ... of the 3 x 3 cells.
std::string place_word(const Point& point);
Point middle_of(const Box& box);
/// Of two boxes; 0 where they do not meet.
double overlap_area(const Box& a, const Box& b);
double area_of(const Box& box);

/// For prompts: short lines in a stable order. "O1 dog box .10 .42 .35 .67 size medium pos left"; counts;
/// relations.
std::string sheet_text(const Sheet& sheet);

}  // namespace moonbeam::pipeline
