#include "tasks/image_prefix.h"

#include <utility>

#include "base/error.h"
#include "base/machine.h"

namespace moonbeam::tasks {

PictureJob::PictureJob(std::shared_ptr<const Engine> engine, const Image& image, ImageProbe probe)
    : engine_(std::move(engine)), probe_(std::move(probe)), runner_(*engine_) {
  const double start = base::now_ms();
  embedder_ = std::make_unique<vision::ImageEmbedder>(engine_->config().vision, image);
  being_made_ = std::make_shared<PictureEmbeddings>();
  being_made_->height = image.height;
  being_made_->width = image.width;
  being_made_->encode_ms = base::now_ms() - start;
  progress_ = {Progress::Stage::kEncode, 0, 0};
}

PictureJob::PictureJob(std::shared_ptr<const Engine> engine,
                       std::shared_ptr<const PictureEmbeddings> embeddings)
    : engine_(std::move(engine)),
      runner_(*engine_),
      embeddings_(std::move(embeddings)),
      progress_{Progress::Stage::kPrefill, 0, engine_->config().text.layers} {}

bool PictureJob::step() {
  if (result_) return false;
  if (!embeddings_) {
    step_encoder();
    return true;
  }
  if (!sequence_) begin_prefill();
  if (step_prefill()) return true;
  finish();
  return false;
}

void PictureJob::step_encoder() {
  const double start = base::now_ms();
  if (!encoder_) {
    encoder_ = std::make_unique<vision::Encoder>(engine_->config().vision, engine_->model->vision,
                                                 runner_.context());
    embedder_->begin(*encoder_, probe_.vision);
  }
  const bool more = embedder_->step();
  progress_ = {Progress::Stage::kEncode, embedder_->done(), embedder_->steps()};
  being_made_->encode_ms += base::now_ms() - start;
  if (more) return;

  being_made_->rows = embedder_->take();
  const vision::ImageEmbeddings& rows = being_made_->rows;
  if (probe_.embeddings) probe_.embeddings(rows.data.data(), rows.count, engine_->config().text.dim);
  embedder_.reset();
  encoder_.reset();
  embeddings_ = std::move(being_made_);
}

void PictureJob::begin_prefill() {
  const int count = embeddings_->rows.count;
  // Variants that do not attend both ways say prefix_attn 0: their prefix is causal.
  const int prefix = engine_->config().text.prefix_attn > 0 ? 1 + count : 0;
  sequence_ = new_sequence(*engine_, prefix);
  if (probe_.text) runner_.decoder().set_probe(probe_.text);
  runner_.begin_image(*sequence_, embeddings_->rows.data.data(), count);
}

bool PictureJob::step_prefill() {
  const double start = base::now_ms();
  const bool more = runner_.step();
  progress_ = {Progress::Stage::kPrefill, runner_.layer(), engine_->config().text.layers};
  prefill_ms_ += base::now_ms() - start;
  return more;
}

void PictureJob::finish() {
  result_ = std::make_shared<EncodedImage::Impl>(EncodedImage::Impl{.engine = engine_.get(),
                                                                    .height = embeddings_->height,
                                                                    .width = embeddings_->width,
                                                                    .crops = embeddings_->rows.crops,
                                                                    .encode_ms = embeddings_->encode_ms,
                                                                    .prefill_ms = prefill_ms_,
                                                                    .prefix = std::move(sequence_->cache),
                                                                    .owner = engine_});
}

void run(PictureJob& job, const ProgressFn& progress) {
  for (bool more = true; more;) {
    more = job.step();
    if (progress && !progress(job.progress())) fail_cancelled();
  }
}

std::shared_ptr<const EncodedImage::Impl> encode_image(std::shared_ptr<const Engine> engine,
                                                       const Image& image, const ProgressFn& progress,
                                                       const ImageProbe& probe) {
  PictureJob job(std::move(engine), image, probe);
  run(job, progress);
  return job.result();
}

Sequence continue_image(const Engine& engine, const EncodedImage::Impl& image) {
  if (image.engine != &engine) {
    base::fail(ErrorCode::kInvalidArgument,
               "the picture was encoded by another model: encode it with this one");
  }
  return Sequence(image.prefix.fork());
}

void fail_cancelled() {
  base::fail(ErrorCode::kCancelled, "encoding the picture was stopped");
}

}  // namespace moonbeam::tasks
