#include "data/scenes/layout.h"

#include <algorithm>

#include "data/scenes/maths.h"

namespace moonbeam::data {

namespace {

constexpr double kShapeShare = 0.2, kRepeatShare = 0.4, kGroupShare = 0.5, kSameSpriteShare = 0.5;

int draw(const std::vector<int>& from, Stream& stream) {
  return from[stream.below(static_cast<std::uint32_t>(from.size()))];
}

/// A class that goes with those already drawn: nobody should have to tell a wolf from a dog in one picture.
/// In scenes of a group it shares the first one's; since the first is uniform, so is every class in the end.
std::optional<int> draw_class(const std::vector<int>& drawn, bool grouped, const Choice& choice,
                              const LabelTable& labels, Stream& stream) {
  const bool shape = choice.things.empty() || stream.chance(kShapeShare);
  const std::vector<int>* from = shape ? &choice.shapes : &choice.things;
  std::vector<int> companions;
  if (!shape && grouped && !drawn.empty()) {
    for (const int label : choice.things) {
      if (labels[label].group == labels[drawn.front()].group) companions.push_back(label);
    }
    if (companions.size() >= 4) from = &companions;
  }
  for (int attempt = 0; attempt < 8; ++attempt) {
    const int label = draw(*from, stream);
    const bool fits =
        std::none_of(drawn.begin(), drawn.end(), [&](int other) { return labels.related(label, other); });
    if (fits) return label;
  }
  return std::nullopt;
}

struct ClassCount {
  int label, count;
};

std::vector<ClassCount> draw_classes(const SceneOptions& options, const Choice& choice,
                                     const LabelTable& labels, Stream& stream) {
  static constexpr int kClasses[] = {1, 2, 2, 3, 3, 4};
  int wanted = kClasses[stream.below(6)];
  if (options.max_objects > 6 && stream.chance(0.5)) wanted += stream.between(1, options.max_objects / 3);
  const bool grouped = stream.chance(kGroupShare), repeats = stream.chance(kRepeatShare);
  int first = 1 + (repeats ? stream.between(1, options.max_objects > 6 ? 6 : 4) : 0);
  if (options.repeat > 0) first = options.repeat;
  std::vector<ClassCount> classes;
  std::vector<int> drawn;
  int total = 0;
  for (int i = 0; i < wanted && total < options.max_objects; ++i) {
    const std::optional<int> label = draw_class(drawn, grouped, choice, labels, stream);
    if (!label) continue;
    const int count = std::min(classes.empty() ? first : 1, options.max_objects - total);
    classes.push_back({*label, count});
    drawn.push_back(*label);
    total += count;
  }
  return classes;
}

/// Same class, same drawing in half of the scenes; else each its own, from any set.
int draw_sprite(const std::vector<PlannedObject>& before, int label, bool same, Split split,
                const Atlas& atlas, Stream& stream) {
  const std::span<const int> sprites = atlas.sprites(split, label);
  const int drawn = sprites[stream.below(static_cast<std::uint32_t>(sprites.size()))];
  if (!same || before.empty() || before.back().label != label) return drawn;
  return before.back().sprite;
}

float largest_side(int objects) {
  return objects <= 3 ? 0.50f : objects <= 6 ? 0.36f : 0.28f;
}

}  // namespace

Choice drawable(const SceneOptions& options, Split split, const Atlas& atlas, const LabelTable& labels) {
  Choice choice;
  for (int id = 0; id < labels.shapes(); ++id) choice.shapes.push_back(id);
  for (int i = 0; i < options.classes; ++i) {
    const int id = labels.shapes() + i;
    if (!atlas.sprites(split, id).empty()) choice.things.push_back(id);
  }
  return choice;
}

std::array<Place, kTries> draw_places(Stream& stream) {
  std::array<Place, kTries> places;
  const bool leaves = stream.chance(0.2);
  for (Place& place : places) {
    place.x = stream.uniform();
    place.y = stream.uniform();
    place.leaves = leaves;
  }
  return places;
}

int place_side(int size, int room, float part, bool leaves) {
  const int beyond = leaves ? size / 4 : 0;
  const int span = room - size + 2 * beyond;
  // What is larger than the canvas may move the other way round.
  return static_cast<int>(static_cast<float>(span) * part) - beyond;
}

std::vector<PlannedObject> plan_scene(const SceneOptions& options, Split split, const Choice& choice,
                                      const Atlas& atlas, const LabelTable& labels, Stream& stream) {
  const std::vector<ClassCount> classes = draw_classes(options, choice, labels, stream);
  std::vector<PlannedObject> objects;
  const bool same = stream.chance(kSameSpriteShare);
  const bool sign = options.reading && stream.chance(0.5);
  int total = sign ? 1 : 0;
  for (const ClassCount& one : classes) total += one.count;
  const float smallest = 0.18f, largest = largest_side(total);
  // Equal things are often of about equal size: draw the class's, then vary it a little or a lot.
  for (const ClassCount& one : classes) {
    const float of_class = stream.uniform(smallest, largest);
    for (int i = 0; i < one.count; ++i) {
      PlannedObject object;
      object.label = one.label;
      if (!labels[one.label].shape)
        object.sprite = draw_sprite(objects, one.label, same, split, atlas, stream);
      object.side = stream.chance(0.5)
                        ? std::clamp(of_class * stream.uniform(0.85f, 1.18f), smallest, largest)
                        : stream.uniform(smallest, largest);
      object.must = options.repeat > 0 && one.label == classes.front().label;
      object.places = draw_places(stream);
      objects.push_back(object);
    }
  }
  if (sign && static_cast<int>(objects.size()) < options.max_objects) {
    PlannedObject object;
    object.label = labels.sign();
    object.side = stream.uniform(0.3f, 0.5f);
    object.places = draw_places(stream);
    for (Place& place : object.places) place.leaves = false;
    objects.push_back(object);
  }
  for (std::size_t i = objects.size(); i > 1; --i) {
    std::swap(objects[i - 1], objects[stream.below(static_cast<std::uint32_t>(i))]);
  }
  return objects;
}

}  // namespace moonbeam::data
