// Writing a file all or not at all: a temporary file beside the target, synced, then renamed over it. A
// reader sees the old file or the new one, after a power cut too.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary.h"

namespace moonbeam::base {

namespace {

constexpr std::size_t kWriteBuffer = std::size_t{1} << 20;

void write_all(int fd, const char* data, std::size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written >= 0) {
      data += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      wait_ready(fd, true);
    } else if (errno != EINTR) {
      fail_system(path, "cannot write", errno);
    }
  }
}

/// 0 or errno. File systems that cannot sync have done their best.
int sync_to_disk(int fd) {
  int result = 0;
  do {
    result = fsync(fd);
  } while (result != 0 && errno == EINTR);
  return result == 0 || errno == EINVAL || errno == ENOSYS ? 0 : errno;
}

/// The descriptor that a name such as /dev/stdout stands for. It may lead to a regular file, but replacing
/// that one would cut off the stream that the name means.
std::optional<int> named_descriptor(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int fd = 0;
    const char* end = path.data() + path.size();
    const auto parsed = std::from_chars(path.data() + folder.size(), end, fd);
    if (parsed.ec == std::errc() && parsed.ptr == end && fd >= 0) return fd;
  }
  return std::nullopt;
}

/// What `path` leads to through symbolic links, whether that exists or not; a descriptor's name is not
/// followed.
std::string follow_links(std::string path, const std::string& shown) {
  constexpr int kMostLinks = 40;  // the kernel's own limit
  for (int i = 0; i <= kMostLinks; ++i) {
    char target[PATH_MAX];
    const ssize_t length = named_descriptor(path) ? -1 : readlink(path.c_str(), target, sizeof target);
    if (length < 0) return path;
    const std::string_view link(target, static_cast<std::size_t>(length));
    path = link.starts_with('/') ? std::string(link) : folder_prefix(path).append(link);
  }
  fail_system(shown, "cannot create", ELOOP);
}

/// A new file beside `target`, locked; -1 and errno. One that exists is left alone: where folders are shared
/// between machines, another process of our number may be writing it.
int create_beside(const std::string& target, std::string& name) {
  while (true) {
    name = temporary_beside(target);
    const int fd = open_descriptor(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0 || hold_temporary(fd, name)) return fd;
    close(fd);
  }
}

}  // namespace

void sync_folder_of(const std::string& path) {
  const std::string folder = folder_prefix(path);
  const Descriptor directory(open_descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY));
  if (directory.get() >= 0) sync_to_disk(directory.get());
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  check_file_name(path_);
  std::string target = follow_links(path_, path_);
  if (const auto fd = named_descriptor(target)) {
    fd_ = fcntl(*fd, F_DUPFD_CLOEXEC, 0);  // shares the position with whoever else writes there
    if (fd_ < 0) fail_system(path_, "cannot write", errno);
    return;
  }
  struct stat status {};
  const bool exists = stat(target.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    fail(ErrorCode::kNotFound, printable(path_), ": expected a file, got a directory");
  }
  if (exists && !S_ISREG(status.st_mode)) {
    fd_ = open_descriptor(target, O_WRONLY | O_NOCTTY);
    if (fd_ < 0) fail_system(path_, "cannot write", errno);
    return;
  }
  // A rename would not ask whether the file may be written.
  if (exists && faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0)
    fail_system(path_, "cannot write", errno);
  remove_leftovers_once(folder_prefix(target));
  std::string temporary;
  fd_ = create_beside(target, temporary);
  if (fd_ < 0) fail_system(path_, "cannot create", errno);
  target_ = std::move(target);
  temporary_ = std::move(temporary);
  if (exists) fchmod(fd_, status.st_mode & 0777);  // not every file system has modes
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::flush() {
  write_all(fd_, buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  MB_ASSERT(fd_ >= 0);
  const auto* data = reinterpret_cast<const char*>(bytes.data());
  if (buffer_.size() + bytes.size() > kWriteBuffer) flush();
  if (bytes.size() >= kWriteBuffer) {
    write_all(fd_, data, bytes.size(), path_);
  } else {
    buffer_.append(data, bytes.size());
  }
  position_ += bytes.size();
}

void AtomicFile::commit() {
  MB_ASSERT(fd_ >= 0);
  flush();
  const bool renames = !target_.empty();
  // The file keeps its lock until it has its name.
  const Descriptor held(renames ? fcntl(fd_, F_DUPFD_CLOEXEC, 0) : -1);
  if (renames) {
    if (const int error = sync_to_disk(fd_)) fail_system(path_, "cannot write", error);
  }
  // A file system over the network may only say here that the disk is full.
  if (close(std::exchange(fd_, -1)) != 0 && errno != EINTR) fail_system(path_, "cannot write", errno);
  if (!renames) return;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_system(path_, "cannot write", errno);
  temporary_.clear();
  sync_folder_of(target_);
}

}  // namespace moonbeam::base
