// A video file, played in a loop at its own speed by ffmpeg, a program that may be installed or not.
#pragma once

#include <sys/types.h>

#include <string>

#include "live/source/jpeg_stream.h"
#include "live/source/source.h"

namespace moonbeam::live {

class VideoSource final : public FrameSource {
 public:
  /// @param program  searched for in PATH.
  explicit VideoSource(std::string file, std::string program = "ffmpeg")
      : file_(std::move(file)), program_(std::move(program)) {}
  ~VideoSource() override { close(); }

  std::string name() const override;
  void open() override;
  std::string next(const std::function<bool()>& carry_on) override;
  void close() noexcept override;

 private:
  [[noreturn]] void ended();

  const std::string file_, program_;
  JpegStream stream_;
  pid_t child_ = -1;
  int pipe_ = -1;
};

}  // namespace moonbeam::live
