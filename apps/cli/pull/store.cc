#include "cli/pull/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::pull {

namespace {

constexpr std::size_t kMaxText = std::size_t{16} << 20;

int open_at(int folder, const std::string& name, int flags) {
  int fd;
  do {
    fd = ::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

bool is_regular(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Handle::~Handle() {
  if (fd_ >= 0) ::close(fd_);
}

Folder Folder::root(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  Handle fd(base::open_descriptor(path, O_RDONLY | O_DIRECTORY));
  if (!fd) base::fail_system(path, "cannot make the folder", error ? error.value() : errno);
  return {std::move(fd), path};
}

std::optional<Folder> Folder::find(const std::string& name) const {
  Handle fd(open_at(get(), name, O_RDONLY | O_DIRECTORY));
  if (!fd && errno == ENOENT) return {};
  if (!fd) base::fail_system(full(name), "is no folder of ours", errno);
  return Folder(std::move(fd), full(name));
}

Folder Folder::enter(const std::string& name) const {
  if (::mkdirat(get(), name.c_str(), 0777) != 0 && errno != EEXIST) {
    base::fail_system(full(name), "cannot make the folder", errno);
  }
  std::optional<Folder> folder = find(name);
  if (!folder) base::fail_system(full(name), "cannot make the folder", ENOENT);
  return std::move(*folder);
}

Handle Folder::open(const std::string& name, int flags) const {
  Handle fd(open_at(get(), name, flags));
  if (!fd) base::fail_system(full(name), "cannot open", errno);
  if (!is_regular(fd.get())) base::fail(ErrorCode::kNotFound, base::printable(full(name)), ": is no file");
  return fd;
}

std::optional<std::int64_t> Folder::size_of(const std::string& name) const {
  struct stat info = {};
  if (::fstatat(get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) return {};
  return info.st_size;
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> all;
  const int copy = ::openat(get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // with a position of its own
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(copy < 0 ? nullptr : ::fdopendir(copy), ::closedir);
  if (!folder) base::fail_system(path_, "cannot list", errno);
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") all.push_back(name);
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::optional<std::string> Folder::read(const std::string& name) const {
  const Handle fd(open_at(get(), name, O_RDONLY));
  if (!fd || !is_regular(fd.get())) return {};
  std::string text;
  std::array<char, 1 << 14> buffer;
  while (text.size() <= kMaxText) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::fail_system(full(name), "cannot read", errno);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  base::fail(ErrorCode::kExhausted, base::printable(full(name)), ": more than 16 MB");
}

void Folder::write(const std::string& name, const std::string& text) const {
  const std::string part = name + ".part";
  remove(part);
  const Handle fd = open(part, O_WRONLY | O_CREAT | O_EXCL);
  write_file(fd.get(), text.data(), text.size(), full(name));
  sync_file(fd.get(), full(name));
  rename(part, name);
  sync();
}

void Folder::rename(const std::string& from, const std::string& to) const {
  if (::renameat(get(), from.c_str(), get(), to.c_str()) != 0) {
    base::fail_system(full(to), "cannot rename", errno);
  }
}

void Folder::replace(const std::string& from, const std::string& to) const {
  if (::renameat2(get(), from.c_str(), get(), to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EEXIST && ::renameat2(get(), from.c_str(), get(), to.c_str(), RENAME_EXCHANGE) == 0) return;
  // File systems without these two: a reader may find neither for a moment.
  const std::string old = from + ".old";
  remove(old);
  const bool existed = ::renameat(get(), to.c_str(), get(), old.c_str()) == 0;
  rename(from, to);
  if (existed) rename(old, from);
}

bool Folder::link(const Folder& other, const std::string& name) const {
  return ::linkat(other.get(), name.c_str(), get(), name.c_str(), 0) == 0;
}

void Folder::remove(const std::string& name) const {
  if (::unlinkat(get(), name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) base::fail_system(full(name), "cannot remove", errno);
  if (const std::optional<Folder> folder = find(name)) {
    for (const std::string& inner : folder->names()) folder->remove(inner);
  }
  if (::unlinkat(get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    base::fail_system(full(name), "cannot remove", errno);
  }
}

void Folder::sync() const {
  int result = 0;
  do {
    result = ::fsync(get());
  } while (result != 0 && errno == EINTR);  // some file systems cannot sync a folder
}

std::int64_t Folder::free_bytes() const {
  struct statvfs info = {};
  if (::fstatvfs(get(), &info) != 0) return -1;
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

void sync_file(int fd, const std::string& path) {
  int result = 0;
  do {
    result = ::fsync(fd);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EINVAL && errno != ENOSYS) base::fail_system(path, "cannot write", errno);
}

void write_file(int fd, const char* data, std::size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) base::fail_system(path, "cannot write", errno);
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

std::optional<Lock> Lock::take(const Folder& folder, const std::string& name) {
  while (true) {
    Handle fd = folder.open(name, O_RDWR | O_CREAT);
    int result;
    do {
      result = ::flock(fd.get(), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EWOULDBLOCK) return {};
    if (result != 0) base::fail_system(folder.path() + "/" + name, "cannot lock", errno);
    struct stat held = {}, named = {};
    const bool same = ::fstat(fd.get(), &held) == 0 &&
                      ::fstatat(folder.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                      held.st_ino == named.st_ino && held.st_dev == named.st_dev;
    if (same) return Lock(std::move(fd), &folder, name);
    // Its holder removed the file between our two steps: once more.
  }
}

Lock::~Lock() {
  if (fd_) ::unlinkat(folder_->get(), name_.c_str(), 0);
}

}  // namespace moonbeam::pull
