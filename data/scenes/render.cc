// Puts a scene together: background, objects in their places, the truth about both, a worse picture.
#include <algorithm>
#include <string>

#include "base/error.h"
#include "data/scenes/appearance.h"
#include "data/scenes/atlas.h"
#include "data/scenes/background.h"
#include "data/scenes/degrade.h"
#include "data/scenes/layout.h"
#include "data/scenes/mask.h"
#include "data/scenes/maths.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

namespace {

constexpr int kMostSide = 4096, kLeastSide = 32, kMostObjects = 64;
constexpr double kMostOverlap = 0.12, kMostOcclusion = 0.6, kLeastShare = 0.4;

struct Streams {
  Stream layout, background, degrade;
  ObjectStreams objects;
  explicit Streams(const SceneKey& key)
      : layout(make(key, Part::kLayout)),
        background(make(key, Part::kBackground)),
        degrade(make(key, Part::kDegrade)),
        objects{make(key, Part::kSprite), make(key, Part::kText), make(key, Part::kHand)} {}
  static Stream make(const SceneKey& key, Part part) {
    return {key.seed, static_cast<std::uint64_t>(key.split), key.index, part};
  }
};

/// The picture as far as it is drawn, and who owns what of it.
class Stage {
 public:
  Stage(Layer canvas, const SceneOptions& options)
      : canvas_(std::move(canvas)), owners_(canvas_.width, canvas_.height), options_(options) {}

  /// Draws the object at the first of its places that is free enough.
  bool place(Appearance& object, const PlannedObject& plan, const Atlas& atlas) {
    if (object.extent.empty()) return false;
    for (const Place& place : plan.places) {
      const int x =
          place_side(object.extent.width(), canvas_.width, place.x, place.leaves) - object.extent.x_min;
      const int y =
          place_side(object.extent.height(), canvas_.height, place.y, place.leaves) - object.extent.y_min;
      if (!fits(object, x, y)) continue;
      draw(object, x, y, plan, atlas);
      return true;
    }
    return false;
  }

  Layer& canvas() { return canvas_; }

  /// Boxes, areas and masks, and the objects in the order that answers list them in.
  std::vector<SceneObject> finish() {
    for (Drawn& drawn : drawn_) {
      SceneObject& object = drawn.object;
      object.box = owners_.box(object.depth + 1, drawn.box, object.visible_area);
      object.visible_share = static_cast<float>(object.visible_area) / static_cast<float>(drawn.pixels);
      if (options_.masks) object.mask = owners_.mask(object.depth + 1, object.box);
    }
    std::vector<SceneObject> out;
    for (Drawn& drawn : drawn_) out.push_back(std::move(drawn.object));
    std::stable_sort(out.begin(), out.end(), [](const SceneObject& a, const SceneObject& b) {
      return std::pair(a.box.y_min, a.box.x_min) < std::pair(b.box.y_min, b.box.x_min);
    });
    return out;
  }

 private:
  struct Drawn {
    SceneObject object;
    PixelBox box;         // of its own pixels, also those hidden later or outside
    std::int64_t pixels;  // its own, also those hidden or outside
    std::int64_t left;    // still visible
  };

  static PixelBox moved(const Extent& extent, int x, int y) {
    return {x + extent.x_min, y + extent.y_min, x + extent.x_max, y + extent.y_max};
  }

  bool fits(const Appearance& object, int x, int y) {
    const PixelBox box = moved(object.extent, x, y);
    const auto area = [](const PixelBox& b) {
      return static_cast<double>(std::max(0, b.width())) * std::max(0, b.height());
    };
    const double most = options_.occlusion ? kMostOcclusion : kMostOverlap;
    bool touches = false;
    for (const Drawn& other : drawn_) {
      const PixelBox both = {std::max(box.x_min, other.box.x_min), std::max(box.y_min, other.box.y_min),
                             std::min(box.x_max, other.box.x_max), std::min(box.y_max, other.box.y_max)};
      if (both.width() <= 0 || both.height() <= 0) continue;
      touches = true;
      if (area(both) > most * std::min(area(box), area(other.box))) return false;
    }
    owners_.count_taken(object.layer, x, y, taken_);
    std::int64_t inside = 0;
    for (const std::int64_t count : taken_) inside += count;
    if (static_cast<double>(inside) < kLeastShare * static_cast<double>(object.extent.pixels)) return false;
    if (!touches) return true;
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      const Drawn& other = drawn_[i];
      if (other.left - taken_[i + 1] < least_pixels(other)) return false;
    }
    return true;
  }

