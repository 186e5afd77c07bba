// What a viewer asks of every frame.
#pragma once

#include <moonbeam/types.h>

#include <cstdint>
#include <string>

namespace moonbeam::live {

enum class Skill { kCaption, kQuery, kDetect, kPoint };

struct Task {
  Skill skill = Skill::kCaption;
  std::string question = {};  ///< query
  std::string object = {};    ///< detect, point
  CaptionLength length = CaptionLength::kShort;
  int max_tokens = 64;
  bool skip_unchanged = true;  ///< keep the last answer while the scene stays as it was

  bool operator==(const Task&) const = default;
};

/// Which of a viewer's tasks a frame is for: each change of the question has a higher one.
using Rev = std::int64_t;

}  // namespace moonbeam::live
