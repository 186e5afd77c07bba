// COCO instances with boxes and masks, and captions (data.md 2.2 to 2.4).
#include <algorithm>

#include "data/export/format.h"
#include "data/export/mistakes.h"
#include "data/formats/rle.h"
#include "data/scenes/caption.h"

namespace moonbeam::data {

namespace {

constexpr int kImages = 0, kAnnotations = 1, kCaptions = 2;
constexpr int kMostOfImage = 100;  // annotations: ids are image id * this + number
constexpr std::uint64_t kCaptionSalt = 0x63617074;

std::string envelope(const SetInfo& set) {
  const Json info = {
      {"description", "MoonScenes " + std::string(name(set.split)) + ", drawn scenes with exact truth"},
      {"version", "1"},
      {"seed", set.seed}};
  const Json licences = Json::array({{{"id", 1}, {"name", "see dataset.json"}, {"url", ""}}});
  return "{\"info\":" + info.dump() + ",\n\"licenses\":" + licences.dump() + ",\n\"images\":[\n";
}

std::vector<ExportFile> files(const SetInfo& set) {
  Json categories = Json::array();
  for (int id = 0; id < set.labels.size(); ++id) {
    categories.push_back(
        {{"id", id + 1}, {"name", set.labels[id].noun}, {"supercategory", set.labels[id].category}});
  }
  ExportFile instances{"coco/instances.json", {}, Join::kArray};
  instances.pieces = {{envelope(set), kImages},
                      {"],\n\"annotations\":[\n", kAnnotations},
                      {"],\n\"categories\":" + categories.dump() + "}\n", -1}};
  ExportFile captions{"coco/captions.json", {}, Join::kArray};
  captions.pieces = {{envelope(set), kImages}, {"],\n\"annotations\":[\n", kCaptions}, {"]}\n", -1}};
  return {instances, captions};
}

Json box_of(const PixelBox& box) {
  return {box.x_min, box.y_min, box.width(), box.height()};
}

/// A rectangle's runs, column after column, for boxes that no object is behind.
std::vector<std::uint32_t> rectangle_runs(const PixelBox& box, int height, int width) {
  std::vector<std::uint32_t> runs;
  std::uint32_t zeros = static_cast<std::uint32_t>(box.x_min * height + box.y_min);
  for (int x = box.x_min; x < box.x_max; ++x) {
    runs.push_back(zeros);
    runs.push_back(static_cast<std::uint32_t>(box.height()));
    zeros = static_cast<std::uint32_t>(height - box.height());
  }
  runs.push_back(zeros - static_cast<std::uint32_t>(box.y_min) +
                 static_cast<std::uint32_t>((width - box.x_max) * height));
  return runs;
}

void add_instances(const SceneRow& row, std::string& out) {
  const Scene& scene = row.scene;
  const std::vector<BoxRow> boxes = row.noisy ? mistaken_boxes(scene, row.things) : true_boxes(scene);
  std::size_t phantoms = 0;
  for (const BoxRow& box : boxes) {
    // By the object, so that refcoco.cc can name it whatever else is missing; phantoms come after them all.
    const std::size_t number =
        box.object >= 0 ? static_cast<std::size_t>(box.object) + 1 : scene.objects.size() + ++phantoms;
    const SceneObject* object =
        box.object >= 0 ? &scene.objects[static_cast<std::size_t>(box.object)] : nullptr;
    const std::uint64_t area =
        object ? object->visible_area
               : static_cast<std::uint64_t>(box.box.width()) * static_cast<std::uint64_t>(box.box.height());
    Json line = {{"id", row.id() * kMostOfImage + number},
                 {"image_id", row.id()},
                 {"category_id", box.label + 1},
                 {"bbox", box_of(box.box)},
                 {"area", area},
                 {"iscrowd", 0}};
    const std::vector<std::uint32_t> runs =
        object ? object->mask.runs : rectangle_runs(box.box, scene.image.height, scene.image.width);
    if (!runs.empty()) {
      line["segmentation"] = {{"size", {scene.image.height, scene.image.width}},
                              {"counts", compress_runs(runs)}};
    }
    add_line(out, line);
  }
}

void add(const SceneRow& row, Lines& out) {
  add_line(out[kImages], {{"id", row.id()},
                          {"file_name", row.file},
                          {"width", row.scene.image.width},
                          {"height", row.scene.image.height},
                          {"license", 1}});
  add_instances(row, out[kAnnotations]);
  // Five captions: one short, two normal, two long.
  constexpr CaptionLength kLengths[] = {CaptionLength::kShort, CaptionLength::kNormal, CaptionLength::kNormal,
                                        CaptionLength::kLong, CaptionLength::kLong};
  Stream stream(row.scene.key.seed ^ kCaptionSalt, static_cast<std::uint64_t>(row.scene.key.split), row.id(),
                Part::kQuestions);
  std::uint64_t number = 0;
  for (const CaptionLength length : kLengths) {
    add_line(out[kCaptions], {{"id", row.id() * kMostOfImage + ++number},
                              {"image_id", row.id()},
                              {"caption", caption(row.scene, row.labels, length, stream)}});
  }
}

}  // namespace

const Format kCoco = {"coco", 3, true, files, add};

}  // namespace moonbeam::data
