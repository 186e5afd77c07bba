#include "data/formats/kind.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/formats/json_rows.h"

namespace moonbeam::data {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 27> kNames = {"unknown annotations",
                                                     "COCO instances",
                                                     "COCO captions",
                                                     "COCO panoptic segments",
                                                     "COCO detection results",
                                                     "COCO caption results",
                                                     "Localized Narratives",
                                                     "RefCOCO expressions by lines",
                                                     "Visual Genome's image data",
                                                     "Visual Genome's objects",
                                                     "Visual Genome's attributes",
                                                     "Visual Genome's relationships",
                                                     "Visual Genome's region descriptions",
                                                     "Visual Genome's questions and answers",
                                                     "VQAv2 questions",
                                                     "VQAv2 annotations",
                                                     "TextVQA",
                                                     "DocVQA",
                                                     "VizWiz",
                                                     "ChartQA",
                                                     "TallyQA",
                                                     "POPE questions",
                                                     "LLaVA conversations",
                                                     "LLaVA conversations by lines",
                                                     "canonical samples",
                                                     "a manifest of shards",
                                                     "a tar archive"};
static_assert(kNames.size() == static_cast<std::size_t>(FileKind::kTar) + 1);

/// The first rule that fits: where the records stand and keys that all have to be there, at most three.
struct Rule {
  std::string_view array;
  std::array<const char*, 3> keys;
  FileKind kind;
};
constexpr Rule kRules[] = {
    {"annotations", {"segments_info"}, FileKind::kCocoPanoptic},
    {"annotations", {"question_id", "answers"}, FileKind::kVqaAnnotations},
    {"annotations", {"category_id", "bbox"}, FileKind::kCocoInstances},
    {"annotations", {"category_id", "segmentation"}, FileKind::kCocoInstances},
    {"annotations", {"image_id", "caption"}, FileKind::kCocoCaptions},
    {"questions", {"question", "question_id"}, FileKind::kVqaQuestions},
    {"data", {"questionId", "docId"}, FileKind::kDocVqa},
    {"data", {"question_id", "image_id", "question"}, FileKind::kTextVqa},
    {"", {"conversations"}, FileKind::kLlava},
    {"", {"relationships"}, FileKind::kVgRelationships},
    {"", {"regions"}, FileKind::kVgRegions},
    {"", {"qas"}, FileKind::kVgQuestions},
    {"", {"attributes"}, FileKind::kVgAttributes},
    {"", {"image_id", "width", "height"}, FileKind::kVgImages},
    {"", {"image_id", "bbox", "score"}, FileKind::kCocoDetections},
    {"", {"image_id", "segmentation", "score"}, FileKind::kCocoDetections},
    {"", {"image_id", "caption"}, FileKind::kCocoCaptionResults},
    {"", {"data_source", "question_id", "answer"}, FileKind::kTallyQa},
    {"", {"imgname", "query", "label"}, FileKind::kChartQa},
    {"", {"image", "question", "answerable"}, FileKind::kVizWiz},
    {"lines", {"traces"}, FileKind::kNarratives},
    {"lines", {"timed_caption"}, FileKind::kNarratives},
    {"lines", {"ref_id", "sentences"}, FileKind::kRefCoco},
    {"lines", {"conversations"}, FileKind::kLlavaLines},
    {"lines", {"task", "image"}, FileKind::kCanonical},
    {"lines", {"shard", "samples"}, FileKind::kManifest},
    {"lines", {"image", "text", "label"}, FileKind::kPope},
};

bool has_keys(const json& row, const std::array<const char*, 3>& keys) {
  return std::all_of(keys.begin(), keys.end(),
                     [&](const char* key) { return key == nullptr || row.contains(key); });
}

/// The whole file in one line: its arrays are known by their first elements.
FileKind kind_of_arrays(const json& file) {
  for (const auto& [key, value] : file.items()) {
    if (!value.is_array() || value.empty() || !value.front().is_object()) continue;
    const FileKind kind = kind_of_row(key, value.front());
    if (kind != FileKind::kUnknown) return kind;
  }
  return FileKind::kUnknown;
}

struct Magic {
  std::string_view bytes, what;
};
constexpr Magic kMagics[] = {{"\x1f\x8b", "a file compressed by gzip"},
                             {"PK\x03\x04", "a zip archive"},
                             {"BZh", "a file compressed by bzip2"},
                             {"\xfd"
                              "7zXZ",
                              "a file compressed by xz"},
                             {"\x28\xb5\x2f\xfd", "a file compressed by zstd"},
                             {"\x89PNG", "a PNG picture"},
                             {"\xff\xd8\xff", "a JPEG picture"},
                             {"\xff\xfe", "text in UTF-16"},
                             {"\xfe\xff", "text in UTF-16"},
                             {"\x80\x02", "a Python pickle"},
                             {"\x80\x03", "a Python pickle"},
                             {"\x80\x04", "a Python pickle"},
                             {"\x80\x05", "a Python pickle"},
                             {"(dp", "a Python pickle"},
                             {"(lp", "a Python pickle"}};

bool is_tar(std::string_view head) {
  return head.size() >= 263 && head.substr(257, 5) == "ustar";
}

}  // namespace

std::string_view name(FileKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

FileKind kind_of_row(std::string_view array, const json& row) {
  if (array == "" && row.contains("image_id") && row.contains("objects")) {
    const json& objects = row["objects"];
    const bool described = objects.is_array() && !objects.empty() && objects.front().contains("attributes");
    return described ? FileKind::kVgAttributes : FileKind::kVgObjects;
  }
  for (const Rule& rule : kRules) {
    if (rule.array == array && has_keys(row, rule.keys)) return rule.kind;
  }
  return array == "lines" ? kind_of_arrays(row) : FileKind::kUnknown;
}

FileKind guess_kind(ByteSource& source) {
  const std::string_view head = source.head();
  if (is_tar(head)) return FileKind::kTar;
  FileKind kind = FileKind::kUnknown;
  const std::unique_ptr<ByteSource> lines = source.again();
  std::string line;
  bool whole = true;
  if (lines && lines->read_line(line, std::size_t{1} << 20, whole) && whole) {
    const json row = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_object()) kind = kind_of_row("lines", row);
    if (kind != FileKind::kUnknown) return kind;
  }
  first_rows(source, [&](std::string_view array, const json& row) {
    kind = kind_of_row(array, row);
    return kind == FileKind::kUnknown;
  });
  return kind;
}

FileKind guess_kind(const std::string& path) {
  ByteSource source(path);
  return guess_kind(source);
}

std::string looks_like(const ByteSource& source, FileKind expected) {
  const std::unique_ptr<ByteSource> again = source.again();
  if (!again) return "";
  const FileKind kind = guess_kind(*again);
  return kind == FileKind::kUnknown || kind == expected ? "" : base::cat("; it looks like ", name(kind));
}

void check_is_text(ByteSource& source, FileKind expected) {
  const std::string_view head = source.head();
  const std::string_view wanted = expected == FileKind::kUnknown ? "JSON" : name(expected);
  const auto refuse = [&](std::string_view what) {
    base::fail(ErrorCode::kInvalidArgument, source.name(), ": expected ", wanted, ", got ", what);
  };
  if (head.find_first_not_of(" \t\r\n") == std::string_view::npos && head.size() < 512) {
    base::fail(ErrorCode::kCorrupt, source.name(), ": expected ", wanted, ", but the file is empty");
  }
  for (const Magic& magic : kMagics) {
    if (head.starts_with(magic.bytes)) refuse(magic.what);
  }
  if (is_tar(head)) refuse(name(FileKind::kTar));
}

}  // namespace moonbeam::data
