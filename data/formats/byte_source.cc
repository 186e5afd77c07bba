#include "data/formats/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr std::size_t kHead = 512;

std::size_t read_some(int fd, char* to, std::size_t most, const std::string& path) {
  while (true) {
    const ssize_t got = ::read(fd, to, most);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) {
      base::wait_ready(fd, false);
    } else if (errno != EINTR) {
      base::fail_system(path, "cannot read", errno);
    }
  }
}

}  // namespace

ByteSource::ByteSource(const std::string& path) : name_(base::printable(path)), path_(path) {
  base::check_file_name(path);
  fd_ = base::open_descriptor(path, O_RDONLY);
  if (fd_ < 0) base::fail_system(path, "cannot open", errno);
  struct stat status {};
  if (fstat(fd_, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd_);
    base::fail(ErrorCode::kNotFound, name_, ": expected a file, got a directory");
  }
  is_file_ = S_ISREG(status.st_mode);
  buffer_.resize(kBuffer);
  start_ = at_ = end_ = counted_ = buffer_.data();
}

ByteSource::ByteSource(std::string_view text, const std::string& name)
    : name_(base::printable(name)),
      start_(text.data()),
      at_(start_),
      end_(start_ + text.size()),
      counted_(start_) {}

ByteSource::~ByteSource() {
  if (fd_ >= 0) ::close(fd_);
}

bool ByteSource::refill() {
  if (is_text_) check_text();
  if (fd_ < 0) return false;
  lines_ += static_cast<std::uint64_t>(std::count(counted_, end_, '\n'));
  start_offset_ += static_cast<std::uint64_t>(end_ - start_);
  start_ = at_ = counted_ = buffer_.data();
  end_ = start_ + read_some(fd_, buffer_.data(), buffer_.size(), path_);
  if (is_text_) check_text();
  return at_ < end_;
}

void ByteSource::check_text() {
  if (const void* zero = std::memchr(at_, 0, static_cast<std::size_t>(end_ - at_))) {
    at_ = static_cast<const char*>(zero);
    base::fail(ErrorCode::kCorrupt, name_, ": no text: a byte of 0 (line ", line(), ", byte ", offset(), ")");
  }
  if (offset() - mark_ > kLongestToken) {
    base::fail(ErrorCode::kCorrupt, name_, ": a text or a number of more than ", kLongestToken,
               " bytes (after byte ", mark_, ")");
  }
}

std::uint64_t ByteSource::line() {
  lines_ += static_cast<std::uint64_t>(std::count(counted_, at_, '\n'));
  counted_ = at_;
  return lines_;
}

std::string_view ByteSource::head() {
  while (fd_ >= 0 && static_cast<std::size_t>(end_ - start_) < kHead) {  // a pipe gives what it has
    const auto used = static_cast<std::size_t>(end_ - start_);
    const std::size_t got = read_some(fd_, buffer_.data() + used, buffer_.size() - used, path_);
    if (got == 0) break;
    end_ += got;
  }
  return {start_, std::min(kHead, static_cast<std::size_t>(end_ - start_))};
}

bool ByteSource::read_line(std::string& line, std::size_t most, bool& whole) {
  line.clear();
  whole = true;
  if (!more()) return false;
  ended_line_ = false;
  while (!ended_line_ && more()) {
    const auto* newline =
        static_cast<const char*>(std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_)));
    const char* stop = newline ? newline : end_;
    const auto size = static_cast<std::size_t>(stop - at_);
    const std::size_t taken = std::min(size, most - line.size());
    whole = whole && taken == size;
    line.append(at_, taken);
    ended_line_ = newline != nullptr;
    at_ = newline ? newline + 1 : end_;
  }
  return true;
}

std::unique_ptr<ByteSource> ByteSource::again() const {
  if (fd_ < 0)
    return std::make_unique<ByteSource>(std::string_view(start_, static_cast<std::size_t>(end_ - start_)),
                                        name_);
  return is_file_ ? std::make_unique<ByteSource>(path_) : nullptr;
}

}  // namespace moonbeam::data
