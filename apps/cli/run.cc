// The loop over pictures: expand, load, encode, ask, write, draw; errors of one picture do not end the
// others.
#include "cli/run.h"

#include <moonbeam/draw.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <memory>
#include <optional>

#include "cli/errors.h"
#include "cli/images.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/resume.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/stats.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

/// Where and how answers are written.
class Writer {
 public:
  Writer(const Options& options, Task task, bool with_name)
      : format_(options.output.format), task_(task), with_name_(with_name), coco_(task) {
    const OutputArgs& out = options.output;
    if (out.resume) {
      made_with_ = run_options(options, task, model_path(options.model.model));
      auto append = std::make_unique<AppendSink>(
          out.out, task, task == Task::kQuery ? options.ask.questions : options.ask.objects, made_with_);
      append_ = append.get();
      sink_ = std::move(append);
    } else if (out.out.empty() || out.out == "-") {
      sink_ = std::make_unique<StdoutSink>();
    } else {
      sink_ = std::make_unique<FileSink>(out.out);
    }
    if (format_ == "csv") sink_->write(csv_header(task));
  }

  bool answered(const std::string& name) const { return append_ != nullptr && append_->answered(name); }

  void write(const PictureAnswers& picture, std::size_t index) {
    if (format_ == "json") return sink_->write(json_line(picture, task_, made_with_));
    if (format_ == "csv") return sink_->write(csv_rows(picture, task_));
    sink_->write(format_ == "coco" ? coco_.add(picture, index) : text_lines(picture, task_, with_name_));
  }

  void finish() {
    if (format_ == "coco") sink_->write(coco_.finish());
    sink_->commit();
  }

  Sink& sink() { return *sink_; }

 private:
  std::string format_;
  Task task_;
  bool with_name_;
  CocoFile coco_;
  std::string made_with_;  // empty unless lines have to say it
  std::unique_ptr<Sink> sink_;
  AppendSink* append_ = nullptr;
};

/// One streamed text: its prefix before the first piece, a line end after the last.
class Streaming {
 public:
  Streaming(Sink& sink, Status& status) : sink_(sink), status_(status) {}

  TextFn begin(std::string prefix) {
    finish();
    open_ = true;
    started_ = false;
    prefix_ = std::move(prefix);
    return [this](std::string_view piece) {
      // Exceptions stay out of the decode loop: finish() throws what a write threw.
      try {
        if (!started_) piece = piece.substr(std::min(piece.size(), piece.find_first_not_of(' ')));
        if (!piece.empty()) start();
        sink_.write(piece);
        return carry_on();
      } catch (...) {
        failure_ = std::current_exception();
        return false;
      }
    };
  }

  void finish() {
    if (!open_) return;
    if (failure_) std::rethrow_exception(failure_);
    start();
    sink_.write("\n");
    open_ = false;
  }

 private:
  void start() {
    if (started_) return;
    status_.clear();
    sink_.write(prefix_);
    started_ = true;
  }

  Sink& sink_;
  Status& status_;
  std::string prefix_;
  std::exception_ptr failure_;
  bool open_ = false, started_ = false;
};

class Run {
 public:
  Run(const Options& options, Task task, const AskFn& ask, bool encode)
      : options_(options),
        task_(task),
        ask_(ask),
        encode_(encode),
        sources_(expand_images(options.pictures.images, options.pictures.recursive)),
        status_(shows_progress(options.output)) {
    if (!options.ask.draw.empty()) {
      constexpr std::array<std::string_view, 5> kWhat = {"", "", "boxes", "points", "gaze"};
      drawings_ = drawing_paths(sources_, options.ask.draw, kWhat[static_cast<std::size_t>(task)]);
    }
    // One argument that gave nothing is the run's own error, not a failed picture of many.
    if (sources_.size() == 1 && sources_[0].error) throw *sources_[0].error;
  }

