// What the image encoder sees in a whole picture, as one vector: for telling pictures that look alike.
#pragma once

#include <moonbeam/model.h>

#include <memory>
#include <vector>

namespace moonbeam::tasks {

/// Features of the global crop alone, averaged over `cells` x `cells` parts of it. For one thread: many of
/// them share a model's weights, each with a pool of its own of no further threads, since small encoders gain
/// more from a picture a thread than from many threads a picture.
class PictureFeatures {
 public:
  PictureFeatures(const Model& model, int cells);
  ~PictureFeatures();

  static int width(const Model& model, int cells);  ///< cells * cells * vision dim
  /// [width]. The same bits whatever was encoded before. @throws Error kInvalidArgument (empty picture),
  /// kExhausted.
  std::vector<float> of(const Image& picture);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moonbeam::tasks
