#include "base/temporary.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>

#include "base/descriptor.h"
#include "base/text.h"

namespace moonbeam::base {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kBegin = ".moonbeam-", kEnd = ".tmp";

/// Whether temporary_beside() makes such names: two numbers between the two parts.
bool is_temporary_name(std::string_view name) {
  if (name.size() <= kBegin.size() + kEnd.size() || !name.starts_with(kBegin) || !name.ends_with(kEnd))
    return false;
  name.remove_prefix(kBegin.size());
  name.remove_suffix(kEnd.size());
  return std::count(name.begin(), name.end(), '-') == 1 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

int lock_file(int fd, int how) noexcept {
  int result = 0;
  do {
    result = flock(fd, how);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

std::string folder_prefix(const std::string& path) {
  return path.substr(0, path.find_last_of('/') + 1);
}

std::string temporary_beside(const std::string& target) {
  static std::atomic<unsigned> counter{0};
  return cat(folder_prefix(target), kBegin, getpid(), "-", counter.fetch_add(1), kEnd);
}

bool hold_temporary(int fd, const std::string& name) noexcept {
  lock_file(fd, LOCK_EX);  // a file system without locks has no leftovers removed either
  return access(name.c_str(), F_OK) == 0 || errno != ENOENT;
}

void remove_leftovers(const std::string& folder) noexcept try {
  std::error_code error;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!is_temporary_name(it->path().filename().string())) continue;
    const Descriptor found(open_descriptor(it->path().string(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (found.get() < 0 || lock_file(found.get(), LOCK_EX | LOCK_NB) != 0) continue;
    std::error_code ignored;
    fs::remove_all(it->path(), ignored);
  }
} catch (...) {  // no memory: they can lie on
}

void remove_leftovers_once(const std::string& folder) noexcept try {
  static std::mutex mutex;
  static std::set<std::string> done;
  {
    const std::lock_guard lock(mutex);
    if (!done.insert(fs::absolute(folder.empty() ? "." : folder).string()).second) return;
  }
  remove_leftovers(folder);
} catch (...) {
}

}  // namespace moonbeam::base
