#include "data/export/mistakes.h"

#include <algorithm>

namespace moonbeam::data {

namespace {

constexpr double kMissing = 0.03, kPhantom = 0.02, kWrongClass = 0.02;
constexpr std::uint64_t kSalt = 0x626f786573;

std::vector<Asked> labels_of(const Scene& scene) {
  std::vector<Asked> out;
  for (const SceneObject& object : scene.objects) out.push_back({object.label});
  return out;
}

}  // namespace

std::vector<BoxRow> true_boxes(const Scene& scene) {
  std::vector<BoxRow> out;
  for (int i = 0; i < static_cast<int>(scene.objects.size()); ++i) {
    const SceneObject& object = scene.objects[static_cast<std::size_t>(i)];
    out.push_back({i, object.label, object.box, {}});
  }
  return out;
}

std::vector<BoxRow> mistaken_boxes(const Scene& scene, const AskedThings& things) {
  Stream stream(scene.key.seed ^ kSalt, static_cast<std::uint64_t>(scene.key.split), scene.key.index,
                Part::kNoise);
  const std::vector<Asked> visible = labels_of(scene);
  std::vector<BoxRow> out;
  for (const BoxRow& row : true_boxes(scene)) {
    const bool missing = stream.chance(kMissing), phantom = stream.chance(kPhantom),
               wrong = stream.chance(kWrongClass);
    const std::optional<Asked> other = things.absent(visible, stream);
    const int width = stream.between(2, 5), height = stream.between(2, 5);
    const int x = stream.between(0, std::max(0, scene.image.width - width));
    const int y = stream.between(0, std::max(0, scene.image.height - height));
    if (!missing) {
      out.push_back(row);
      if (wrong && other) {
        out.back().label = other->label;
        out.back().mistake = "wrong class";
      }
    }
    if (phantom && other) out.push_back({-1, other->label, {x, y, x + width, y + height}, "phantom"});
  }
  return out;
}

}  // namespace moonbeam::data
