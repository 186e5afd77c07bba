// Plain ustar archives in memory: equal members give equal bytes (data.md 2.20).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::data {

struct TarMember {
  std::string name;
  std::span<const std::byte> bytes;  ///< into the archive
};

/// Regular files of the archive in their order; other entries are passed over.
/// @throws Error kCorrupt naming `path` and the offset: bad checksum, size beyond the end, cut off.
std::vector<TarMember> read_tar(std::span<const std::byte> archive, const std::string& path);

/// Header and padded content of one file: mtime 0, ids 0, mode 0644.
/// @throws Error kInvalidArgument (a name of more than 100 bytes).
void append_tar(std::string& archive, std::string_view name, std::string_view content);
/// The two empty blocks at the end.
void finish_tar(std::string& archive);

}  // namespace moonbeam::data
