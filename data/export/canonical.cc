// The canonical sample (data.md 2.21), one a question: what the trainer and the data pipeline read.
#include <moonbeam/version.h>

#include <set>

#include "data/export/format.h"
#include "data/formats/canonical.h"

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

std::vector<CanonicalRegion> regions_of(const SceneRow& row, const Question& question) {
  std::vector<CanonicalRegion> regions;
  if (question.kind != Kind::kDetect && question.kind != Kind::kPoint) return regions;
  for (const int target : question.targets) {
    const Box box = unit_box(row.scene, target);
    CanonicalRegion region;
    region.label = row.labels[question.label].noun;
    region.box = {rounded(box.x_min, 6), rounded(box.y_min, 6), rounded(box.x_max, 6), rounded(box.y_max, 6)};
    if (question.kind == Kind::kPoint) {
      const Point centre = unit_centre(row.scene, target);
      region.point = {rounded(centre.x, 6), rounded(centre.y, 6)};
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
  const Json prov = provenance(row);
  for (const Question& question : row.questions) {
    CanonicalSample sample;
    sample.task = task_of(question.kind);
    sample.type = type_of(question);
    sample.id = "moonscenes:" + std::string(name(row.scene.key.split)) + ":" + std::to_string(row.id()) +
                "#" + sample.task + ":" + sample.type + ":" + std::to_string(out.size());
    sample.picture = image_key(row);
    sample.sha256 = row.sha256;
    sample.width = row.scene.image.width;
    sample.height = row.scene.image.height;
    sample.file = row.file;
    sample.polarity = question.positive ? "pos" : "neg";
    sample.needs_detail = question.kind == Kind::kRead;
    CanonicalTurn turn{question.text, {}, {}};
    if (sample.task == "query" || sample.task == "caption") {
      turn.answer = question.answer;
      turn.style = style_of(question);
    }
    sample.turns.push_back(std::move(turn));
    sample.regions = regions_of(row, question);
    for (const int target : question.targets) sample.evidence.push_back("obj:" + std::to_string(target));
    sample.provenance = prov;
    sample.noise = question.noise;
    out.push_back(canonical_json(sample));
  }
  return out;
}

const Format kCanonical = {"canonical", 1, false, files, add};

}  // namespace moonbeam::data
