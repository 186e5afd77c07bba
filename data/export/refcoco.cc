// Referring expressions as the importer of RefCOCO leaves them (data.md 2.8): JSON lines, and the COCO
// instances they point into.
#include <algorithm>

#include "data/export/format.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr std::uint64_t kMostOfImage = 100;  // as in coco.cc: ids of objects are the same

std::vector<ExportFile> files(const SetInfo&) {
  return {json_lines("refcoco/refs.jsonl", 0)};
}

/// Phrases that mean this object and no other.
std::vector<std::string> phrases(const SceneRow& row, int object) {
  const SceneObject& one = row.scene.objects[static_cast<std::size_t>(object)];
  const Label& label = row.labels[one.label];
  const std::vector<Asked> visible = visible_in(row.scene, row.labels);
  if (ambiguous(one.label, visible, row.labels)) return {};
  std::vector<int> same, same_colour;
  for (int i = 0; i < static_cast<int>(row.scene.objects.size()); ++i) {
    const SceneObject& other = row.scene.objects[static_cast<std::size_t>(i)];
    if (other.label != one.label) continue;
    same.push_back(i);
    if (other.colour == one.colour) same_colour.push_back(i);
  }
  std::vector<std::string> out;
  if (same.size() == 1) out.push_back(label.noun);
  if (one.colour && same_colour.size() == 1) out.push_back(singular(label, one.colour));
  if (same.size() < 2) return out;
  constexpr double kMargin = 0.08;
  const auto outermost = [&](bool left) {
    return std::all_of(same.begin(), same.end(), [&](int other) {
      const double gap = unit_centre(row.scene, other).x - unit_centre(row.scene, object).x;
      return other == object || (left ? gap : -gap) > kMargin;
    });
  };
  if (outermost(true)) out.push_back("leftmost " + label.noun);
  if (outermost(false)) out.push_back("rightmost " + label.noun);
  return out;
}

Json tokens_of(const std::string& sentence) {
  Json tokens = Json::array();
  for (std::size_t start = 0; start < sentence.size();) {
    const std::size_t end = std::min(sentence.find(' ', start), sentence.size());
    tokens.push_back(sentence.substr(start, end - start));
    start = end + 1;
  }
  return tokens;
}

/// "00000/000000000007_1.jpg": the suffix that readers have to strip.
std::string suffixed(const std::string& file, int number) {
  const std::size_t dot = file.rfind('.');
  return file.substr(0, dot) + "_" + std::to_string(number) + file.substr(dot);
}

void add(const SceneRow& row, Lines& out) {
  for (int i = 0; i < static_cast<int>(row.scene.objects.size()); ++i) {
    const std::vector<std::string> texts = phrases(row, i);
    if (texts.empty()) continue;
    const SceneObject& object = row.scene.objects[static_cast<std::size_t>(i)];
    const std::uint64_t id = row.id() * kMostOfImage + static_cast<std::uint64_t>(i) + 1;
    Json sentences = Json::array();
    for (const std::string& text : texts) {
      sentences.push_back({{"sent_id", id * 10 + sentences.size()},
                           {"raw", capitalised(text)},
                           {"sent", text},
                           {"tokens", tokens_of(text)}});
    }
    add_line(out[0],
             {{"ref_id", id},
              {"ann_id", id},
              {"image_id", row.id()},
              {"category_id", object.label + 1},
              {"split", name(row.scene.key.split)},
              {"file_name", suffixed(row.file, i + 1)},
              {"sentences", sentences},
              {"bbox", {object.box.x_min, object.box.y_min, object.box.width(), object.box.height()}}});
  }
}

}  // namespace

const Format kRefCoco = {"refcoco", 1, false, files, add};

}  // namespace moonbeam::data
