#include "tasks/image_prefix.h"

#include "base/error.h"
#include "base/machine.h"

namespace moonbeam::tasks {

namespace {

vision::LayerFn report(const ProgressFn& progress, Progress::Stage stage) {
  if (!progress) return {};
  return [&progress, stage](int done, int total) { return progress({stage, done, total}); };
}

[[noreturn]] void fail_cancelled() {
  base::fail(ErrorCode::kCancelled, "encoding the picture was stopped");
}

}  // namespace

std::shared_ptr<const EncodedImage::Impl> encode_image(std::shared_ptr<const Engine> engine,
                                                       const Image& image, const ProgressFn& progress,
                                                       const ImageProbe& probe) {
  const double start = base::now_ms();
  Runner runner(*engine);
  vision::ImageEmbeddings embeddings;
  {
    vision::Encoder encoder(engine->config().vision, engine->model->vision, runner.context());
    embeddings = vision::embed_image(encoder, engine->config().vision, image,
                                     report(progress, Progress::Stage::kEncode), probe.vision);
  }
  if (embeddings.count == 0) fail_cancelled();
  const int dim = engine->config().text.dim;
  if (probe.embeddings) probe.embeddings(embeddings.data.data(), embeddings.count, dim);
  const double encoded = base::now_ms();

  // Variants that do not attend both ways say prefix_attn 0: their prefix is causal.
  const int prefix = engine->config().text.prefix_attn > 0 ? 1 + embeddings.count : 0;
  Sequence sequence = new_sequence(*engine, prefix);
  if (probe.text) runner.decoder().set_probe(probe.text);
  if (!runner.prefill_image(sequence, embeddings.data.data(), embeddings.count,
                            report(progress, Progress::Stage::kPrefill))) {
    fail_cancelled();
  }
  return std::make_shared<EncodedImage::Impl>(EncodedImage::Impl{.engine = engine.get(),
                                                                 .height = image.height,
                                                                 .width = image.width,
                                                                 .crops = embeddings.crops,
                                                                 .encode_ms = encoded - start,
                                                                 .prefill_ms = base::now_ms() - encoded,
                                                                 .prefix = std::move(sequence.cache),
                                                                 .owner = std::move(engine)});
}

Sequence continue_image(const Engine& engine, const EncodedImage::Impl& image) {
  if (image.engine != &engine) {
    base::fail(ErrorCode::kInvalidArgument,
               "the picture was encoded by another model: encode it with this one");
  }
  return Sequence(image.prefix.fork());
}

}  // namespace moonbeam::tasks
