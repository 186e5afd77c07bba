// What a run begins with besides its recipe: a model, files of one's own pictures. A checkpoint keeps it, so
// that a run goes on without the model it began from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "train/own/own_set.h"
#include "train/recipe/recipe.h"
#include "train/twin/model_file.h"

namespace moonbeam::train {

struct StartOptions {
  std::string init;                 ///< model, as the command line names it; empty: from nothing
  std::vector<std::string> data;    ///< files of questions
  std::vector<std::string> images;  ///< folders of their pictures: none, one for all, or one for each file
};

struct RunStart {
  std::string base;     ///< what the model is called, without its folder; empty: from nothing
  std::string licence;  ///< its, SPDX; empty: not known
  std::optional<model::ModelConfig> config;
  struct Data {
    OwnFile file;        ///< absolute paths
    std::string sha256;  ///< of the file of questions
  };
  std::vector<Data> data;

  Sizes sizes() const { return config ? Sizes::kModel : Sizes::kRecipe; }
  /// For a checkpoint; empty where there is nothing to keep.
  std::string json() const;
};

/// @throws Error kCorrupt; `where` stands in front.
RunStart parse_run_start(const std::string& json, const std::string& where);

/// "models/tiny/tiny-bf16.gguf" -> "tiny-bf16.gguf".
std::string name_of_model(const std::string& model);

/// The model that a run begins from, checked against the recipe. @throws Error as load_twin;
/// kInvalidArgument (a size or the tokenizer that the recipe names differs), kUnsupported (quantised).
LoadedModel load_start(const Recipe& recipe, const std::string& init);

/// Paths made absolute and files hashed. @throws Error kNotFound, kInvalidArgument (folders that fit none).
std::vector<RunStart::Data> data_of(const StartOptions& options);

/// The questions, if the files still are what they were. @throws Error as read_own_set; kInvalidArgument: a
/// file has changed since the run began, or files and stages of the recipe do not fit.
OwnSet read_start_data(const RunStart& start, const Recipe& recipe);

}  // namespace moonbeam::train
