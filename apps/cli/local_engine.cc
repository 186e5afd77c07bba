// The model of this process: pictures are decoded, encoded and asked one after another.
#include "cli/engine.h"

#include <optional>

#include "cli/session.h"

namespace moonbeam::cli {

namespace {

class LocalEngine : public Engine {
 public:
  LocalEngine(const Options& options, const CheckFn& check, const AskFn& ask, bool encode, Status& status)
      : options_(options), check_(check), ask_(ask), encode_(encode), status_(status) {}

  void open() override {
    session_ = open_session(options_, status_);
    check_(session_->model.info());
  }

  void announce(const std::vector<const PictureSource*>&) override {}

  Answered answer(const PictureSource* picture, const StreamFn& stream) override {
    Answered out;
    const Model& model = session_->model;
    std::optional<EncodedImage> encoded;
    if (picture != nullptr) {
      const double start = now_ms();
      out.image = load_picture(*picture, !options_.pictures.no_orientation);
      out.stats.decode_ms = now_ms() - start;
    }
    const ProgressFn progress = [&](const Progress& step) { return status_.update(step); };
    if (picture != nullptr && encode_) {
      encoded = model.encode_image(out.image, progress);
      out.stats.crops = encoded->crops();
      out.stats.positions = encoded->prefix_tokens();
    }
    out.answers = ask_({model, encoded ? &*encoded : nullptr, picture != nullptr ? &out.image : nullptr,
                        options_, progress, stream});
    return out;
  }

  std::vector<std::string> files() const override { return {made_with()}; }
  std::string made_with() const override { return model_path(options_.model.model); }

  std::string run_stats() const override {
    const ModelInfo& info = session_->model.info();
    return cli::run_stats(session_->load_ms, info.isa, info.mode, info.threads, peak_bytes());
  }

 private:
  const Options& options_;
  const CheckFn& check_;
  const AskFn& ask_;
  bool encode_;
  Status& status_;
  std::optional<Session> session_;
};

}  // namespace

std::unique_ptr<Engine> local_engine(const Options& options, const CheckFn& check, const AskFn& ask,
                                     bool encode, Status& status) {
  return std::make_unique<LocalEngine>(options, check, ask, encode, status);
}

}  // namespace moonbeam::cli
