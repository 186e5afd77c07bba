#include "data/scenes/colours.h"

#include <gtest/gtest.h>

namespace moonbeam::data {
namespace {

std::string term(int r, int g, int b) {
  const std::optional<Colour> colour = colour_term(r, g, b);
  return colour ? std::string(name(*colour)) : "none";
}

TEST(ColourTerm, IsWhatPeopleCallClearColours) {
  EXPECT_EQ(term(220, 30, 30), "red");
  EXPECT_EQ(term(40, 160, 60), "green");
  EXPECT_EQ(term(40, 90, 220), "blue");
  EXPECT_EQ(term(250, 220, 40), "yellow");
  EXPECT_EQ(term(250, 140, 20), "orange");
  EXPECT_EQ(term(130, 50, 180), "purple");
  EXPECT_EQ(term(250, 130, 190), "pink");
  EXPECT_EQ(term(250, 250, 248), "white");
  EXPECT_EQ(term(15, 15, 18), "black");
  EXPECT_EQ(term(110, 65, 30), "brown");
  EXPECT_EQ(term(128, 130, 128), "gray");
}

TEST(ColourTerm, IsNoneBetweenTwoTerms) {
  EXPECT_EQ(term(30, 180, 170), "none");   // turquoise
  EXPECT_EQ(term(255, 200, 150), "none");  // peach
  EXPECT_EQ(term(180, 200, 40), "none");   // lime
}

TEST(DrawColour, GivesWhatItsTermSays) {
  Stream stream(3, 0, 0, Part::kSprite);
  for (int c = 0; c < kColours; ++c) {
    const auto colour = static_cast<Colour>(c);
    for (int i = 0; i < 2000; ++i) {
      const Rgba p = draw_colour(colour, stream);
      ASSERT_EQ(colour_term(red(p), green(p), blue(p)), colour)
          << name(colour) << " as " << red(p) << "," << green(p) << "," << blue(p);
    }
  }
}

/// `parts[i]` pixels of each colour, one after another.
Layer mixed(std::initializer_list<std::pair<Rgba, int>> parts) {
  Layer layer(100, 1);
  int x = 0;
  for (const auto& [pixel, count] : parts) {
    for (int i = 0; i < count; ++i) layer.row(0)[x++] = pixel;
  }
  return layer;
}

TEST(CountColours, FindsADominantColourOnlyWithoutARival) {
  const Rgba red_pixel = make_rgba(220, 30, 30), blue_pixel = make_rgba(40, 90, 220),
             none = make_rgba(30, 180, 170);
  EXPECT_EQ(count_colours(mixed({{red_pixel, 55}, {none, 45}})).dominant(), Colour::kRed);
  EXPECT_EQ(count_colours(mixed({{red_pixel, 54}, {none, 46}})).dominant(), std::nullopt);
  EXPECT_EQ(count_colours(mixed({{red_pixel, 80}, {blue_pixel, 20}})).dominant(), Colour::kRed);
  EXPECT_EQ(count_colours(mixed({{red_pixel, 79}, {blue_pixel, 21}})).dominant(), std::nullopt);
  EXPECT_EQ(count_colours(mixed({{red_pixel, 5}, {0, 95}})).dominant(), Colour::kRed)
      << "the rest is not there";
  EXPECT_EQ(count_colours(Layer(4, 4)).dominant(), std::nullopt);
}

TEST(TurnHue, TurnsRedToGreenAndBack) {
  Layer layer(1, 1, make_rgba(220, 30, 30));
  turn_hue(layer, 512);
  EXPECT_EQ(layer.pixels[0], make_rgba(30, 220, 30));
  turn_hue(layer, 1024);
  EXPECT_EQ(layer.pixels[0], make_rgba(220, 30, 30));
}

TEST(TurnHue, LeavesGreysAndAlphaAlone) {
  Layer layer(2, 1);
  layer.pixels = {make_rgba(90, 90, 90), make_rgba(60, 0, 0, 60)};
  turn_hue(layer, 512);
  EXPECT_EQ(layer.pixels[0], make_rgba(90, 90, 90));
  EXPECT_EQ(layer.pixels[1], make_rgba(0, 60, 0, 60));
}

TEST(Brighten, StopsAtWhite) {
  Layer layer(1, 1, make_rgba(200, 100, 50));
  brighten(layer, 512);
  EXPECT_EQ(layer.pixels[0], make_rgba(255, 200, 100));
}

}  // namespace
}  // namespace moonbeam::data
