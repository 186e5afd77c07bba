// What a run of the pipeline is told, one readable file: which annotations, which models, how it is cut into
// shards, and a section of thresholds for each stage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/key_file.h"
#include "data/llm/client.h"
#include "data/pipeline/stage/context.h"

namespace moonbeam::pipeline {

/// Annotation files, each list in the order of the recipe; paths are absolute.
struct RunInputs {
  std::string name = "coco";  ///< front of the pictures' keys: "coco-7"
  std::string images;         ///< folder of the pictures
  std::vector<std::string> instances, captions, panoptic, narratives, alt;
  std::string vg_pictures, vg_regions;  ///< Visual Genome's image_data.json and region_descriptions.json
  /// Of pictures that only narratives name: "{id}.jpg", "{id:12}.jpg" with zeros in front; empty: they are
  /// left out.
  std::string file;
  std::string licence;     ///< of the pictures
  bool exhaustive = true;  ///< all things of the instances' categories are annotated in every picture

  std::vector<std::string> files() const;
};

struct RunRecipe {
  std::string path, text;
  RunInputs inputs;
  int shard_pictures = 1000, chunk_pictures = 200;
  int attempts = 3;  ///< of a stage for one picture, where calls fail for reasons that may pass
  int chunks_at_once = 2;
  double lease_seconds = 120;
  Roles roles;
  std::string prompts;  ///< folder; empty: the program's own
  std::string words;
  std::string openings;       ///< report of an earlier run, as JSON: its commonest openings are banned (E8)
  std::string servers;        ///< file
  std::string cache;          ///< folder of answers to share between runs; empty: in the work folder
  llm::ClientOptions client;  ///< endpoints are read with connect()
  std::vector<base::KeySection> stages;  ///< [S0] to [S15], [report]

  /// Section of a stage; an empty one where the recipe has none.
  base::KeySection& stage(const std::string& name);
  /// SHA-256 of all that decides what is generated, inputs and servers aside: prompts and words as given,
  /// models, thresholds, cuts.
  std::string identity(const std::string& prompts_sha256, const std::string& words_sha256) const;
};

/// @throws Error kInvalidArgument naming file and line; kNotFound.
RunRecipe read_run_recipe(const std::string& path);
RunRecipe parse_run_recipe(std::string_view text, const std::filesystem::path& path);

}  // namespace moonbeam::pipeline