  /// What must stay visible of an object: a text is read whole or not at all.
  static std::int64_t least_pixels(const Drawn& drawn) {
    const double least = drawn.object.text.empty() ? kLeastShare : 1.0;
    return static_cast<std::int64_t>(least * static_cast<double>(drawn.pixels));
  }

  void draw(Appearance& object, int x, int y, const PlannedObject& plan, const Atlas& atlas) {
    if (hidden_by_contrast(object.layer, x, y, canvas_)) {
      const int before = object.layer.width;
      add_edge(object, x, y, canvas_);
      const int grown = (object.layer.width - before) / 2;
      x -= grown;
      y -= grown;
    }
    if (object.shadow > 0) {
      blend_shadow(object.layer, x + object.shadow, y + object.shadow, object.shadow, 130, canvas_);
    }
    owners_.count_taken(object.layer, x, y, taken_);
    std::int64_t inside = 0;
    for (const std::int64_t count : taken_) inside += count;
    for (std::size_t i = 0; i < drawn_.size(); ++i) drawn_[i].left -= taken_[i + 1];
    blend(object.layer, x, y, canvas_);
    const int depth = static_cast<int>(drawn_.size());
    owners_.take(object.layer, x, y, depth + 1);
    Drawn drawn{{}, moved(object.extent, x, y), object.extent.pixels, inside};
    drawn.object.label = plan.label;
    drawn.object.colour = object.colour;
    drawn.object.depth = depth;
    drawn.object.text = std::move(object.text);
    drawn.object.set = plan.sprite >= 0 ? atlas.info(plan.sprite).set : "shapes";
    if (plan.sprite >= 0) drawn.object.sprite = atlas.info(plan.sprite).id;
    drawn_.push_back(std::move(drawn));
  }

  Layer canvas_;
  Owners owners_;
  const SceneOptions& options_;
  std::vector<Drawn> drawn_;
  std::vector<std::int64_t> taken_;
};

void check(const SceneOptions& options, const LabelTable& labels) {
  const auto check_side = [](const char* what, int side) {
    if (side < kLeastSide || side > kMostSide) {
      base::fail(ErrorCode::kInvalidArgument, "scene: ", what, ": expected ", kLeastSide, " to ", kMostSide,
                 ", got ", side);
    }
  };
  check_side("height", options.height);
  check_side("width", options.width);
  if (options.classes < 0 || options.classes > labels.things()) {
    base::fail(ErrorCode::kInvalidArgument, "scene: classes: expected 0 to ", labels.things(), ", got ",
               options.classes);
  }
  if (options.max_objects < 1 || options.max_objects > kMostObjects) {
    base::fail(ErrorCode::kInvalidArgument, "scene: max_objects: expected 1 to ", kMostObjects, ", got ",
               options.max_objects);
  }
  if (options.repeat < 0 || options.repeat > options.max_objects) {
    base::fail(ErrorCode::kInvalidArgument, "scene: repeat: expected 0 to max_objects, ", options.max_objects,
               ", got ", options.repeat);
  }
  if (!(options.clutter >= 0 && options.clutter <= 1)) {
    base::fail(ErrorCode::kInvalidArgument, "scene: clutter: expected 0 to 1");
  }
  if (!(options.restyled >= 0 && options.restyled <= 1)) {
    base::fail(ErrorCode::kInvalidArgument, "scene: restyled: expected 0 to 1");
  }
}

bool on_walls(Split split) {
  return split == Split::kValBg || split == Split::kValStyle || split == Split::kValPhoto;
}

void check_assets(Split split, const Choice& choice, const SceneOptions& options, const Atlas& atlas) {
  if ((split == Split::kValStyle || split == Split::kValPhoto) && choice.things.empty() &&
      options.classes > 0) {
    base::fail(ErrorCode::kNotFound, "scene: split '", name(split),
               "': its drawings are not installed; fetch them with tools/fetch_assets.sh ",
               split == Split::kValStyle ? "style" : "photo");
  }
  if (on_walls(split) && atlas.walls() == 0) {
    base::fail(ErrorCode::kNotFound, "scene: split '", name(split),
               "': its backgrounds are not installed; fetch them with tools/fetch_assets.sh walls");
  }
}

