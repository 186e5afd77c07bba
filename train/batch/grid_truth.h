// What is in each cell of a grid over a picture: the truth of the dense heads.
#pragma once

#include <cstdint>
#include <vector>

#include "data/scenes/scene.h"

namespace moonbeam::train {

/// Row-major over side x side cells.
struct GridTruth {
  struct Cell {
    std::int32_t label = -1;   ///< row of the label table; -1: background
    std::int32_t colour = -1;  ///< data::Colour; -1: none is asked for
    float box[4] = {};         ///< x_min, y_min, x_max, y_max in [0,1] of the picture; zero for background
  };
  int side = 0;
  std::vector<Cell> cells;
};

/// By the objects' masks where the scene has them: a cell belongs to the object that shows most in it, if
/// that is a quarter of the cell or more. By their boxes otherwise: to the foremost whose box holds the
/// cell's centre.
GridTruth grid_truth(const data::Scene& scene, int side);

}  // namespace moonbeam::train
