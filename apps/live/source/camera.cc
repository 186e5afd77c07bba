#include "live/source/camera.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "image/encode.h"

namespace moonbeam::live {

namespace {

constexpr int kWidth = 1280, kHeight = 720;  // asked for; the driver takes the nearest that it has
constexpr std::uint32_t kBuffers = 3;
constexpr int kNapMs = 50;
constexpr int kSilenceMs = 5000;  // without a frame: it is gone
constexpr int kQuality = 85;

int control(int fd, unsigned long request, void* argument) {
  int result = 0;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

void CameraSource::open() {
  close();
  fd_ = ::open(device_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) {
    const ErrorCode code = errno == EBUSY ? ErrorCode::kExhausted : ErrorCode::kNotFound;
    base::fail(code, device_, ": ", std::strerror(errno));
  }
  v4l2_capability ability = {};
  if (control(fd_, VIDIOC_QUERYCAP, &ability) < 0)
    base::fail(ErrorCode::kUnsupported, device_, ": no camera");
  const std::uint32_t what =
      (ability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? ability.device_caps : ability.capabilities;
  if ((what & V4L2_CAP_VIDEO_CAPTURE) == 0 || (what & V4L2_CAP_STREAMING) == 0) {
    base::fail(ErrorCode::kUnsupported, device_, ": gives no stream of pictures");
  }
  choose_format();
  map_buffers();
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  if (control(fd_, VIDIOC_STREAMON, &type) < 0) {
    base::fail(ErrorCode::kExhausted, device_, ": does not start: ", std::strerror(errno));
  }
}

void CameraSource::choose_format() {
  for (const std::uint32_t wanted : {V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_YUYV}) {
    v4l2_format format = {};
    format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    format.fmt.pix.width = kWidth;
    format.fmt.pix.height = kHeight;
    format.fmt.pix.pixelformat = wanted;
    format.fmt.pix.field = V4L2_FIELD_ANY;
    if (control(fd_, VIDIOC_S_FMT, &format) < 0) {
      if (errno == EBUSY) base::fail(ErrorCode::kExhausted, device_, ": another program has it");
      continue;
    }
    if (format.fmt.pix.pixelformat != wanted) continue;
    jpeg_ = wanted == V4L2_PIX_FMT_MJPEG;
    width_ = static_cast<int>(format.fmt.pix.width);
    height_ = static_cast<int>(format.fmt.pix.height);
    stride_ = static_cast<int>(format.fmt.pix.bytesperline);
    return;
  }
  base::fail(ErrorCode::kUnsupported, device_, ": gives neither MJPG nor YUYV");
}

void CameraSource::map_buffers() {
  v4l2_requestbuffers request = {};
  request.count = kBuffers;
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_MMAP;
  if (control(fd_, VIDIOC_REQBUFS, &request) < 0 || request.count < 1) {
    base::fail(ErrorCode::kExhausted, device_, ": gives no buffers: ", std::strerror(errno));
  }
  for (std::uint32_t i = 0; i < request.count; ++i) {
    v4l2_buffer buffer = {};
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    buffer.index = i;
    if (control(fd_, VIDIOC_QUERYBUF, &buffer) < 0) {
      base::fail(ErrorCode::kExhausted, device_, ": gives no buffers: ", std::strerror(errno));
    }
    void* begin = ::mmap(nullptr, buffer.length, PROT_READ, MAP_SHARED, fd_, buffer.m.offset);
    if (begin == MAP_FAILED) {
      base::fail(ErrorCode::kExhausted, device_, ": its buffers cannot be mapped: ", std::strerror(errno));
    }
    buffers_.push_back({begin, buffer.length});
    if (control(fd_, VIDIOC_QBUF, &buffer) < 0) {
      base::fail(ErrorCode::kExhausted, device_, ": takes no buffers: ", std::strerror(errno));
    }
  }
}

std::string CameraSource::next(const std::function<bool()>& carry_on) {
  for (int waited = 0; waited < kSilenceMs; waited += kNapMs) {
    if (!carry_on()) return {};
    pollfd ready = {fd_, POLLIN, 0};
    if (::poll(&ready, 1, kNapMs) <= 0) continue;
    v4l2_buffer buffer = {};
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    if (control(fd_, VIDIOC_DQBUF, &buffer) < 0) {
      if (errno == EAGAIN) continue;
      base::fail(ErrorCode::kNotFound, device_, ": the camera is gone: ", std::strerror(errno));
    }
    const bool whole = (buffer.flags & V4L2_BUF_FLAG_ERROR) == 0 && buffer.bytesused > 0;
    std::string out = whole ? take(buffer.index, buffer.bytesused) : std::string();
    control(fd_, VIDIOC_QBUF, &buffer);
    if (!out.empty()) return out;
  }
  base::fail(ErrorCode::kNotFound, device_, ": no picture for ", kSilenceMs / 1000, " s");
}

std::string CameraSource::take(std::uint32_t index, std::size_t bytes) {
  if (index >= buffers_.size() || bytes > buffers_[index].bytes) return {};
  const auto* begin = static_cast<const std::uint8_t*>(buffers_[index].begin);
  if (jpeg_) return {reinterpret_cast<const char*>(begin), bytes};
  std::string out;
  image::encode_jpeg(yuyv_to_rgb({begin, bytes}, height_, width_, stride_), kQuality, device_,
                     [&](std::string_view piece) { out += piece; });
  return out;
}

void CameraSource::close() noexcept {
  for (const Mapping& mapping : std::exchange(buffers_, {})) ::munmap(mapping.begin, mapping.bytes);
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace moonbeam::live
