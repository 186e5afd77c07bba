// Questions about a scene and their true answers, in Moondream's words (scenes.md section 5).
#pragma once

#include <moonbeam/types.h>

#include <cstdint>
#include <optional>
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
  std::string text = {};              ///< the question; the noun of detect and point; "" for captions
  std::string answer = {};            ///< text tasks
  std::vector<int> targets = {};      ///< detect, point: objects of the scene, by y_min then x_min
  bool positive = true;               ///< the thing asked for is in the picture
  int label = -1;                     ///< what it asks about, where that is one label
  std::optional<Colour> colour = {};  ///< ... of this colour: "red star"
  bool brief = false;                 ///< a short answer was asked for, and is given
  std::string plain = {};  ///< the question before instruction and noise; the noun; "" for captions
  std::string short_answer = {}, sentence = {};  ///< both answers; `answer` is one of them. Text tasks
  std::string noise = {};  ///< what was done to the text: "lower", "typo", ...; "": nothing
};

struct QuestionOptions {
  int most = 12;         ///< questions of a scene
  int classes = 100;     ///< absent things are drawn from the first n
  bool noise = false;    ///< typos, case, missing marks (data.md 4.9) on 30 %
  bool reading = false;  ///< ask for text on signs
  bool captions = true;
};

/// A pure function of the scene and the options, in any order; balance as section 5's table says, over a
/// stream of scenes drawn with repeat_for(). docs/data.md has the forms of questions and answers.
std::vector<Question> ask(const Scene& scene, const LabelTable& labels, const QuestionOptions& options);

/// SceneOptions::repeat for this scene: without it a free draw has one of most things, and counts are not
/// flat. At most `max_objects`, as rendering demands. Pure function of both; ask() reckons with it.
int repeat_for(const SceneKey& key, int max_objects);

/// Corners in [0,1] of a scene's object; its centre.
Box unit_box(const Scene& scene, int object);
Point unit_centre(const Scene& scene, int object);

}  // namespace moonbeam::data
