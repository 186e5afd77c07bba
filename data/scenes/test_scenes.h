// Scenes for tests of what is said about them: drawn up like real ones, without a picture.
#pragma once

#include <algorithm>
#include <string>

#include "data/scenes/absent.h"
#include "data/scenes/questions.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

inline const LabelTable& test_labels() {
  static const LabelTable labels = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  return labels;
}

inline int test_label(std::string_view noun) {
  return test_labels().find(noun).value();
}

inline SceneObject test_object(std::string_view noun, PixelBox box, std::optional<Colour> colour = {}) {
  SceneObject object;
  object.label = test_label(noun);
  object.colour = colour;
  object.set = "shapes";
  object.sprite = noun;
  object.box = box;
  object.visible_area = static_cast<std::uint64_t>(box.width()) * static_cast<std::uint64_t>(box.height());
  return object;
}

inline void sort_objects(Scene& scene) {
  std::stable_sort(scene.objects.begin(), scene.objects.end(),
                   [](const SceneObject& a, const SceneObject& b) {
                     return std::pair(a.box.y_min, a.box.x_min) < std::pair(b.box.y_min, b.box.x_min);
                   });
}

inline Scene test_scene(std::vector<SceneObject> objects, std::uint64_t index = 0) {
  Scene scene;
  scene.key = {1, Split::kValSeed, index};
  scene.image.height = scene.image.width = 200;
  scene.objects = std::move(objects);
  sort_objects(scene);
  return scene;
}

/// As layout.cc draws them, in boxes that need not be free: masks and pictures are left out.
inline Scene drawn_up_scene(std::uint64_t index, int classes, std::uint64_t seed = 1) {
  const LabelTable& labels = test_labels();
  Scene scene;
  scene.key = {seed, Split::kValSeed, index};
  scene.image.height = scene.image.width = 196;
  Stream stream(seed, 77, index, Part::kLayout);
  constexpr int kCounts[] = {1, 2, 2, 3, 3, 4};
  const int wanted = kCounts[stream.below(6)];
  const bool grouped = stream.chance(0.5);
  const int repeat = repeat_for(scene.key, 6);
  const int first = repeat > 0 ? repeat : stream.chance(0.4) ? stream.between(2, 5) : 1;
  std::vector<int> drawn;
  for (int i = 0; i < wanted && scene.objects.size() < 6; ++i) {
    const bool shape = stream.chance(0.2);
    std::vector<int> from, all;
    for (int id = shape ? 0 : labels.shapes(); id < (shape ? labels.shapes() : labels.shapes() + classes);
         ++id) {
      all.push_back(id);
      if (!drawn.empty() && labels[id].group == labels[drawn[0]].group) from.push_back(id);
    }
    if (shape || !grouped || from.size() < 4) from = all;
    const int label = from[stream.below(static_cast<std::uint32_t>(from.size()))];
    if (std::any_of(drawn.begin(), drawn.end(), [&](int other) { return labels.related(label, other); }))
      continue;
    for (int n = 0; n < (drawn.empty() ? first : 1) && scene.objects.size() < 6; ++n) {
      const int width = stream.between(30, 80), height = stream.between(30, 80);
      const int x = stream.between(0, 196 - width), y = stream.between(0, 196 - height);
      SceneObject object = test_object(labels[label].noun, {x, y, x + width, y + height});
      if (labels[label].shape) {
        object.colour = shape_colours()[stream.below(static_cast<std::uint32_t>(shape_colours().size()))];
      } else if (!labels[label].colours.empty() && stream.chance(0.4)) {
        object.colour =
            labels[label].colours[stream.below(static_cast<std::uint32_t>(labels[label].colours.size()))];
      }
      scene.objects.push_back(std::move(object));
    }
    drawn.push_back(label);
  }
  sort_objects(scene);
  if (stream.chance(0.3)) scene.background = "striped";
  return scene;
}

}  // namespace moonbeam::data
