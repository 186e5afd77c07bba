// A picture made ready for questions: encoded, and its prefix in the kv cache.
#pragma once

#include <moonbeam/model.h>

#include "tasks/runner.h"
#include "vision/embed.h"

namespace moonbeam {

struct EncodedImage::Impl {
  const tasks::Engine* engine = nullptr;  ///< the model it belongs to
  int height = 0, width = 0, crops = 0;
  double encode_ms = 0, prefill_ms = 0;
  text::KvCache prefix;  ///< read only: questions fork it
  /// Keeps the model alive as long as the picture.
  std::shared_ptr<const tasks::Engine> owner;
};

}  // namespace moonbeam

namespace moonbeam::tasks {

/// For tests: activations on the way.
struct ImageProbe {
  vision::Probe vision = {};
  std::function<void(const float* embeddings, int count, int width)> embeddings = {};
  text::Probe text = {};
};

/// @throws Error kInvalidArgument (empty picture), kCancelled.
std::shared_ptr<const EncodedImage::Impl> encode_image(std::shared_ptr<const Engine> engine,
                                                       const Image& image, const ProgressFn& progress,
                                                       const ImageProbe& probe = {});

/// A new question about the picture. @throws Error kInvalidArgument (picture of another model).
Sequence continue_image(const Engine& engine, const EncodedImage::Impl& image);

}  // namespace moonbeam::tasks
