// Reading files: mapped, or whole in memory. Writing is atomic_file.cc's. Names are shown through
// printable(): they need not be UTF-8.
#include "base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::base {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int open_descriptor(const std::string& path, int flags, unsigned mode) noexcept {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  } while (fd < 0 && errno == EINTR);
  return fd;
}

void check_file_name(const std::string& path) {
  if (path.empty()) fail(ErrorCode::kNotFound, "expected a file name, got an empty one");
  if (path.find('\0') != std::string::npos) {
    fail(ErrorCode::kNotFound, printable(path), ": expected a file name, got one with a zero byte");
  }
}

void fail_system(std::string_view path, std::string_view what, int error_number) {
  constexpr int kUsedUp[] = {ENOSPC, EDQUOT, ENOMEM, EFBIG, EMFILE, ENFILE};
  const bool exhausted = std::find(std::begin(kUsedUp), std::end(kUsedUp), error_number) != std::end(kUsedUp);
  fail(exhausted ? ErrorCode::kExhausted : ErrorCode::kNotFound, printable(path), ": ", what, ": ",
       std::generic_category().message(error_number));
}

void wait_ready(int fd, bool to_write) noexcept {
  pollfd request{fd, static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
  poll(&request, 1, -1);
}

namespace {

int open_to_read(const std::string& path, int flags) {
  check_file_name(path);
  const int fd = open_descriptor(path, O_RDONLY | flags);
  if (fd < 0) fail_system(path, "cannot open", errno);
  return fd;
}

struct stat checked_stat(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail_system(path, "cannot read", errno);
  if (S_ISDIR(status.st_mode)) {
    fail(ErrorCode::kNotFound, printable(path), ": expected a file, got a directory");
  }
  return status;
}

std::string_view kind_name(mode_t mode) {
  return S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

/// To the end. Room for one byte more than `limit` (or than `expected`) tells "all of it" from "too long".
std::string read_all(int fd, std::string_view name, std::size_t limit, std::size_t expected) {
  const std::size_t most = limit + (limit < std::string::npos ? 1 : 0);
  std::string out(std::min(most, std::max<std::size_t>(expected + 1, 4096)), '\0');
  std::size_t used = 0;
  while (true) {
    if (used > limit) {
      fail(ErrorCode::kExhausted, printable(name), ": longer than the limit of ",
           format_bytes(static_cast<std::int64_t>(limit)));
    }
    if (used == out.size()) out.resize(std::min(most, out.size() * 2));
    const ssize_t got = ::read(fd, out.data() + used, out.size() - used);
    if (got == 0) break;
    if (got > 0) {
      used += static_cast<std::size_t>(got);
    } else if (errno == EAGAIN) {  // somebody at the other end made the pipe so
      wait_ready(fd, false);
    } else if (errno != EINTR) {
      fail_system(name, "cannot read", errno);
    }
  }
  out.resize(used);
  return out;
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  // Not blocking: opening a pipe that nobody writes must not hang.
  const Descriptor file(open_to_read(path, O_NONBLOCK));
  const struct stat status = checked_stat(file.get(), path);
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorCode::kCorrupt, printable(path), ": expected a regular file, got ", kind_name(status.st_mode));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  const std::byte* data = nullptr;
  if (size > 0) {
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (mapped == MAP_FAILED) fail_system(path, "cannot map", errno);
    data = static_cast<const std::byte*>(mapped);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

void forget_pages(std::span<const std::byte> part) noexcept {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(part.data()) + part.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

std::string read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(open_to_read(path, 0));
  const struct stat status = checked_stat(file.get(), path);
  const auto size = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
  if (size > limit) {
    fail(ErrorCode::kExhausted, printable(path), ": expected at most ",
         format_bytes(static_cast<std::int64_t>(limit)), ", got ",
         format_bytes(static_cast<std::int64_t>(size)));
  }
  return read_all(file.get(), path, limit, size);
}

std::string read_stdin(std::size_t limit) {
  return read_all(STDIN_FILENO, "standard input", limit, 0);
}

}  // namespace moonbeam::base
