// WebDataset shards: plain ustar archives whose bytes depend on their content alone (data.md 2.20).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace moonbeam::data {

/// Header and padded content of one member: mtime 0, owner 0, mode 0644.
/// @throws Error kInvalidArgument (a name over 100 bytes), kUnsupported (8 GiB and more).
std::string tar_member(std::string_view name, std::string_view content);

/// What ends an archive: two blocks of zeros.
std::string tar_end();

/// Offset of a member's content behind its header.
inline constexpr std::uint64_t kTarBlock = 512;

}  // namespace moonbeam::data
