// Identity of files. Only regular ones count: writing to a terminal that is also read harms nothing.
#include "cli/inputs.h"

#include <moonbeam/error.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>

namespace moonbeam::cli {

namespace {

std::optional<std::pair<dev_t, ino_t>> identity(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return std::pair{info.st_dev, info.st_ino};
}

}  // namespace

void Inputs::add(const std::string& path) {
  if (const auto file = identity(path)) files_.insert(*file);
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (const auto file = identity(it->path().string())) files_.insert(*file);
  }
}

bool Inputs::contains(const std::string& path) const {
  const auto file = identity(path);
  return file && files_.contains(*file);
}

void Inputs::protect(const std::string& flag, const std::string& target) const {
  if (!contains(target)) return;
  throw Error(ErrorCode::kInvalidArgument,
              flag + " " + target + ": this file is read by the run; expected another to write to");
}

}  // namespace moonbeam::cli
