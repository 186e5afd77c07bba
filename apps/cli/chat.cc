// moonbeam chat: a picture is encoded once, then lines ask about it. Each question stands for itself.
#include "cli/chat.h"

#include <moonbeam/draw.h>
#include <moonbeam/model.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include <memory>

#include "cli/errors.h"
#include "cli/images.h"
#include "cli/output.h"
#include "cli/places.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

constexpr std::string_view kHelp =
    "A line is a question about the picture. Commands:\n"
    "  /image FILE       look at another picture\n"
    "  /caption [LENGTH] describe the picture (short, normal, long)\n"
    "  /detect OBJECT    boxes, as x_min y_min x_max y_max\n"
    "  /point OBJECT     points, as x y\n"
    "  /gaze X,Y         where the person with eyes there looks\n"
    "  /set KEY VALUE    temperature, top-p, max-tokens, max-objects, seed, length\n"
    "  /save FILE        write the conversation, or with .png or .jpg the picture with what was last found\n"
    "  /help, /quit\n";

class Chat {
 public:
  explicit Chat(Options& options)
      : options_(options),
        status_(shows_progress(options.output)),
        session_(open_session(options, status_)) {}

  int run() {
    LineReader lines;
    if (lines.interactive() && !options_.output.quiet) complain("note: /help lists the commands, /quit ends");
    if (!options_.pictures.images.empty()) open_image(options_.pictures.images.front());
    int status = kExitOk;
    while (const std::optional<std::string> line = lines.read()) {
      try {
        if (!obey(*line)) return status;
      } catch (const Error& error) {
        status_.clear();
        if (error.code() == ErrorCode::kExhausted && writing_) throw;
        if (error.code() != ErrorCode::kCancelled) complain(error.what());
        // A script learns of the failure; at a terminal the user has seen it.
        if (!lines.interactive()) status = exit_code(error.code());
      }
      if (!carry_on() && pending_signal() != SIGINT) return signal_status();
      if (!carry_on()) {
        if (!lines.interactive()) return signal_status();
        forget_signal();  // Ctrl-C ended the answer, not the conversation
      }
    }
    if (lines.interactive()) say("\n");
    return carry_on() ? status : signal_status();
  }

 private:
  void say(std::string_view text) {
    writing_ = true;
    out_.write(text);
    writing_ = false;
    log_ += text;
  }

  void open_image(const std::string& argument) {
    const std::vector<PictureSource> sources = expand_images({argument}, false);
    if (sources.size() != 1)
      throw Error(ErrorCode::kInvalidArgument, argument + ": chat looks at one picture at a time");
    Image image = load_picture(sources[0], !options_.pictures.no_orientation);
    status_.begin_picture(0, sources[0].name);
    EncodedImage encoded = session_.model.encode_image(
        image, [&](const Progress& progress) { return status_.update(progress); });
    status_.clear();
    image_ = std::move(image);
    encoded_ = std::make_unique<EncodedImage>(std::move(encoded));
    found_ = {};
  }

  const EncodedImage& picture() const {
    if (!encoded_) throw Error(ErrorCode::kInvalidArgument, "there is no picture yet; /image FILE opens one");
    return *encoded_;
  }

  /// False to end.
  bool obey(const std::string& line) {
    using Kind = ChatCommand::Kind;
    const ChatCommand command = parse_chat_line(line);
    const std::string& argument = command.argument;
    if (command.kind != Kind::kNothing) log_ += "> " + line + "\n";
    switch (command.kind) {
      case Kind::kNothing:
        break;
      case Kind::kQuestion:
        ask(argument);
        break;
      case Kind::kImage:
        open_image(need(argument, "/image FILE"));
        break;
      case Kind::kCaption:
        caption(argument);
        break;
      case Kind::kDetect:
        objects(need(argument, "/detect OBJECT"), Task::kDetect);
        break;
      case Kind::kPoint:
        objects(need(argument, "/point OBJECT"), Task::kPoint);
        break;
      case Kind::kGaze:
        gaze(argument);
        break;
      case Kind::kSet:
        set_chat_option(options_, argument);
        break;
      case Kind::kSave:
        save(need(argument, "/save FILE"));
        break;
      case Kind::kHelp:
        say(kHelp);
        break;
      case Kind::kQuit:
        return false;
      case Kind::kUnknown:
        throw Error(ErrorCode::kInvalidArgument, argument + ": unknown command; /help lists them");
    }
    return true;
  }

