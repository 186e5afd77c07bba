// Files: mapped for reading, written all or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace moonbeam::base {

/// A file's pages, read only. Views into it are valid while it lives.
class MappedFile {
 public:
  /// @throws Error kNotFound (missing, a directory, not readable), kCorrupt (a pipe or a device).
  /// An empty file gives an empty span.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  const std::string& path() const noexcept { return path_; }

 private:
  MappedFile(std::string path, const std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Lets go of the memory of a part of a mapped file that will not be read again soon: its pages come back
/// from the disk if it is. A wish, rounded inwards to whole pages.
void forget_pages(std::span<const std::byte> part) noexcept;

/// Whole file in memory; at most `limit` bytes. Pipes and devices are read to their end.
/// @throws Error kNotFound, kExhausted (longer than limit).
std::string read_file(const std::string& path, std::size_t limit);

/// Standard input to its end; at most `limit` bytes. @throws Error kExhausted.
std::string read_stdin(std::size_t limit);

/// Writes beside `path` and renames at commit(); the destructor removes what was not committed. A symbolic
/// link is followed and stays; a file that is replaced passes its mode on. What writers that were killed left
/// in the folder is removed. Pipes, devices and names of open descriptors (/dev/stdout) have nothing to
/// rename and are written straight through.
/// @throws Error kNotFound (folder missing or not writable), kExhausted (disk full), in every method.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  std::uint64_t position() const noexcept { return position_; }
  /// Flushes to disk and gives the file its name.
  void commit();

 private:
  void flush();
  std::string path_;       // as the caller named it, for messages
  std::string target_;     // links followed; empty if written straight through
  std::string temporary_;  // what the destructor has to remove
  std::string buffer_;
  std::uint64_t position_ = 0;
  int fd_ = -1;
};

class Descriptor;

/// Makes a folder beside `path` and renames it at commit(), also onto an empty folder; the destructor removes
/// what was not committed. @throws Error kNotFound, kExhausted (disk full).
class AtomicFolder {
 public:
  explicit AtomicFolder(const std::string& path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::string& path() const noexcept { return path_; }  ///< where to write
  void commit();

 private:
  std::string target_;
  std::string path_;                        // empty once committed
  std::unique_ptr<const Descriptor> held_;  // its lock
};

}  // namespace moonbeam::base
