#include "cli/picture_encoder.h"

#include <moonbeam/model.h>
#include <moonbeam/weights.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/sha256.h"
#include "cli/session.h"
#include "data/pipeline/reduce/reduce.h"
#include "tasks/picture_features.h"

namespace moonbeam::cli {

namespace {

namespace fs = std::filesystem;

// Halves of width and height: with the mean of the whole alone, pictures of the same things in other places
// are alike (docs/data.md has the numbers).
constexpr int kCells = 2;

/// Of a model's file, or of all files of its folder.
std::string digest(const std::string& path) {
  std::vector<fs::path> files;
  if (!fs::is_directory(path)) {
    files.emplace_back(path);
  } else {
    for (const fs::directory_entry& one : fs::directory_iterator(path)) {
      if (one.is_regular_file()) files.push_back(one.path());
    }
  }
  std::sort(files.begin(), files.end());
  base::Sha256 hash;
  for (const fs::path& one : files) hash.update(base::MappedFile::open(one.string())->bytes());
  return hash.hex().substr(0, 16);
}

}  // namespace

pipeline::PictureEncoder picture_encoder(const std::string& model) {
  const auto loaded = std::make_shared<const Model>(with_known(model, [&] { return Model::load(model); }));
  const ModelInfo& info = loaded->info();
  std::error_code none;  // generated weights are no file
  const std::string of = fs::exists(info.path, none) ? digest(info.path) : info.path;
  pipeline::PictureEncoder out;
  out.name = info.name + " " + of + " " + info.mode + ": features of the whole picture, " +
             std::to_string(kCells) + " x " + std::to_string(kCells) + " means";
  out.width = tasks::PictureFeatures::width(*loaded, kCells);
  out.open = [loaded] {
    const auto features = std::make_shared<tasks::PictureFeatures>(*loaded, kCells);
    return [features](const Image& picture) { return features->of(picture); };
  };
  return out;
}

void check_picture_model(pipeline::RunRecipe recipe) {
  pipeline::ReduceOptions options;
  options.read(recipe.stages, fs::path(recipe.path).parent_path().string());
  if (!options.dedupe.encodes_pictures()) return;
  const std::string& model = options.dedupe.picture_model;
  with_known(model, [&] { return inspect_model(model); });
}

}  // namespace moonbeam::cli
