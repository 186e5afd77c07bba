#include "live/source/video.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/program.h"

namespace moonbeam::live {

namespace {

constexpr int kNapMs = 50;

}  // namespace

std::string VideoSource::name() const {
  return "video " + std::filesystem::path(file_).filename().string();
}

void VideoSource::open() {
  close();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    base::fail(ErrorCode::kExhausted, file_, ": no pipe: ", std::strerror(errno));
  // A name that begins with a dash, or looks like an address, is a file all the same.
  const std::string input = "file:" + std::filesystem::absolute(file_).string();
  const std::vector<std::string> words = {
      program_, "-nostdin", "-loglevel", "error", "-re", "-stream_loop",
      "-1",     "-i",       input,       "-an",   "-vf", "scale=w='min(1280,iw)':h=-2",
      "-c:v",   "mjpeg",    "-q:v",      "4",     "-f",  "mjpeg",
      "-"};
  const int error = base::start_program(words, {-1, ends[1], STDERR_FILENO}, child_);
  ::close(ends[1]);
  pipe_ = ends[0];
  if (error == 0) return;
  child_ = -1;
  close();
  base::fail(ErrorCode::kUnsupported, file_, ": videos are read by ", program_, ", which cannot be started (",
             std::strerror(error), "); install it, or show a folder of pictures");
}

std::string VideoSource::next(const std::function<bool()>& carry_on) {
  while (true) {
    if (auto picture = stream_.take()) return *std::move(picture);
    if (!carry_on()) return {};
    pollfd ready = {pipe_, POLLIN, 0};
    const int count = ::poll(&ready, 1, kNapMs);
    if (count == 0 || (count < 0 && errno == EINTR)) continue;
    char buffer[65536];
    const ssize_t got = ::read(pipe_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) ended();
    stream_.add({buffer, static_cast<std::size_t>(got)});
  }
}

void VideoSource::ended() {
  base::fail(ErrorCode::kUnsupported, file_, ": ", program_,
             " gives no more pictures; what it says is in the log");
}

void VideoSource::close() noexcept {
  if (pipe_ >= 0) ::close(std::exchange(pipe_, -1));
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }
  stream_.clear();
}

}  // namespace moonbeam::live
