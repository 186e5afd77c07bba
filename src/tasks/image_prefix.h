// A picture made ready for questions: encoded, and its prefix in the kv cache.
#pragma once

#include <memory>
#include <optional>

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

/// Raised when the same pixels are turned into other patches than before.
inline constexpr int kPreprocessingVersion = 1;

/// For tests: activations on the way.
struct ImageProbe {
  vision::Probe vision = {};
  std::function<void(const float* embeddings, int count, int width)> embeddings = {};
  text::Probe text = {};
};

/// What is left of a picture between projector and text model: a twentieth of its prefix in size.
struct PictureEmbeddings {
  int height = 0, width = 0;  ///< of the picture, pixels
  vision::ImageEmbeddings rows;
  double encode_ms = 0;
  std::size_t bytes() const noexcept { return rows.data.size() * sizeof(float); }
};

/// A picture on its way through the model, a layer at a time: between two steps others may run. The prefix
/// sees itself both ways, so it is one pass that rests between layers and is never cut by positions.
class PictureJob {
 public:
  /// Cuts the picture, which is not needed afterwards; touches no pool and so may run on any thread.
  /// @throws Error kInvalidArgument (empty picture), kExhausted.
  PictureJob(std::shared_ptr<const Engine> engine, const Image& image, ImageProbe probe = {});
  /// Only the way through the text model.
  PictureJob(std::shared_ptr<const Engine> engine, std::shared_ptr<const PictureEmbeddings> embeddings);
  PictureJob(const PictureJob&) = delete;
  PictureJob& operator=(const PictureJob&) = delete;

  /// Runs one layer. False when the result is there.
  bool step();
  Progress progress() const noexcept { return progress_; }
  std::shared_ptr<const EncodedImage::Impl> result() const noexcept { return result_; }
  std::shared_ptr<const PictureEmbeddings> embeddings() const noexcept { return embeddings_; }

 private:
  void step_encoder();
  void begin_prefill();
  bool step_prefill();
  void finish();

  std::shared_ptr<const Engine> engine_;
  ImageProbe probe_;
  Runner runner_;
  // While it is being encoded.
  std::unique_ptr<vision::ImageEmbedder> embedder_;
  std::unique_ptr<vision::Encoder> encoder_;
  std::shared_ptr<PictureEmbeddings> being_made_;
  // From then on.
  std::shared_ptr<const PictureEmbeddings> embeddings_;
  std::optional<Sequence> sequence_;
  double prefill_ms_ = 0;
  Progress progress_;
  std::shared_ptr<const EncodedImage::Impl> result_;
};

/// Runs the job to its end. @throws Error kCancelled.
void run(PictureJob& job, const ProgressFn& progress);

/// @throws Error kInvalidArgument (empty picture), kCancelled.
std::shared_ptr<const EncodedImage::Impl> encode_image(std::shared_ptr<const Engine> engine,
                                                       const Image& image, const ProgressFn& progress,
                                                       const ImageProbe& probe = {});

/// A new question about the picture. @throws Error kInvalidArgument (picture of another model).
Sequence continue_image(const Engine& engine, const EncodedImage::Impl& image);

/// Throws Error kCancelled.
[[noreturn]] void fail_cancelled();

}  // namespace moonbeam::tasks
