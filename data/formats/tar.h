// Plain tar archives. Written: ustar whose bytes depend on names and contents alone. Read: what GNU tar,
// Python's tarfile and bsdtar write too, with long names (GNU and pax), and archives that were cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

struct TarMember {
  std::string name;
  std::span<const std::byte> bytes;  ///< into the archive
};

/// Regular files of an archive in memory, one after the other; other entries are passed over.
class TarReader {
 public:
  /// @param path  for messages
  TarReader(std::span<const std::byte> archive, std::string path);

  /// None at the end, whole or not. @throws Error kCorrupt naming path and offset: no header, a name or size
  /// that cannot be.
  std::optional<TarMember> next();

  enum class End {
    kNone,    ///< not there yet
    kWhole,   ///< at an empty block, which ends archives
    kNoMark,  ///< after a whole member, but nothing says that it was the last
    kCut,     ///< in the middle of a header or of a member; it is not given
  };
  End end() const { return end_; }
  /// Of the member that next() gave: where its content begins.
  std::uint64_t offset() const { return offset_; }
  std::uint64_t header() const { return header_; }  ///< of its (first) header

 private:
  struct Header;
  std::optional<Header> read_header();
  std::span<const std::byte> content_of(const Header& header) const;
  void read_pax(std::span<const std::byte> records, std::uint64_t at);
  [[noreturn]] void fail_at(std::uint64_t at, std::string_view what) const;

  std::span<const std::byte> archive_;
  std::string path_;
  std::uint64_t at_ = 0, offset_ = 0, header_ = 0;
  std::string long_name_;  // of the next member
  std::optional<std::uint64_t> long_size_;
  End end_ = End::kNone;
};

/// All members of an archive that has to be whole. @throws Error kCorrupt as TarReader, and where it is cut.
std::vector<TarMember> read_tar(std::span<const std::byte> archive, const std::string& path);

/// Gives the bytes of an archive piece by piece: mtime 0, ids 0, mode 0644.
class TarWriter {
 public:
  explicit TarWriter(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {}

  /// @return where its content begins in the archive.
  /// @throws Error kInvalidArgument (a name that no ustar header holds: empty, absolute, more than 100 bytes
  ///         and no '/' to divide it at; 8 GiB or more), and what the sink throws.
  std::uint64_t add(std::string_view name, std::string_view content);
  /// The two empty blocks at the end.
  void finish();
  std::uint64_t bytes() const { return bytes_; }
  /// Of the archive if `content` bytes more and their header came and it ended then.
  std::uint64_t bytes_with(std::uint64_t content) const;

 private:
  void put(std::string_view piece);
  std::function<void(std::string_view)> sink_;
  std::uint64_t bytes_ = 0;
};

}  // namespace moonbeam::data
