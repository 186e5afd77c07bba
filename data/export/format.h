// What a format of annotations is: the files it writes and what it says about one scene. Files are made of
// streams of lines, so that a million scenes pass through without being held.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/absent.h"
#include "data/scenes/questions.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

using Json = nlohmann::ordered_json;

/// One scene on its way out.
struct SceneRow {
  const Scene& scene;
  const std::vector<Question>& questions;
  const LabelTable& labels;
  const AskedThings& things;
  std::string file;                ///< picture below images/, "00000/000000000007.jpg"
  std::string sha256;              ///< of the picture's file
  bool noisy = false;              ///< with the mistakes of data.md 8.1
  std::vector<Json> samples = {};  ///< canonical_samples(), where "canonical" is written

  std::uint64_t id() const { return scene.key.index; }
};

/// Lines of each stream of a format; every line ends with '\n' and holds one JSON value, or "key":value
/// where the file makes an object of them.
using Lines = std::vector<std::string>;

enum class Join {
  kLines,  ///< JSON lines: as they are
  kArray,  ///< with commas between them
};

/// A file: literal text and streams in turn.
struct FilePiece {
  std::string text;
  int stream = -1;
};
struct ExportFile {
  std::string path;  ///< below the output folder
  std::vector<FilePiece> pieces;
  Join join = Join::kLines;
  bool twin = true;  ///< below truth/ too, where a noisy set is written; not what only tells of mistakes
};

/// What files say about the whole set.
struct SetInfo {
  std::uint64_t seed = 0;
  Split split = Split::kValSeed;
  const LabelTable& labels;
};

struct Format {
  std::string_view name;
  int streams = 0;
  bool has_noise = false;  ///< its files differ in a noisy set
  std::vector<ExportFile> (*files)(const SetInfo& set) = nullptr;
  void (*add)(const SceneRow& row, Lines& out) = nullptr;
};

/// All but the shards, which are no file of lines.
std::span<const Format> formats();
const Format* find_format(std::string_view name);

// For the formats' own files.

void add_line(std::string& stream, const Json& value);
ExportFile json_lines(std::string path, int stream);
/// `before` stream `after`, its lines joined by commas.
ExportFile json_file(std::string path, std::string before, int stream, std::string after);
std::string image_key(const SceneRow& row);            ///< "moonscenes-val-seed-000000000007"
std::string padded(std::uint64_t number, int digits);  ///< "00007"
/// Rounded, so that files hold no digits that mean nothing.
double rounded(double value, int decimals);

// The formats, a file each.
extern const Format kCoco, kNarratives, kVqaV2, kGqa, kTextVqa, kPope, kRefCoco, kTallyQa, kLlava, kAltText,
    kCanonical;
/// Canonical samples of a scene (data.md 2.21), one a question.
std::vector<Json> canonical_samples(const SceneRow& row);

}  // namespace moonbeam::data
