// moonbeam data explain: where a sample comes from, from its picture to the calls that led to it.
#pragma once

#include <string>

#include "data/pipeline/reduce/work_folder.h"

namespace moonbeam::pipeline {

struct Explanation {
  std::string text;
  Json json;
};

/// @param id  "coco-7#query:count:0", or a picture's key: all of it
/// @throws Error kNotFound (no such picture or sample).
Explanation explain(const WorkFolder& work, const std::string& id);

}  // namespace moonbeam::pipeline