  int operator()(const CheckFn& check) {
    protect_inputs();
    Writer writer(options_, task_, several());  // first: a bad -o shows at once
    writer_ = &writer;
    Session session = open_session(options_, status_);
    check(session.model.info());
    const int status = sources_.empty() ? without_picture(session) : over_pictures(session);
    status_.clear();
    const bool complete = status == kExitOk || status == kExitSomeFailed;
    // An interrupted run leaves no half-done file, but standard output gets its closing bracket.
    if (complete || options_.output.out.empty()) writer.finish();
    if (options_.output.stats) {
      const ModelInfo& info = session.model.info();
      note(run_stats(session.load_ms, info.isa, info.mode, info.threads, peak_bytes()));
    }
    return status;
  }

 private:
  void protect_inputs() const {
    const std::string& out = options_.output.out;
    if (out.empty() && drawings_.empty()) return;
    Inputs inputs;
    inputs.add(model_path(options_.model.model));
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

  int without_picture(Session& session) {
    status_.begin_run(1);
    PictureAnswers picture;
    ask_about(session, nullptr, nullptr, picture, 0);
    if (!carry_on()) return signal_status();
    if (options_.output.stats) note(picture_stats(picture, {}));
    return kExitOk;
  }

  int over_pictures(Session& session) {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (!writer_->answered(sources_[i].name)) wanted.push_back(i);
    }
    if (wanted.size() < sources_.size() && !options_.output.quiet) {
      complain("note: " + std::to_string(sources_.size() - wanted.size()) + " of " +
               std::to_string(sources_.size()) + " pictures are answered already");
    }
    status_.begin_run(wanted.size());
    std::size_t done = 0, failed = 0;
    for (const std::size_t index : wanted) {
      if (!carry_on()) return interrupted(done, wanted.size());
      status_.begin_picture(done, sources_[index].name);
      try {
        if (!one_picture(session, index)) return interrupted(done, wanted.size());
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kCancelled) return interrupted(done, wanted.size());
        if (writing_ || !several() || options_.pictures.fail_fast) throw;
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

  /// False if the user stopped it.
  bool one_picture(Session& session, std::size_t index) {
    const PictureSource& source = sources_[index];
    PictureStats stats;
    const double start = now_ms();
    Image image = load_picture(source, !options_.pictures.no_orientation);
    stats.decode_ms = now_ms() - start;
    std::optional<EncodedImage> encoded;
    if (encode_) {
      encoded = session.model.encode_image(
          image, [&](const Progress& progress) { return status_.update(progress); });
      stats.crops = encoded->crops();
      stats.positions = encoded->prefix_tokens();
    }
    PictureAnswers picture{source.name, image.height, image.width, {}};
    if (!ask_about(session, encoded ? &*encoded : nullptr, &image, picture, index)) return false;
    if (!drawings_.empty()) draw(image, picture, drawings_[index]);
    writing_ = false;
    if (options_.output.stats) {
      status_.clear();
      note(picture_stats(picture, stats));
    } else if (options_.output.verbose) {
      status_.clear();
      complain(source.name + ": " + fixed((now_ms() - start) / 1000, 2) + " s");
    }
    return true;
  }

  bool ask_about(Session& session, const EncodedImage* encoded, const Image* image, PictureAnswers& picture,
                 std::size_t index) {
    Asking asking{session.model,
                  encoded,
                  image,
                  options_,
                  [&](const Progress& progress) { return status_.update(progress); },
                  {}};
    Streaming streaming(writer_->sink(), status_);
    if (streams()) {
      asking.stream = [&](const std::string& prompt) {
        Answer answer;
        answer.prompt = prompt;
        return streaming.begin(text_prefix(picture, answer, several(), options_.ask.questions.size() > 1));
      };
    }
    picture.answers = ask_(asking);
    status_.clear();
    writing_ = true;  // from here on an error is the output's, not the picture's
    streaming.finish();
    if (!carry_on()) return false;
    if (!streams()) writer_->write(picture, index);
    return true;
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
  const AskFn& ask_;
  bool encode_;
  std::vector<PictureSource> sources_;
  std::vector<std::string> drawings_;  // one a source, or none
  Status status_;
  Writer* writer_ = nullptr;
  bool writing_ = false;
};

}  // namespace

int run_pictures(const Options& options, Task task, const CheckFn& check, const AskFn& ask, bool encode) {
  return Run(options, task, ask, encode)(check);
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
