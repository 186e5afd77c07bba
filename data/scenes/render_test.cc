#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "base/hash64.h"
#include "data/scenes/atlas.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {
namespace {

const LabelTable& labels() {
  static const LabelTable table = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  return table;
}

const Atlas& atlas() {
  static const Atlas drawings = Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels());
  return drawings;
}

Scene render(std::uint64_t index, const SceneOptions& options = {}, Split split = Split::kTrain) {
  return render_scene({1, split, index}, options, atlas(), labels());
}

template <typename T>
void append(std::vector<std::byte>& out, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Of the picture and everything that is said about it.
std::uint64_t hash_of(const Scene& scene) {
  std::vector<std::byte> bytes;
  for (const std::uint8_t p : scene.image.pixels) bytes.push_back(static_cast<std::byte>(p));
  for (const SceneObject& o : scene.objects) {
    append(bytes, o.label);
    append(bytes, o.colour ? static_cast<int>(*o.colour) : -1);
    append(bytes, o.box.x_min);
    append(bytes, o.box.y_min);
    append(bytes, o.box.x_max);
    append(bytes, o.box.y_max);
    append(bytes, o.visible_area);
    append(bytes, o.depth);
    for (const std::uint32_t run : o.mask.runs) append(bytes, run);
    for (const char c : o.sprite + o.text) bytes.push_back(static_cast<std::byte>(c));
  }
  for (const char c : scene.background) bytes.push_back(static_cast<std::byte>(c));
  return base::hash64(bytes);
}

SceneOptions everything() {
  SceneOptions options;
  options.max_objects = 12;
  options.occlusion = options.reading = options.masks = true;
  return options;
}

TEST(RenderScene, RedrawsAShareOfTheDrawingsAndNothingElse) {
  SceneOptions all = {};
  all.masks = true;
  all.degrade = false;
  all.restyled = 1;
  SceneOptions none = all;
  none.restyled = 0;
  int redrawn = 0, shapes = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Scene before = render(i, none), after = render(i, all);
    EXPECT_EQ(hash_of(after), hash_of(render(i, all)));
    redrawn += before.image.pixels != after.image.pixels;
    const bool only_shapes = std::all_of(before.objects.begin(), before.objects.end(),
                                         [](const SceneObject& object) { return object.set == "shapes"; });
    shapes += only_shapes;
    if (only_shapes) {
      EXPECT_EQ(hash_of(before), hash_of(after)) << i;
    }
    for (const SceneObject& object : after.objects) {
      EXPECT_GT(object.visible_area, 0U);
      EXPECT_GE(object.box.x_min, 0);
      EXPECT_LE(object.box.x_max, all.width);
      EXPECT_EQ(object.mask.area, object.visible_area);
    }
  }
  EXPECT_EQ(redrawn, 40 - shapes);
  EXPECT_GT(shapes, 0);
  all.restyled = 1.5f;
  EXPECT_THROW(render(0, all), Error);
}

