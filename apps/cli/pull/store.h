// The folders that downloads are written to, by descriptor: no step follows a symbolic link, so that nothing
// is written outside of the cache whatever lies in it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moonbeam::pull {

/// Closes itself.
class Handle {
 public:
  explicit Handle(int fd = -1) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

class Folder {
 public:
  /// The cache itself, made with the folders above it; here alone links are followed: it is the user's.
  static Folder root(const std::string& path);
  /// A folder in this one, made if it is missing. @throws Error kNotFound for links and files.
  Folder enter(const std::string& name) const;
  /// As enter(), nothing if it is not there.
  std::optional<Folder> find(const std::string& name) const;

  const std::string& path() const noexcept { return path_; }
  int get() const noexcept { return fd_.get(); }

  /// @param flags  as of open(); O_NOFOLLOW and O_CLOEXEC are added. @throws Error unless it is a regular
  /// file.
  Handle open(const std::string& name, int flags) const;
  /// Size of a regular file; nothing for anything else.
  std::optional<std::int64_t> size_of(const std::string& name) const;
  std::vector<std::string> names() const;
  /// Whole file, at most 16 MiB; nothing if it is not there.
  std::optional<std::string> read(const std::string& name) const;
  /// All or nothing: by way of NAME.part.
  void write(const std::string& name, const std::string& text) const;
  void rename(const std::string& from, const std::string& to) const;
  /// Puts the folder `from` in the place of `to`, which may exist: then it stands under `from` afterwards.
  void replace(const std::string& from, const std::string& to) const;
  /// A second name for a file of another folder. @return false where the file system has no such thing.
  bool link(const Folder& other, const std::string& name) const;
  /// Files, links and folders with all in them; nothing happens if it is not there.
  void remove(const std::string& name) const;
  void sync() const;
  /// Bytes that may still be written; -1 where the system does not say.
  std::int64_t free_bytes() const;

 private:
  Folder(Handle fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  std::string full(const std::string& name) const { return path_ + "/" + name; }
  Handle fd_;
  std::string path_;
};

/// fsync(), as far as the file system has it. @throws Error kExhausted.
void sync_file(int fd, const std::string& path);
/// All of it. @throws Error kExhausted.
void write_file(int fd, const char* data, std::size_t size, const std::string& path);

/// An exclusive lock on NAME in `folder`, held while it lives; the file is removed with it.
class Lock {
 public:
  /// Nothing if another process holds it.
  static std::optional<Lock> take(const Folder& folder, const std::string& name);
  Lock(Lock&&) = default;
  Lock& operator=(Lock&&) = delete;
  ~Lock();

 private:
  Lock(Handle fd, const Folder* folder, std::string name)
      : fd_(std::move(fd)), folder_(folder), name_(std::move(name)) {}
  Handle fd_;
  const Folder* folder_;
  std::string name_;
};

}  // namespace moonbeam::pull