Background make_background(const SceneKey& key, const SceneOptions& options, float zoom, const Atlas& atlas,
                           Stream& stream) {
  if (!on_walls(key.split))
    return draw_background(options.width, options.height, options.clutter, zoom, stream);
  const Image& wall = atlas.wall(static_cast<int>(stream.below(static_cast<std::uint32_t>(atlas.walls()))));
  return draw_wall(wall, options.width, options.height, stream);
}

/// Shrinks what must be there until it finds room.
constexpr float kShrink = 0.8f;
constexpr int kShrinks = 6;

void place_object(PlannedObject& plan, float short_side, float restyled, const Atlas& atlas,
                  const LabelTable& labels, Streams& streams, Stage& stage) {
  for (int attempt = 0; attempt <= (plan.must ? kShrinks : 0); ++attempt) {
    if (attempt > 0) {
      plan.side *= kShrink;
      plan.places = draw_places(streams.layout);
    }
    Appearance object = draw_object(plan.label, plan.sprite, plan.side * short_side, atlas, labels, restyled,
                                    streams.objects);
    if (stage.place(object, plan, atlas)) return;
  }
}

}  // namespace

Scene render_scene(const SceneKey& key, const SceneOptions& options, const Atlas& atlas,
                   const LabelTable& labels) {
  check(options, labels);
  const Choice choice = drawable(options, key.split, atlas, labels);
  check_assets(key.split, choice, options, atlas);
  Streams streams(key);
  Background background = make_background(key, options, 1, atlas, streams.background);
  std::vector<PlannedObject> plan = plan_scene(options, key.split, choice, atlas, labels, streams.layout);
  Stage stage(std::move(background.canvas), options);
  const auto short_side = static_cast<float>(std::min(options.width, options.height));
  for (PlannedObject& object : plan)
    place_object(object, short_side, options.restyled, atlas, labels, streams, stage);

  Scene scene;
  scene.key = key;
  scene.background = std::move(background.word);
  scene.objects = stage.finish();
  for (SceneObject& object : scene.objects) {
    if (object.sprite.empty()) object.sprite = labels[object.label].noun;
  }
  scene.image = to_image(stage.canvas());
  if (options.degrade) scene.image = degrade(std::move(scene.image), streams.degrade);
  return scene;
}

Scene render_window(const SceneKey& key, const WindowOptions& options, const Atlas& atlas,
                    const LabelTable& labels) {
  SceneOptions scene_options;
  scene_options.height = scene_options.width = options.side;
  scene_options.classes = options.classes;
  scene_options.clutter = options.clutter;
  scene_options.restyled = options.restyled;
  check(scene_options, labels);
  const Choice choice = drawable(scene_options, key.split, atlas, labels);
  check_assets(key.split, choice, scene_options, atlas);
  constexpr double kEmpty = 0.08, kShapes = 0.2;
  constexpr float kSceneSide = 196;
  Streams streams(key);
  const auto side = static_cast<float>(options.side);
  Background background = make_background(key, scene_options, side / kSceneSide, atlas, streams.background);
  Stage stage(std::move(background.canvas), scene_options);
  const bool empty = streams.layout.chance(kEmpty);
  const bool shape = streams.layout.chance(kShapes) || choice.things.empty();
  PlannedObject plan;
  const std::vector<int>& from = shape ? choice.shapes : choice.things;
  plan.label = from[streams.layout.below(static_cast<std::uint32_t>(from.size()))];
  if (!shape) {
    const std::span<const int> sprites = atlas.sprites(key.split, plan.label);
    plan.sprite = sprites[streams.layout.below(static_cast<std::uint32_t>(sprites.size()))];
  }
  plan.side = streams.layout.uniform(0.42f, 1.05f);
  plan.places = draw_places(streams.layout);
  if (!empty) place_object(plan, side, options.restyled, atlas, labels, streams, stage);

  Scene scene;
  scene.key = key;
  scene.background = std::move(background.word);
  scene.objects = stage.finish();
  for (SceneObject& object : scene.objects) {
    if (object.sprite.empty()) object.sprite = labels[object.label].noun;
  }
  scene.image = to_image(stage.canvas());
  return scene;
}

}  // namespace moonbeam::data
