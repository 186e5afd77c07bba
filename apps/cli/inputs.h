// The files that a run reads, so that no result is written over one of them.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <utility>

namespace moonbeam::cli {

class Inputs {
 public:
  /// A file, or every file of a folder; what is not there, or no regular file, is nobody's loss.
  void add(const std::string& path);
  /// By device and inode: other spellings and links of a file are the same file.
  bool contains(const std::string& path) const;
  /// @throws Error kInvalidArgument if `target`, given to `flag`, is one of them.
  void protect(const std::string& flag, const std::string& target) const;

 private:
  std::set<std::pair<dev_t, ino_t>> files_;
};

}  // namespace moonbeam::cli
