#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace moonbeam::base {

namespace {

constexpr std::size_t kWriteBuffer = std::size_t{1} << 20;

/// Closes on leaving a scope.
struct Descriptor {
  int fd;
  explicit Descriptor(int descriptor) : fd(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

[[noreturn]] void fail_errno(const std::string& path, const char* what, int error) {
  const bool space = error == ENOSPC || error == EDQUOT || error == ENOMEM || error == EFBIG;
  fail(space ? ErrorCode::kExhausted : ErrorCode::kNotFound, printable(path), ": ", what, ": ",
       std::strerror(error));
}

int open_retry(const char* path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

void write_all(int fd, const char* data, std::size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      fail_errno(path, "cannot write", errno);
    }
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

std::string read_all(int fd, const std::string& path, std::size_t limit) {
  std::string out;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_errno(path, "cannot read", errno);
    }
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > limit) {
      fail(ErrorCode::kExhausted, printable(path), ": longer than the limit of ",
           format_bytes(static_cast<std::int64_t>(limit)));
    }
    out.append(buffer, static_cast<std::size_t>(got));
  }
}

struct stat checked_stat(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail_errno(path, "cannot read", errno);
  if (S_ISDIR(status.st_mode))
    fail(ErrorCode::kNotFound, printable(path), ": expected a file, got a directory");
  return status;
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  // Not blocking: opening a pipe that nobody writes must not hang.
  const Descriptor file(open_retry(path.c_str(), O_RDONLY | O_NONBLOCK));
  if (file.fd < 0) fail_errno(path, "cannot open", errno);
  const struct stat status = checked_stat(file.fd, path);
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::kNotFound, printable(path), ": expected a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  const std::byte* data = nullptr;
  if (size > 0) {
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (mapped == MAP_FAILED) fail_errno(path, "cannot map", errno);
    data = static_cast<const std::byte*>(mapped);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

std::string read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(open_retry(path.c_str(), O_RDONLY));
  if (file.fd < 0) fail_errno(path, "cannot open", errno);
  checked_stat(file.fd, path);
  return read_all(file.fd, path, limit);
}

std::string read_stdin(std::size_t limit) {
  return read_all(STDIN_FILENO, "standard input", limit);
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  if (stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    if (S_ISDIR(status.st_mode))
      fail(ErrorCode::kNotFound, printable(path_), ": expected a file, got a directory");
    // A device or a pipe has no name to give: write straight to it.
    fd_ = open_retry(path_.c_str(), O_WRONLY);
  } else {
    temporary_ = cat(path_, ".", getpid(), ".tmp");
    fd_ = open_retry(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd_ < 0 && errno == EEXIST) {  // left by a process of the same number
      unlink(temporary_.c_str());
      fd_ = open_retry(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
    }
  }
  if (fd_ < 0) fail_errno(path_, "cannot create", errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::flush() {
  write_all(fd_, buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  position_ += bytes.size();
  const auto* data = reinterpret_cast<const char*>(bytes.data());
  if (bytes.size() >= kWriteBuffer) {
    flush();
    write_all(fd_, data, bytes.size(), path_);
    return;
  }
  buffer_.append(data, bytes.size());
  if (buffer_.size() >= kWriteBuffer) flush();
}

void AtomicFile::commit() {
  flush();
  if (temporary_.empty()) {
    const int fd = std::exchange(fd_, -1);
    if (close(fd) != 0) fail_errno(path_, "cannot write", errno);
    return;
  }
  if (fsync(fd_) != 0 && errno != EINVAL) fail_errno(path_, "cannot write", errno);
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    unlink(temporary_.c_str());
    fail_errno(path_, "cannot write", error);
  }
  // The name is safe only once the folder is; a file system that cannot sync folders has done its best.
  const std::size_t slash = path_.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const Descriptor directory(open_retry(folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (directory.fd >= 0) fsync(directory.fd);
}

}  // namespace moonbeam::base