  static const std::string& need(const std::string& argument, const char* usage) {
    if (argument.empty()) throw Error(ErrorCode::kInvalidArgument, std::string("expected ") + usage);
    return argument;
  }

  void prepare(TextOptions& text) {
    text.sampling = sampling_options(options_.sampling);
    text.max_tokens = options_.sampling.max_tokens;
    text.stop = options_.sampling.stop;
    text.progress = [this](const Progress& progress) { return status_.update(progress); };
    text.on_text = [this, first = true](std::string_view piece) mutable {
      try {
        if (first) {
          status_.clear();
          piece = piece.substr(std::min(piece.size(), piece.find_first_not_of(' ')));
        }
        first = first && piece.empty();
        say(piece);
        return carry_on();
      } catch (...) {
        failure_ = std::current_exception();
        return false;
      }
    };
  }

  void end_answer(const Usage& usage) {
    status_.clear();
    if (failure_) std::rethrow_exception(failure_);
    say("\n");
    if (!options_.output.stats) return;
    complain(std::to_string(usage.output_tokens) + " tokens, prefill " + fixed(usage.prefill_ms, 1) +
             " ms, decode " + fixed(usage.decode_ms, 1) + " ms");
  }

  void ask(const std::string& question) {
    QueryOptions query;
    prepare(query);
    const QueryResult result =
        encoded_ ? session_.model.query(*encoded_, question, query) : session_.model.query(question, query);
    end_answer(result.usage);
  }

  void caption(const std::string& argument) {
    const std::string length = argument.empty() ? options_.ask.length : argument;
    if (length != "short" && length != "normal" && length != "long") {
      throw Error(ErrorCode::kInvalidArgument,
                  "/caption: expected short, normal or long, got '" + length + "'");
    }
    CaptionOptions caption;
    prepare(caption);
    caption.length = length == "short"  ? CaptionLength::kShort
                     : length == "long" ? CaptionLength::kLong
                                        : CaptionLength::kNormal;
    end_answer(session_.model.caption(picture(), caption).usage);
  }

  void objects(const std::string& object, Task task) {
    const ObjectOptions one{
        .max_objects = options_.ask.max_objects,
        .clamp = options_.ask.clamp,
        .progress = [this](const Progress& progress) { return status_.update(progress); }};
    Answer answer;
    answer.prompt = object;
    if (task == Task::kDetect) {
      answer.boxes = session_.model.detect(picture(), object, one);
    } else {
      answer.points = session_.model.point(picture(), object, one);
    }
    show(std::move(answer), task);
  }

  void gaze(const std::string& argument) {
    const Point eye = parse_point(argument, "/gaze");
    const GazeOptions one{.force_detect = false,
                          .progress = [this](const Progress& progress) { return status_.update(progress); }};
    Answer answer;
    if (const std::optional<Point> point = session_.model.detect_gaze(picture(), eye, one))
      answer.points = {*point};
    show(std::move(answer), Task::kGaze);
  }

  void show(Answer answer, Task task) {
    status_.clear();
    const bool empty = answer.boxes.empty() && answer.points.empty();
    PictureAnswers all;
    all.answers.push_back(answer);
    say(empty && task != Task::kGaze ? "nothing found\n" : text_lines(all, task, false));
    found_ = std::move(answer);
  }

  void save(const std::string& path) {
    if (path.ends_with(".png") || path.ends_with(".jpg") || path.ends_with(".jpeg")) {
      picture();
      Image drawn = image_;
      draw_boxes(drawn, found_.boxes, found_.prompt);
      draw_points(drawn, found_.points, found_.prompt);
      return path.ends_with(".png") ? save_png(drawn, path) : save_jpeg(drawn, path);
    }
    FileSink file(path);
    file.write(log_);
    file.commit();
  }

  Options& options_;
  Status status_;
  Session session_;
  StdoutSink out_;
  Image image_;
  std::unique_ptr<EncodedImage> encoded_;
  Answer found_;  // what /save draws
  std::string log_;
  std::exception_ptr failure_;
  bool writing_ = false;
};

}  // namespace

int run_chat(Options& options) {
  return Chat(options).run();
}

}  // namespace moonbeam::cli
