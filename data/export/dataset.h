// Writes a set of scenes as folders of pictures and files of annotations: in parts that stand or do not, so
// that a run that was stopped goes on where it was, and with the same bytes for any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/scenes/questions.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

struct ExportProgress {
  std::uint64_t done = 0, total = 0;  ///< scenes; those of earlier runs are counted
};

struct ExportOptions {
  std::string folder;
  std::uint64_t seed = 0;
  Split split = Split::kValSeed;
  std::uint64_t scenes = 100;  ///< indices 0 .. scenes - 1
  SceneOptions scene;          ///< `masks` and `repeat` are set by the writer
  QuestionOptions questions;
  std::vector<std::string> formats;  ///< names of formats(), and "webdataset"; empty: all that fit
  bool noisy = false;                ///< with mistakes; the truth goes below truth/
  int threads = 0;
  bool resume = false;  ///< go on with a folder of the same options
  bool force = false;   ///< replace a folder that this wrote
  /// Called after every few scenes, on the calling thread. Return false to stop: Error kCancelled, and the
  /// folder can be resumed.
  std::function<bool(const ExportProgress&)> progress = {};
};

struct ExportResult {
  std::uint64_t scenes = 0, objects = 0, questions = 0, resumed = 0;  ///< resumed: scenes of earlier runs
  std::array<std::uint64_t, kKinds> by_kind{};
  std::vector<std::string> files;  ///< below the folder, pictures and parts left out
  std::uint64_t bytes = 0;         ///< of those files and the pictures
};

/// Draws one scene; must give the same one for the same key, from any thread.
using DrawScene = std::function<Scene(const SceneKey&, const SceneOptions&)>;

/// Folder: images/PPPPP/NNNNNNNNNNNN.jpg, one folder or file a format, shards/, truth/, manifest.jsonl, and
/// dataset.json, which is written last: without it the set is not whole. docs/data.md has the layout.
/// @throws Error kInvalidArgument (unknown format, folder exists, options differ from those of the folder),
///         kCorrupt (damaged dataset.json or parts), kExhausted (disk full), kNotFound, kCancelled.
ExportResult export_scenes(const ExportOptions& options, const DrawScene& draw, const LabelTable& labels);

/// Names for --format, with "webdataset".
std::vector<std::string> export_format_names();

}  // namespace moonbeam::data
