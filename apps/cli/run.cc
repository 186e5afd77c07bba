// The loop over pictures: expand, have them answered, write, draw; errors of one picture do not end the
// others.
#include "cli/run.h"

#include <moonbeam/draw.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>

#include "cli/engine.h"
#include "cli/errors.h"
#include "cli/images.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/remote/wire.h"
#include "cli/session.h"
#include "cli/stats.h"
#include "cli/text.h"
#include "cli/writer.h"
#include "net/http.h"

namespace moonbeam::cli {

namespace {

class Run {
 public:
  Run(const Options& options, Task task, const CheckFn& check, const AskFn& ask, bool encode)
      : options_(options),
        task_(task),
        sources_(expand_images(options.pictures.images, options.pictures.recursive)),
        status_(shows_progress(options.output)),
        engine_(options.remote.url.empty() ? local_engine(options, check, ask, encode, status_)
                                           : remote_engine(options, task, status_)) {
    if (!options.ask.draw.empty()) {
      constexpr std::array<std::string_view, 5> kWhat = {"", "", "boxes", "points", "gaze"};
      drawings_ = drawing_paths(sources_, options.ask.draw, kWhat[static_cast<std::size_t>(task)]);
    }
    // One argument that gave nothing is the run's own error, not a failed picture of many.
    if (sources_.size() == 1 && sources_[0].error) throw *sources_[0].error;
  }

  int operator()() {
    protect_inputs();
    Writer writer(options_, task_, several(), *engine_);  // first: a bad -o shows at once
    writer_ = &writer;
    engine_->open();
    const int status = sources_.empty() ? without_picture() : over_pictures();
    status_.clear();
    const bool complete = status == kExitOk || status == kExitSomeFailed;
    // An interrupted run leaves no half-done file, but standard output gets its closing bracket.
    if (complete || options_.output.out.empty()) writer.finish();
    if (options_.output.stats) note(engine_->run_stats());
    return status;
  }

 private:
  void protect_inputs() const {
    const std::string& out = options_.output.out;
    if (out.empty() && drawings_.empty()) return;
    Inputs inputs;
    for (const std::string& file : engine_->files()) inputs.add(file);
    for (const PictureSource& source : sources_) {
      if (source.kind == PictureSource::Kind::kFile) inputs.add(source.name);
    }
    if (!out.empty() && out != "-") inputs.protect("-o", out);
    for (const std::string& drawing : drawings_) inputs.protect("--draw", drawing);
  }

  bool several() const { return sources_.size() > 1; }
  bool streams() const {
    const OutputArgs& out = options_.output;
    if (out.format != "text" || (task_ != Task::kCaption && task_ != Task::kQuery) || out.no_stream)
      return false;
    return out.stream || (out.out.empty() && ::isatty(STDOUT_FILENO) != 0);
  }

  static void note(const std::string& lines) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, lines.data(), lines.size());
  }

  int without_picture() {
    status_.begin_run(1);
    PictureAnswers picture;
    if (!answer(nullptr, picture, 0)) return signal_status();
    if (options_.output.stats) note(picture_stats(picture, {}));
    return kExitOk;
  }

