// Now and then the engine itself answers some questions with the weights as they are: what a run can do so
// far, and that the file it makes is a model.
#pragma once

#include <string>
#include <vector>

#include "train/loop/pictures.h"

namespace moonbeam::train {

/// A question asked, as the log has it.
struct Answered {
  std::uint64_t scene = 0;  ///< of val-seed, as the stage draws it
  std::string picture;      ///< path of one's own; empty: a scene
  std::string stage;
  int classes = 0;
  std::string task, prompt, answer, truth;
  std::vector<Box> boxes;
  std::vector<Point> points;
  std::string json() const;  ///< one object
};

/// A caption, a detection and two questions about one scene of val-seed, by the model in `folder`.
std::vector<Answered> answer_samples(const std::string& folder, const PictureSources& sources,
                                     const Stage& stage, int classes, std::uint64_t scene);

/// The first questions of a picture of one's own that was kept out, by the model in `folder`.
std::vector<Answered> answer_own_samples(const std::string& folder, const PictureSources& sources,
                                         const Stage& stage, std::uint64_t turn);

}  // namespace moonbeam::train
