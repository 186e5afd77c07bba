// A folder written all or not at all: filled under another name beside it, then renamed.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary.h"

namespace moonbeam::base {

namespace {

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

AtomicFolder::AtomicFolder(const std::string& path) : target_(without_slash(path)) {
  check_file_name(target_);
  remove_leftovers_once(folder_prefix(target_));
  while (true) {
    path_ = temporary_beside(target_);
    if (mkdir(path_.c_str(), 0777) != 0) {
      const int error = errno;
      if (error == EEXIST) continue;
      std::exchange(path_, "");
      fail_system(target_, "cannot make the folder", error);
    }
    held_ = std::make_unique<const Descriptor>(open_descriptor(path_, O_RDONLY | O_DIRECTORY));
    if (held_->get() < 0 || hold_temporary(held_->get(), path_)) return;
  }
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void AtomicFolder::commit() {
  if (std::rename(path_.c_str(), target_.c_str()) != 0) {  // takes the place of an empty folder too
    fail_system(target_, "cannot name the folder", errno);
  }
  path_.clear();
  sync_folder_of(target_);
}

}  // namespace moonbeam::base
