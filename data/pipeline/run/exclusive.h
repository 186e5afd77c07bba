// Files that several machines agree about through a shared folder: made whole, by one of them (data.md 7.4).
// No locks, which network file systems keep badly: a hard link is made by exactly one.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::pipeline {

/// Writes `content` beside `path`, to disk, and gives it the name if nobody has it.
/// @return false where somebody was faster; then nothing has changed
/// @throws Error kExhausted (disk full), kNotFound (no such folder).
bool create_exclusive(const std::string& path, std::string_view content);
/// The same, but in the place of what is there.
void replace_whole(const std::string& path, std::string_view content);

/// Removes what processes of this host that are gone had begun to write beside files of `folder`.
void remove_unfinished(const std::string& folder);

/// "host:pid:start", which no other process has at any time.
const std::string& process_name();
/// Whether the process of that name is known to be gone: only of this host.
bool is_gone(std::string_view process);

}  // namespace moonbeam::pipeline
