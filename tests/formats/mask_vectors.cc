// Prints random masks and all that we reckon of them, a line of JSON each, for compare_masks.py.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

#include "data/formats/rle.h"

namespace {

using namespace moonbeam::data;

class Random {
 public:
  int below(int n) { return static_cast<int>(bits_() % static_cast<unsigned>(n)); }
  /// Two decimals, as in COCO's files; some whole.
  double place(int side) {
    const int hundredths = below((side + 10) * 100) - 500;
    return below(3) == 0 ? hundredths / 100 : hundredths / 100.0;
  }

 private:
  std::mt19937 bits_{2026};
};

/// Rectangles laid over each other, noise, or both.
std::vector<std::uint8_t> random_pixels(Random& random, int height, int width) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  for (int i = random.below(5); i > 0; --i) {
    const int top = random.below(height), left = random.below(width),
              bottom = top + random.below(height - top) + 1, right = left + random.below(width - left) + 1,
              value = random.below(4) > 0;
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x)
        pixels[static_cast<std::size_t>(y * width + x)] = static_cast<std::uint8_t>(value);
    }
  }
  if (random.below(3) == 0) {
    for (std::uint8_t& pixel : pixels) pixel ^= random.below(10) == 0;
  }
  return pixels;
}

std::vector<std::vector<double>> random_rings(Random& random, int height, int width) {
  std::vector<std::vector<double>> rings(static_cast<std::size_t>(1 + random.below(3)));
  for (std::vector<double>& ring : rings) {
    for (int corners = 3 + random.below(10); corners > 0; --corners) {
      ring.push_back(random.place(width));
      ring.push_back(random.place(height));
    }
  }
  return rings;
}

nlohmann::json box_of(const RunMask& mask) {
  const XywhBox box = mask_box(mask);
  return {box.x, box.y, box.width, box.height};
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  Random random;
  for (int i = 0; i < count; ++i) {
    const int height = 1 + random.below(i % 50 == 0 ? 700 : 60),
              width = 1 + random.below(i % 50 == 0 ? 700 : 60);
    const std::vector<std::uint8_t> a_pixels = random_pixels(random, height, width);
    const RunMask a = encode_mask(a_pixels, height, width),
                  b = encode_mask(random_pixels(random, height, width), height, width);
    const std::vector<std::vector<double>> rings = random_rings(random, height, width);
    const RunMask drawn = polygon_mask(rings, height, width);
    std::string text;
    for (const std::uint8_t pixel : a_pixels) text += static_cast<char>('0' + pixel);
    const RunMask both[] = {a, b};
    const nlohmann::json line = {{"size", {height, width}},
                                 {"pixels", text},
                                 {"a", compress_runs(a.runs)},
                                 {"b", compress_runs(b.runs)},
                                 {"area", mask_area(a)},
                                 {"box", box_of(a)},
                                 {"iou", mask_iou(a, b, false)},
                                 {"crowd_iou", mask_iou(a, b, true)},
                                 {"union", compress_runs(merge_masks(both).runs)},
                                 {"intersection", compress_runs(merge_masks(both, true).runs)},
                                 {"rings", rings},
                                 {"drawn", compress_runs(drawn.runs)},
                                 {"drawn_area", mask_area(drawn)},
                                 {"drawn_box", box_of(drawn)}};
    std::puts(line.dump().c_str());
  }
}
