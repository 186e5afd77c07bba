// Questions about a scene and their true answers, in Moondream's words (scenes.md section 5).
#pragma once

#include <moonbeam/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/scene.h"

namespace moonbeam::data {

enum class Kind : std::uint8_t {
  kCaption,
  kExist,
  kCount,
  kColour,
  kName,
  kRelation,
  kDetect,
  kPoint,
  kRead,
  kPremise
};
inline constexpr int kKinds = 10;
std::string_view name(Kind kind);

/// One supervised sequence. The prompt's template is the model's own business: this is what follows it.
struct Question {
  Kind kind = Kind::kExist;
  CaptionLength length = CaptionLength::kNormal;  ///< of a caption
  std::string text;          ///< the question; the noun of detect and point; "" for captions
  std::string answer;        ///< text tasks
  std::vector<int> targets;  ///< detect, point: objects of the scene, by y_min then x_min
  bool positive = true;      ///< the thing asked for is in the picture
  int label = -1;            ///< what it asks about, where that is one label
};

struct QuestionOptions {
  int most = 12;         ///< questions of a scene
  int classes = 100;     ///< absent things are drawn from the first n
  bool noise = false;    ///< typos, case, missing marks (data.md 4.9) on 30 %
  bool reading = false;  ///< ask for text on signs
  bool captions = true;
};

/// A pure function of the scene's key and the options; balance as section 5's table says.
std::vector<Question> ask(const Scene& scene, const LabelTable& labels, const QuestionOptions& options);

/// Corners in [0,1] of a scene's object; its centre.
Box unit_box(const Scene& scene, int object);
Point unit_centre(const Scene& scene, int object);

}  // namespace moonbeam::data
