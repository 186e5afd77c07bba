#include "train/batch/grid_truth.h"

#include <algorithm>

namespace moonbeam::train {

namespace {

/// Object in front at each pixel [height, width]; -1: none.
std::vector<std::int16_t> object_map(const data::Scene& scene) {
  const auto height = static_cast<std::size_t>(scene.image.height);
  const auto width = static_cast<std::size_t>(scene.image.width);
  std::vector<std::int16_t> map(height * width, -1);
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    std::size_t at = 0;  // column after column
    bool inside = false;
    for (const std::uint32_t run : scene.objects[i].mask.runs) {
      const std::size_t end = std::min(at + run, map.size());
      for (; inside && at < end; ++at) map[at % height * width + at / height] = static_cast<std::int16_t>(i);
      at = end;
      inside = !inside;
    }
  }
  return map;
}

/// First pixel of cell `i` of `side` along an axis of `pixels`.
int edge(int i, int side, int pixels) {
  return i * pixels / side;
}

/// Object of each cell; -1: none.
std::vector<int> owners_by_mask(const data::Scene& scene, int side) {
  const std::vector<std::int16_t> map = object_map(scene);
  const int height = scene.image.height, width = scene.image.width;
  std::vector<int> out, counts(scene.objects.size());
  for (int row = 0; row < side; ++row) {
    for (int col = 0; col < side; ++col) {
      std::fill(counts.begin(), counts.end(), 0);
      int pixels = 0;
      for (int y = edge(row, side, height); y < edge(row + 1, side, height); ++y) {
        for (int x = edge(col, side, width); x < edge(col + 1, side, width); ++x, ++pixels) {
          const int object = map[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                                 static_cast<std::size_t>(x)];
          if (object >= 0) ++counts[static_cast<std::size_t>(object)];
        }
      }
      const auto most = std::max_element(counts.begin(), counts.end());
      const bool enough = most != counts.end() && *most > 0 && 4 * *most >= pixels;
      out.push_back(enough ? static_cast<int>(most - counts.begin()) : -1);
    }
  }
  return out;
}

std::vector<int> owners_by_box(const data::Scene& scene, int side) {
  std::vector<int> out;
  for (int row = 0; row < side; ++row) {
    for (int col = 0; col < side; ++col) {
      const double y = (row + 0.5) / side * scene.image.height, x = (col + 0.5) / side * scene.image.width;
      int owner = -1;
      for (std::size_t i = 0; i < scene.objects.size(); ++i) {
        const data::SceneObject& object = scene.objects[i];
        const data::PixelBox& box = object.box;
        const bool holds = x >= box.x_min && x < box.x_max && y >= box.y_min && y < box.y_max;
        if (holds && (owner < 0 || object.depth > scene.objects[static_cast<std::size_t>(owner)].depth)) {
          owner = static_cast<int>(i);
        }
      }
      out.push_back(owner);
    }
  }
  return out;
}

bool has_masks(const data::Scene& scene) {
  return std::any_of(scene.objects.begin(), scene.objects.end(),
                     [](const data::SceneObject& object) { return !object.mask.runs.empty(); });
}

}  // namespace

GridTruth grid_truth(const data::Scene& scene, int side) {
  GridTruth out{.side = side, .cells = {}};
  const auto width = static_cast<float>(scene.image.width), height = static_cast<float>(scene.image.height);
  for (const int owner : has_masks(scene) ? owners_by_mask(scene, side) : owners_by_box(scene, side)) {
    GridTruth::Cell cell;
    if (owner >= 0) {
      const data::SceneObject& object = scene.objects[static_cast<std::size_t>(owner)];
      cell.label = object.label;
      cell.colour = object.colour ? static_cast<std::int32_t>(*object.colour) : -1;
      cell.box[0] = static_cast<float>(object.box.x_min) / width;
      cell.box[1] = static_cast<float>(object.box.y_min) / height;
      cell.box[2] = static_cast<float>(object.box.x_max) / width;
      cell.box[3] = static_cast<float>(object.box.y_max) / height;
    }
    out.cells.push_back(cell);
  }
  return out;
}

}  // namespace moonbeam::train
