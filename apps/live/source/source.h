// Where frames come from that the server itself looks at.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace moonbeam::live {

/// One at a time: open, next until it is enough, close; then open again if somebody looks again.
class FrameSource {
 public:
  virtual ~FrameSource() = default;

  /// "camera /dev/video0", "folder photos", "video cat.mp4"
  virtual std::string name() const = 0;

  /// @throws Error kNotFound, kUnsupported, kExhausted (busy).
  virtual void open() = 0;
  /// The next picture as a file's bytes (JPEG, PNG, ...), when its time has come. Empty if `carry_on` said
  /// no, which is asked ten times a second and more.
  /// @throws Error where there will be no more.
  virtual std::string next(const std::function<bool()>& carry_on) = 0;
  virtual void close() noexcept = 0;
};

/// "camera:/dev/video0", a folder of pictures, a video.
/// @throws Error kNotFound, kUnsupported (a video without ffmpeg), kInvalidArgument.
std::unique_ptr<FrameSource> make_source(const std::string& what);

}  // namespace moonbeam::live
