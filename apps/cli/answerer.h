// One question about one picture, whoever answers it: a model of this process or a server elsewhere.
#pragma once

#include <moonbeam/types.h>

#include <string>
#include <vector>

#include "cli/answer.h"

namespace moonbeam::cli {

struct Ask {
  Task task = Task::kCaption;
  std::string prompt = {};        ///< question or object
  std::string length = "normal";  ///< of a caption
  bool reasoning = false;
  std::vector<SpatialRef> refs = {};
  SamplingOptions sampling = {};
  int max_tokens = 768;
  int max_objects = 50;
  bool clamp = false;
  bool orientation = true;   ///< turn the picture as its EXIF data says
  TextFn on_text = {};       ///< streams; null: the text comes whole
  ProgressFn progress = {};  ///< false ends it with kCancelled
};

struct Abilities {
  std::string model;  ///< its name; empty: not known
  bool detect = true, reasoning = true;
  std::vector<std::string> lengths = {"short", "normal", "long"};
};

class Answerer {
 public:
  virtual ~Answerer() = default;
  virtual Abilities abilities() = 0;
  /// @param picture  bytes of a picture's file; empty: a question without one
  /// @throws Error as the tasks of Model; net::NetworkError.
  virtual Answer ask(const std::string& picture, const Ask& ask) = 0;
};

}  // namespace moonbeam::cli