  int over_pictures() {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (!writer_->answered(sources_[i].name)) wanted.push_back(i);
    }
    if (wanted.size() < sources_.size() && !options_.output.quiet) {
      complain("note: " + std::to_string(sources_.size() - wanted.size()) + " of " +
               std::to_string(sources_.size()) + " pictures are answered already");
    }
    std::vector<const PictureSource*> pictures;
    for (const std::size_t index : wanted) pictures.push_back(&sources_[index]);
    engine_->announce(pictures);
    status_.begin_run(wanted.size());
    std::size_t done = 0, failed = 0;
    for (const std::size_t index : wanted) {
      if (!carry_on()) return interrupted(done, wanted.size());
      status_.begin_picture(done, sources_[index].name);
      try {
        if (!one_picture(index)) return interrupted(done, wanted.size());
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled) return interrupted(done, wanted.size());
        if (writing_ || !several() || options_.pictures.fail_fast || ends_the_run(error)) throw;
        status_.clear();
        complain(with_name(error.what(), sources_[index].name));
        ++failed;
      }
      ++done;
    }
    if (failed == 0) return kExitOk;
    status_.clear();
    complain(std::to_string(failed) + " of " + std::to_string(wanted.size()) + " pictures failed");
    return kExitSomeFailed;
  }

  int interrupted(std::size_t done, std::size_t total) {
    status_.clear();
    if (total > 1 && !options_.output.quiet) {
      const bool lost = !options_.output.out.empty() && !options_.output.resume;
      complain("interrupted after " + std::to_string(done) + " of " + std::to_string(total) + " pictures" +
               (lost ? "; nothing was written to " + options_.output.out : ""));
    }
    return signal_status();
  }

  static std::string with_name(const std::string& message, const std::string& name) {
    return message.find(name) != std::string::npos ? message : name + ": " + message;
  }

  /// Where nobody can be asked, the other pictures need not be tried.
  static bool ends_the_run(const Error& error) {
    return dynamic_cast<const net::NetworkError*>(&error) != nullptr &&
           dynamic_cast<const ServerError*>(&error) == nullptr;
  }

  /// False if the user stopped it.
  bool one_picture(std::size_t index) {
    const PictureSource& source = sources_[index];
    const double start = now_ms();
    PictureAnswers picture{source.name, 0, 0, {}};
    std::optional<Answered> answered = answer(&source, picture, index);
    if (!answered) return false;
    if (!drawings_.empty()) draw(answered->image, picture, drawings_[index]);
    writing_ = false;
    if (options_.output.stats) {
      status_.clear();
      note(picture_stats(picture, answered->stats));
    } else if (options_.output.verbose) {
      status_.clear();
      complain(source.name + ": " + fixed((now_ms() - start) / 1000, 2) + " s");
    }
    return true;
  }

  /// Nothing if the user stopped it.
  std::optional<Answered> answer(const PictureSource* source, PictureAnswers& picture, std::size_t index) {
    Streaming streaming(writer_->sink(), status_);
    StreamFn stream;
    if (streams()) {
      stream = [&](const std::string& prompt) {
        Answer one;
        one.prompt = prompt;
        return streaming.begin(text_prefix(picture, one, several(), options_.ask.questions.size() > 1));
      };
    }
    Answered answered = engine_->answer(source, stream);
    picture.answers = answered.answers;
    picture.height = answered.image.height;
    picture.width = answered.image.width;
    status_.clear();
    writing_ = true;  // from here on an error is the output's, not the picture's
    streaming.finish();
    if (!carry_on()) return {};
    if (!streams()) writer_->write(picture, index);
    return answered;
  }

  void draw(Image& image, const PictureAnswers& picture, const std::string& path) {
    for (const Answer& answer : picture.answers) {
      draw_boxes(image, answer.boxes, answer.prompt);
      draw_points(image, answer.points, answer.prompt);
    }
    lower_suffix(path) == ".png" ? save_png(image, path) : save_jpeg(image, path);
  }

  const Options& options_;
  Task task_;
  std::vector<PictureSource> sources_;
  std::vector<std::string> drawings_;  // one a source, or none
  Status status_;
  std::unique_ptr<Engine> engine_;
  Writer* writer_ = nullptr;
  bool writing_ = false;
};

}  // namespace

int run_pictures(const Options& options, Task task, const CheckFn& check, const AskFn& ask, bool encode) {
  return Run(options, task, check, ask, encode)();
}

Metrics text_metrics(const Asking& asking, const Usage& usage, bool first) {
  Metrics metrics;
  metrics.input_tokens = usage.prompt_tokens;
  metrics.output_tokens = usage.output_tokens;
  metrics.prefill_ms = usage.prefill_ms;
  metrics.decode_ms = usage.decode_ms;
  metrics.ttft_ms = usage.prefill_ms;
  if (asking.image != nullptr && first) {
    metrics.encode_ms = asking.image->encode_ms();
    metrics.prefill_ms += asking.image->prefill_ms();
    metrics.ttft_ms = metrics.encode_ms + metrics.prefill_ms;
  }
  return metrics;
}

}  // namespace moonbeam::cli
