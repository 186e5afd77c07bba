#include "data/pipeline/run/centre.h"

#include <algorithm>

#include "data/formats/coco_mask.h"

namespace moonbeam::pipeline {

MaskFacts mask_facts(const data::CocoMask& mask, int height, int width) {
  if (std::holds_alternative<std::monostate>(mask)) return {};
  const data::RunMask runs = std::holds_alternative<data::RunMask>(mask)
                                 ? std::get<data::RunMask>(mask)
                                 : data::polygon_mask(std::get<data::CocoPolygons>(mask), height, width);
  MaskFacts out;
  out.area = static_cast<double>(data::mask_area(runs));
  if (out.area == 0) return out;
  // Within the box and one pixel of border round it, which is outside.
  const data::XywhBox box = data::mask_box(runs);
  const int left = static_cast<int>(box.x), top = static_cast<int>(box.y),
            wide = static_cast<int>(box.width) + 2, high = static_cast<int>(box.height) + 2;
  std::vector<int> distance(static_cast<std::size_t>(wide) * high, 0);
  const auto at = [&](int x, int y) -> int& { return distance[static_cast<std::size_t>(y) * wide + x]; };
  std::size_t pixel = 0;
  for (std::size_t i = 0; i < runs.runs.size(); ++i) {
    for (std::uint32_t k = 0; i % 2 == 1 && k < runs.runs[i]; ++k) {
      const int x = static_cast<int>((pixel + k) / static_cast<std::size_t>(runs.height)),
                y = static_cast<int>((pixel + k) % static_cast<std::size_t>(runs.height));
      at(x - left + 1, y - top + 1) = wide + high;
    }
    pixel += runs.runs[i];
  }
  for (int y = 1; y + 1 < high; ++y) {
    for (int x = 1; x + 1 < wide; ++x) at(x, y) = std::min({at(x, y), at(x - 1, y) + 1, at(x, y - 1) + 1});
  }
  int best = 0;
  for (int y = high - 2; y > 0; --y) {
    for (int x = wide - 2; x > 0; --x) {
      at(x, y) = std::min({at(x, y), at(x + 1, y) + 1, at(x, y + 1) + 1});
      if (at(x, y) < best) continue;
      best = at(x, y);
      out.centre = {left + x - 0.5, top + y - 0.5};
    }
  }
  return out;
}

}  // namespace moonbeam::pipeline
