#include "cli/mcp/roots.h"

#include <fcntl.h>
#include <moonbeam/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::mcp {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const std::string& path, const std::vector<std::string>& folders) {
  std::string list;
  for (const std::string& folder : folders) list += (list.empty() ? "" : ", ") + base::printable(folder);
  base::fail(ErrorCode::kInvalidArgument, "'", base::printable(path),
             "': outside of the folders that may be read: ", list);
}

/// Where an open file lies, links followed: the kernel's word.
std::string place_of(int fd) {
  std::error_code error;
  return fs::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string();
}

}  // namespace

Roots::Roots(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    const fs::path path = fs::canonical(folder, error);
    if (error || !fs::is_directory(path, error)) {
      base::fail(ErrorCode::kNotFound, "--root ", base::printable(folder), ": there is no such folder");
    }
    folders_.push_back(path.string());
  }
}

bool Roots::contains(const std::string& path) const {
  return std::any_of(folders_.begin(), folders_.end(), [&](const std::string& folder) {
    return folder == "/" ||
           (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
  });
}

std::string Roots::read(const std::string& path, std::size_t limit) const {
  if (path.find('\0') != std::string::npos || path.empty()) refuse(path, folders_);
  std::error_code error;
  fs::path found;
  bool inside = false;  // by its letters
  if (fs::path(path).is_absolute()) {
    found = path;
    inside = contains(fs::path(path).lexically_normal().string());
  } else {
    for (const std::string& folder : folders_) {
      const fs::path candidate = fs::path(folder) / path;
      inside = inside || contains(candidate.lexically_normal().string());
      if (found.empty() && fs::exists(candidate, error)) found = candidate;
    }
  }
  const fs::path real = found.empty() ? fs::path() : fs::canonical(found, error);
  if (error || real.empty()) {
    if (!inside) refuse(path, folders_);
    base::fail(ErrorCode::kNotFound, "'", base::printable(path), "': there is no such file");
  }
  if (!contains(real.string())) refuse(path, folders_);
  const base::Descriptor fd(base::open_descriptor(real.string(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  struct stat info = {};
  if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) base::fail_system(path, "cannot read", errno);
  // Once more: a folder may have become a link since.
  if (!contains(place_of(fd.get()))) refuse(path, folders_);
  if (!S_ISREG(info.st_mode)) base::fail(ErrorCode::kNotFound, "'", base::printable(path), "': is no file");
  std::string bytes;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) base::fail_system(path, "cannot read", errno);
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > limit) {
      base::fail(ErrorCode::kExhausted, "'", base::printable(path), "': more than ",
                 base::format_bytes(static_cast<std::int64_t>(limit)));
    }
  }
}

}  // namespace moonbeam::mcp
