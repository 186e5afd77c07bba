// Names of what is written beside its target until it is whole, and what killed writers left of it. A writer
// holds a lock on what it writes, which ends with its process: a leftover is one that nobody holds.
#pragma once

#include <string>

namespace moonbeam::base {

/// "a/" of "a/b", "" of "b": what a name beside it starts with.
std::string folder_prefix(const std::string& path);

/// A new name beside `target`. It does not contain the target's, which may be as long as names can be, and no
/// two writers of this process get the same.
std::string temporary_beside(const std::string& target);

/// Locks the file or folder that was just made under `name`, as long as `fd` or a copy of it is open.
/// @return false if remove_leftovers() of another process was faster; it is gone then.
bool hold_temporary(int fd, const std::string& name) noexcept;

/// Removes what writers that were killed left in `folder` ("" is the current one).
void remove_leftovers(const std::string& folder) noexcept;
/// The same, but only for the first time in this process: a run may write thousands of files into one folder.
void remove_leftovers_once(const std::string& folder) noexcept;

}  // namespace moonbeam::base
