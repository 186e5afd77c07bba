// The canonical sample (data.md 2.21), one a question: what the trainer and the data pipeline read.
#include <moonbeam/version.h>

#include <set>

#include "data/export/format.h"

namespace moonbeam::data {

namespace {

std::string_view task_of(Kind kind) {
  switch (kind) {
    case Kind::kCaption:
      return "caption";
    case Kind::kDetect:
      return "detect";
    case Kind::kPoint:
      return "point";
    default:
      return "query";
  }
}

std::string_view type_of(const Question& question) {
  switch (question.kind) {
    case Kind::kExist:
      return question.positive ? "yesno" : "absent";
    case Kind::kCount:
      return "count";
    case Kind::kColour:
      return "colour";
    case Kind::kRelation:
      return "relation";
    case Kind::kRead:
      return "ocr";
    case Kind::kPremise:
      return "premise";
    case Kind::kDetect:
    case Kind::kPoint:
      return question.positive ? "where" : "absent";
    default:
      return "what";
  }
}

std::string_view style_of(const Question& question) {
  if (question.kind == Kind::kCaption) {
    return question.length == CaptionLength::kShort  ? "short"
           : question.length == CaptionLength::kLong ? "long"
                                                     : "sentence";
  }
  return question.brief ? "short" : "sentence";
}

std::string_view licence_of(std::string_view set) {
  struct Licence {
    std::string_view set, id;
  };
  constexpr Licence kLicences[] = {
      {"noto", "Apache-2.0"},       {"noto1", "Apache-2.0"},       {"fluent", "MIT"},
      {"fluentf", "MIT"},           {"twemoji", "CC-BY-4.0"},      {"emojione", "CC-BY-4.0"},
      {"openmoji", "CC-BY-SA-4.0"}, {"emojione1", "CC-BY-SA-4.0"}, {"tux", "GPL-2.0-or-later"}};
  for (const Licence& licence : kLicences) {
    if (licence.set == set) return licence.id;
  }
  return "";
}

Json provenance(const SceneRow& row) {
  std::set<std::string> sources, licences;
  for (const SceneObject& object : row.scene.objects) {
    sources.insert("moonscenes:" + object.set);
    if (const std::string_view licence = licence_of(object.set); !licence.empty()) licences.emplace(licence);
  }
  return {{"sources", sources},
          {"license", licences},
          {"gen", "moonbeam@" + std::string(version())},
          {"seed", std::to_string(row.scene.key.seed)},
          {"split", name(row.scene.key.split)},
          {"index", row.id()}};
}

Json regions_of(const SceneRow& row, const Question& question) {
  Json regions = Json::array();
  if (question.kind != Kind::kDetect && question.kind != Kind::kPoint) return regions;
  for (const int target : question.targets) {
    const Box box = unit_box(row.scene, target);
    Json region = {
        {"label", row.labels[question.label].noun},
        {"box",
         {rounded(box.x_min, 6), rounded(box.y_min, 6), rounded(box.x_max, 6), rounded(box.y_max, 6)}}};
    if (question.kind == Kind::kPoint) {
      const Point centre = unit_centre(row.scene, target);
      region["point"] = {rounded(centre.x, 6), rounded(centre.y, 6)};
    }
    regions.push_back(std::move(region));
  }
  return regions;
}

std::vector<ExportFile> files(const SetInfo&) {
  return {json_lines("canonical/samples.jsonl", 0)};
}

void add(const SceneRow& row, Lines& out) {
  for (const Json& sample : row.samples) add_line(out[0], sample);
}

}  // namespace

std::vector<Json> canonical_samples(const SceneRow& row) {
  std::vector<Json> out;
  const Json image = {{"key", image_key(row)},
                      {"sha256", row.sha256},
                      {"w", row.scene.image.width},
                      {"h", row.scene.image.height},
                      {"file", row.file}};
  const Json prov = provenance(row);
  for (const Question& question : row.questions) {
    const std::string_view task = task_of(question.kind), type = type_of(question);
    Json evidence = Json::array();
    for (const int target : question.targets) evidence.push_back("obj:" + std::to_string(target));
    Json turns = Json::array();
    if (task == "query" || task == "caption") {
      turns.push_back({{"q", question.text}, {"a", question.answer}, {"style", style_of(question)}});
    } else {
      turns.push_back({{"q", question.text}});
    }
    Json sample = {
        {"v", 1},
        {"id", "moonscenes:" + std::string(name(row.scene.key.split)) + ":" + std::to_string(row.id()) + "#" +
                   std::string(task) + ":" + std::string(type) + ":" + std::to_string(out.size())},
        {"image", image},
        {"task", task},
        {"qtype", type},
        {"polarity", question.positive ? "pos" : "neg"},
        {"needs_detail", question.kind == Kind::kRead},
        {"turns", turns},
        {"regions", regions_of(row, question)},
        {"evidence", evidence},
        {"prov", prov}};
    if (!question.noise.empty()) sample["noise"] = question.noise;
    out.push_back(std::move(sample));
  }
  return out;
}

const Format kCanonical = {"canonical", 1, false, files, add};

}  // namespace moonbeam::data