TEST(RenderScene, GivesTheSameBytesOnAnyNumberOfThreads) {
  constexpr int kScenes = 40;
  std::vector<std::uint64_t> alone(kScenes), together(kScenes);
  for (int i = 0; i < kScenes; ++i)
    alone[static_cast<std::size_t>(i)] = hash_of(render(static_cast<std::uint64_t>(i), everything()));
  // A fresh atlas, so that the threads also decode the drawings against each other.
  const Atlas fresh = Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = kScenes - 1 - t; i >= 0; i -= 4) {
        together[static_cast<std::size_t>(i)] = hash_of(
            render_scene({1, Split::kTrain, static_cast<std::uint64_t>(i)}, everything(), fresh, labels()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alone, together);
}

// Sets of data are named by seed and index: what a pair means must not change unnoticed. Whoever changes the
// renderer, the label table or the atlas on purpose puts the new numbers here and says so in the changelog.
// The last two are degraded, one of them by JPEG: it also depends on libjpeg-turbo (docs/scenes.md).
TEST(RenderScene, DrawsWhatItAlwaysDrew) {
  SceneOptions clean, l500, wide;
  clean.degrade = false;
  l500.degrade = false;
  l500.classes = 478;
  l500.masks = true;
  wide.degrade = false;
  wide.width = 320;
  wide.height = 240;
  SceneOptions clean_everything = everything();
  clean_everything.degrade = false;
  const std::vector<std::uint64_t> hashes = {
      hash_of(render(0, clean)),
      hash_of(render(1, clean)),
      hash_of(render(1ull << 40, clean)),
      hash_of(render(2, l500)),
      hash_of(render(3, l500)),
      hash_of(render(4, wide)),
      hash_of(render(5, clean_everything)),
      hash_of(render(6, clean_everything)),
      hash_of(render(7, clean, Split::kValSeed)),
      hash_of(render_window({1, Split::kTrain, 8}, {}, atlas(), labels())),
      hash_of(render_window({1, Split::kTrain, 9}, {}, atlas(), labels())),
      hash_of(render(10)),
      hash_of(render(11)),
  };
  const std::vector<std::uint64_t> golden = {
      12148887190393672339u, 4823592978457349381u,  11691963673740866655u, 8236137388558656944u,
      15606481935916305513u, 6891536505882670778u,  6073116514123975732u,  365541376761219348u,
      13166354949349607234u, 16607986314621879321u, 15209495389477999113u, 16940929327590747199u,
      14267475022326660861u};
  EXPECT_EQ(hashes, golden);
}

TEST(RenderScene, ChangesWithSeedSplitAndIndex) {
  std::set<std::uint64_t> hashes;
  hashes.insert(hash_of(render_scene({1, Split::kTrain, 1}, {}, atlas(), labels())));
  hashes.insert(hash_of(render_scene({2, Split::kTrain, 1}, {}, atlas(), labels())));
  hashes.insert(hash_of(render_scene({1, Split::kValSeed, 1}, {}, atlas(), labels())));
  hashes.insert(hash_of(render_scene({1, Split::kTrain, 2}, {}, atlas(), labels())));
  EXPECT_EQ(hashes.size(), 4u);
}

/// 1 where the mask has the pixel, decoded from the runs alone.
std::vector<int> decode(const Mask& mask, int height, int width) {
  std::vector<int> pixels(static_cast<std::size_t>(height * width));
  std::size_t at = 0;
  int value = 0;
  for (const std::uint32_t run : mask.runs) {
    for (std::uint32_t i = 0; i < run; ++i, ++at) {
      const std::size_t x = at / static_cast<std::size_t>(height), y = at % static_cast<std::size_t>(height);
      if (x < static_cast<std::size_t>(width)) pixels[y * static_cast<std::size_t>(width) + x] = value;
    }
    value = 1 - value;
  }
  EXPECT_EQ(at, pixels.size());
  return pixels;
}

TEST(RenderScene, TellsTightBoxesOfTheVisibleMask) {
  SceneOptions options = everything();
  options.width = 240;
  options.height = 180;
  options.classes = 300;
  for (std::uint64_t index = 0; index < 150; ++index) {
    const Scene scene = render(index, options);
    std::vector<int> owners(static_cast<std::size_t>(options.width * options.height));
    for (const SceneObject& object : scene.objects) {
      const std::vector<int> mask = decode(object.mask, options.height, options.width);
      PixelBox box{options.width, options.height, 0, 0};
      std::uint64_t area = 0;
      for (int y = 0; y < options.height; ++y) {
        for (int x = 0; x < options.width; ++x) {
          const auto at = static_cast<std::size_t>(y * options.width + x);
          if (mask[at] == 0) continue;
          ++owners[at];
          ++area;
          box = {std::min(box.x_min, x), std::min(box.y_min, y), std::max(box.x_max, x + 1),
                 std::max(box.y_max, y + 1)};
        }
      }
      EXPECT_EQ(area, object.visible_area);
      EXPECT_EQ(area, object.mask.area);
      EXPECT_EQ(box.x_min, object.box.x_min);
      EXPECT_EQ(box.y_min, object.box.y_min);
      EXPECT_EQ(box.x_max, object.box.x_max);
      EXPECT_EQ(box.y_max, object.box.y_max);
      EXPECT_GE(object.visible_share, 0.4f);
      EXPECT_LE(object.visible_share, 1.0f);
    }
    EXPECT_LE(*std::max_element(owners.begin(), owners.end()), 1) << "a pixel belongs to one object";
  }
}

TEST(RenderScene, ListsObjectsFromTheTopThenFromTheLeft) {
  for (std::uint64_t index = 0; index < 50; ++index) {
    const Scene scene = render(index);
    for (std::size_t i = 1; i < scene.objects.size(); ++i) {
      const PixelBox &a = scene.objects[i - 1].box, &b = scene.objects[i].box;
      EXPECT_LE(std::pair(a.y_min, a.x_min), std::pair(b.y_min, b.x_min));
    }
  }
}

TEST(RenderScene, KeepsObjectsLargeEnoughAndApart) {
  std::vector<int> counts(7);
  for (std::uint64_t index = 0; index < 400; ++index) {
    const Scene scene = render(index);
    ASSERT_LE(scene.objects.size(), 6u);
    ++counts[scene.objects.size()];
    for (const SceneObject& a : scene.objects) {
      EXPECT_GE(std::max(a.box.width(), a.box.height()), 0.18 * 196 * 0.7)
          << index;  // a quarter may be outside
      EXPECT_LE(std::max(a.box.width(), a.box.height()), 0.5 * 196 * 1.1 + 6) << index;
      EXPECT_GE(a.visible_share, 0.5f);
    }
  }
  EXPECT_EQ(counts[0], 0);
  for (std::size_t n = 1; n <= 6; ++n) EXPECT_GT(counts[n], 10) << n << " objects";
}

TEST(RenderScene, DrawsClassesEvenlyAndShapesAFifth) {
  SceneOptions options;
  options.classes = 20;
  options.degrade = false;
  options.height = options.width = 98;
  options.clutter = 0;
  std::map<int, int> seen;
  int classes = 0, shapes = 0;
  constexpr int kScenes = 6000;
  for (std::uint64_t index = 0; index < kScenes; ++index) {
    std::set<int> present;
    for (const SceneObject& object : render(index, options).objects) present.insert(object.label);
    for (const int label : present) {
      ++seen[label];
      ++classes;
      shapes += labels()[label].shape;
    }
  }
  EXPECT_NEAR(shapes / static_cast<double>(classes), 0.2, 0.03);
  const double expected = (classes - shapes) / 20.0;
  for (int id = labels().shapes(); id < labels().shapes() + 20; ++id) {
    EXPECT_NEAR(seen[id], expected, 0.2 * expected) << labels()[id].noun;
  }
  for (const auto& [id, count] : seen) EXPECT_LT(id, labels().shapes() + 20) << labels()[id].noun << count;
}

TEST(RenderScene, RepeatsAsOftenAsAsked) {
  for (int repeat = 1; repeat <= 6; ++repeat) {
    for (std::uint64_t index = 0; index < 60; ++index) {
      SceneOptions options;
      options.repeat = repeat;
      options.degrade = false;
      const Scene scene = render(index, options);
      std::map<int, int> counts;
      int most = 0;
      for (const SceneObject& object : scene.objects) most = std::max(most, ++counts[object.label]);
      EXPECT_EQ(most, repeat) << "scene " << index;
    }
  }
}

TEST(RenderScene, NeverShowsLookAlikesTogether) {
  SceneOptions options;
  options.classes = labels().things();
  options.degrade = false;
  for (std::uint64_t index = 0; index < 300; ++index) {
    const Scene scene = render(index, options);
    for (const SceneObject& a : scene.objects) {
      for (const SceneObject& b : scene.objects) {
        if (a.label != b.label) {
          EXPECT_FALSE(labels().related(a.label, b.label))
              << labels()[a.label].noun << ", " << labels()[b.label].noun;
        }
      }
    }
  }
}

TEST(RenderScene, GivesShapesAColourAndSignsAText) {
  SceneOptions options = everything();
  int signs = 0;
  for (std::uint64_t index = 0; index < 200; ++index) {
    for (const SceneObject& object : render(index, options).objects) {
      EXPECT_TRUE(object.colour || !labels()[object.label].shape);
      const bool sign = object.label == labels().sign();
      EXPECT_EQ(sign, !object.text.empty());
      EXPECT_TRUE(!sign || object.visible_share == 1.0f);
      signs += sign;
    }
  }
  EXPECT_GT(signs, 40);
}

TEST(RenderScene, PaintsThingsInManyColours) {
  SceneOptions options;
  options.classes = 20;
  options.degrade = false;
  std::set<Colour> cars;
  const int car = *labels().find("car");
  for (std::uint64_t index = 0; index < 1500; ++index) {
    for (const SceneObject& object : render(index, options).objects) {
      if (object.label == car && object.colour) cars.insert(*object.colour);
    }
  }
  EXPECT_GE(cars.size(), 4u);
}

TEST(RenderScene, RefusesWhatMakesNoSense) {
  const auto refused = [](auto change) {
    SceneOptions options;
    change(options);
    try {
      render(0, options);
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInvalidArgument;
    }
    return false;
  };
  EXPECT_TRUE(refused([](SceneOptions& o) { o.height = 0; }));
  EXPECT_TRUE(refused([](SceneOptions& o) { o.width = 1 << 20; }));
  EXPECT_TRUE(refused([](SceneOptions& o) { o.classes = 100'000; }));
  EXPECT_TRUE(refused([](SceneOptions& o) { o.max_objects = 0; }));
  EXPECT_TRUE(refused([](SceneOptions& o) { o.repeat = 9; }));
  EXPECT_TRUE(refused([](SceneOptions& o) { o.clutter = 2; }));
}

TEST(RenderScene, NamesTheCommandThatFetchesAbsentDrawings) {
  const Atlas none;
  try {
    render_scene({1, Split::kValStyle, 0}, {}, none, labels());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("tools/fetch_assets.sh"), std::string::npos);
  }
}

TEST(RenderWindow, ShowsOneLargeObjectOrNone) {
  int empty = 0;
  constexpr int kWindows = 1000;
  for (std::uint64_t index = 0; index < kWindows; ++index) {
    const Scene scene = render_window({1, Split::kTrain, index}, {}, atlas(), labels());
    ASSERT_EQ(scene.image.width, 56);
    ASSERT_LE(scene.objects.size(), 1u);
    empty += scene.objects.empty();
    for (const SceneObject& object : scene.objects) {
      EXPECT_GE(std::max(object.box.width(), object.box.height()), 0.42 * 56 * 0.7);
    }
  }
  EXPECT_NEAR(empty / double{kWindows}, 0.08, 0.03);
}

}  // namespace
}  // namespace moonbeam::data
