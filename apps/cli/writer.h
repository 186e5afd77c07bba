// A run's answers on their way out: in a format to a sink, or text as it is made.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "cli/engine.h"
#include "cli/errors.h"
#include "cli/output.h"
#include "cli/resume.h"
#include "cli/sink.h"

namespace moonbeam::cli {

/// Where and how answers are written.
class Writer {
 public:
  Writer(const Options& options, Task task, bool with_name, const Engine& engine)
      : format_(options.output.format), task_(task), with_name_(with_name), coco_(task) {
    const OutputArgs& out = options.output;
    if (out.resume) {
      made_with_ = run_options(options, task, engine.made_with());
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

}  // namespace moonbeam::cli
