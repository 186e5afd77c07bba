// Layers, polygons, shapes and the way of a sprite onto them.
#include "data/scenes/layer.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "data/scenes/maths.h"
#include "data/scenes/polygon.h"
#include "data/scenes/shapes.h"
#include "data/scenes/sprite.h"

namespace moonbeam::data {
namespace {

constexpr Rgba kRed = make_rgba(255, 0, 0), kBlue = make_rgba(0, 0, 255);

TEST(Maths, AgreesWithLibm) {
  for (float t = -2; t < 2; t += 0.01f) {
    EXPECT_NEAR(sin_turn(t), std::sin(2 * M_PI * static_cast<double>(t)), 1e-6) << t;
    EXPECT_NEAR(cos_turn(t), std::cos(2 * M_PI * static_cast<double>(t)), 1e-6) << t;
  }
  for (double x = 0.001; x < 20; x *= 1.3) {
    EXPECT_NEAR(logarithm(x), std::log(x), 1e-12 * (1 + std::fabs(std::log(x))));
    EXPECT_NEAR(exponential(x) / std::exp(x), 1, 1e-12);
    EXPECT_NEAR(exponential(-x) / std::exp(-x), 1, 1e-12);
  }
}

TEST(Blend, CoversMixesAndLeavesAlone) {
  Layer canvas(3, 1, kBlue), top(3, 1);
  top.pixels = {kRed, make_rgba(128, 0, 0, 128), 0};
  blend(top, 0, 0, canvas);
  EXPECT_EQ(canvas.pixels[0], kRed);
  EXPECT_NEAR(red(canvas.pixels[1]), 128, 1);
  EXPECT_NEAR(blue(canvas.pixels[1]), 127, 1);
  EXPECT_GE(alpha(canvas.pixels[1]), 254);
  EXPECT_EQ(canvas.pixels[2], kBlue);
}

TEST(Blend, CutsWhatIsOutside) {
  for (const int x : {-9, -2, 2, 9}) {
    for (const int y : {-9, -2, 2, 9}) {
      Layer canvas(4, 4, kBlue);
      blend(Layer(4, 4, kRed), x, y, canvas);
      blend_shadow(Layer(4, 4, kRed), x, y, 1, 100, canvas);
      int covered = 0;
      for (const Rgba p : canvas.pixels) covered += red(p) > 100;
      EXPECT_EQ(covered, std::abs(x) < 4 && std::abs(y) < 4 ? 4 : 0);
    }
  }
}

TEST(OwnedExtent, IsTight) {
  Layer layer(9, 7);
  EXPECT_TRUE(owned_extent(layer).empty());
  layer.row(2)[3] = layer.row(5)[4] = kRed;
  layer.row(6)[8] = make_rgba(10, 0, 0, 20);  // too faint to count
  const Extent extent = owned_extent(layer);
  EXPECT_EQ(extent.x_min, 3);
  EXPECT_EQ(extent.x_max, 5);
  EXPECT_EQ(extent.y_min, 2);
  EXPECT_EQ(extent.y_max, 6);
  EXPECT_EQ(extent.pixels, 2);
}

TEST(FillPolygon, CoversHalfAPixelHalf) {
  Layer layer(4, 4, make_rgba(0, 0, 0));
  const std::array<Vertex, 4> corners = {Vertex{0.5f, 1}, Vertex{3, 1}, Vertex{3, 2.5f}, Vertex{0.5f, 2.5f}};
  fill_polygon(corners, make_rgba(200, 200, 200), layer);
  EXPECT_EQ(red(layer.row(0)[1]), 0);
  EXPECT_NEAR(red(layer.row(1)[0]), 100, 2);
  EXPECT_EQ(red(layer.row(1)[1]), 200);
  EXPECT_NEAR(red(layer.row(2)[1]), 100, 2);
  EXPECT_NEAR(red(layer.row(2)[0]), 50, 2);
  EXPECT_EQ(red(layer.row(1)[3]), 0);
}

TEST(FillPolygon, LeavesOutWhatIsOutside) {
  Layer layer(4, 4, kBlue);
  const std::array<Vertex, 4> corners = {Vertex{-1e6f, -1e6f}, Vertex{1e6f, -1e6f}, Vertex{1e6f, 1e6f},
                                         Vertex{-1e6f, 1e6f}};
  fill_polygon(corners, kRed, layer);
  for (const Rgba p : layer.pixels) EXPECT_EQ(p, kRed);
}

TEST(DrawShape, IsAboutAsLongAsAsked) {
  for (int shape = 0; shape < kShapes; ++shape) {
    ShapeStyle style;
    style.colour = kRed;
    const Extent extent = owned_extent(draw_shape(static_cast<Shape>(shape), 60, style));
    EXPECT_NEAR(std::max(extent.width(), extent.height()), 57, 4) << shape;
  }
}

TEST(DrawSign, HasABoardAndInk) {
  const Layer sign = draw_sign("AB", 60, make_rgba(255, 255, 255), make_rgba(0, 0, 0), 0);
  int board = 0, ink = 0;
  for (const Rgba p : sign.pixels) {
    board += p == make_rgba(255, 255, 255);
    ink += p == make_rgba(0, 0, 0);
  }
  EXPECT_GT(board, 800);
  EXPECT_GT(ink, 200);
}

Layer left_red_right_blue() {
  Layer layer(40, 20, kBlue);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) layer.row(y)[x] = kRed;
  }
  return layer;
}

TEST(Warped, KeepsSizeAndSides) {
  const Layer same = warped(Sprite(left_red_right_blue()), {});
  const Extent extent = owned_extent(same);
  EXPECT_NEAR(extent.width(), 40, 1);
  EXPECT_NEAR(extent.height(), 20, 1);
  EXPECT_EQ(same.row(11)[10], kRed);
  EXPECT_EQ(same.row(11)[31], kBlue);
  Warp mirror;
  mirror.mirror = true;
  EXPECT_EQ(warped(Sprite(left_red_right_blue()), mirror).row(11)[10], kBlue);
}

TEST(Warped, TurnsClockwise) {
  Warp warp;
  warp.turns = 0.25f;
  const Layer turned = warped(Sprite(left_red_right_blue()), warp);
  const Extent extent = owned_extent(turned);
  EXPECT_NEAR(extent.width(), 20, 1);
  EXPECT_NEAR(extent.height(), 40, 1);
  EXPECT_EQ(turned.row(10)[11], kRed) << "the left end is at the top now";
}

TEST(Warped, ShrinksToAnySize) {
  for (const float scale : {0.9f, 0.4f, 0.17f, 0.1f, 1.7f}) {
    Warp warp;
    warp.scale = scale;
    const Extent extent = owned_extent(warped(Sprite(left_red_right_blue()), warp));
    EXPECT_NEAR(extent.width(), 40 * scale, 1.5) << scale;
    EXPECT_NEAR(extent.height(), 20 * scale, 1.5) << scale;
  }
}

}  // namespace
}  // namespace moonbeam::data
