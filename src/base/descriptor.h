// What reading and writing files share: descriptors that close themselves, opening, the system's errors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace moonbeam::base {

/// Closes on leaving a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// open() with O_CLOEXEC, tried again when a signal interrupts; -1 and errno.
int open_descriptor(const std::string& path, int flags, unsigned mode = 0) noexcept;

/// Refuses names that the system would cut off or cannot mean: empty, with a zero byte.
void check_file_name(const std::string& path);

/// Throws "path: what: the system's words"; kExhausted where memory, disk or descriptors have run out, else
/// kNotFound.
[[noreturn]] void fail_system(std::string_view path, std::string_view what, int error_number);

/// Syncs the folder that `path` lies in: a new name is safe only then. One that may not be read cannot be
/// synced.
void sync_folder_of(const std::string& path);

/// Waits until a descriptor that does not block can be read (or written) again.
void wait_ready(int fd, bool to_write) noexcept;

}  // namespace moonbeam::base
