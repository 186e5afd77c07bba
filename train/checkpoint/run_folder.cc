#include "train/checkpoint/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace moonbeam::train {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";
constexpr std::size_t kLargestLog = std::size_t{1} << 32;

bool is_checkpoint(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
  const std::string_view digits =
      std::string_view(name).substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

RunFolder RunFolder::create(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    base::fail(ErrorCode::kNotFound, base::printable(path), ": cannot be made: ", error.message());
  }
  RunFolder folder(path);
  // A run whose first checkpoint found no room on the disk has a lock and nothing to go on with. A recipe
  // alone is somebody's.
  const bool begun = fs::exists(folder.file("recipe.toml"), error) && !fs::exists(folder.file("lock"), error);
  if (begun || !folder.checkpoints().empty()) {
    base::fail(ErrorCode::kInvalidArgument, base::printable(path),
               ": holds a run already; --resume goes on with it");
  }
  return folder;
}

RunFolder RunFolder::open(const std::string& path) {
  RunFolder folder(path);
  if (folder.checkpoints().empty()) {
    base::fail(ErrorCode::kNotFound, base::printable(path), ": expected a run, found no checkpoint");
  }
  return folder;
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

std::string RunFolder::checkpoint(std::int64_t step) const {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%09lld", static_cast<long long>(step));
  return file(std::string(kPrefix) + digits + std::string(kSuffix));
}

std::vector<std::string> RunFolder::checkpoints() const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (is_checkpoint(name)) names.push_back(file(name));
  }
  std::sort(names.rbegin(), names.rend());
  return names;
}

void RunFolder::remove_old(std::size_t keep) const {
  const std::vector<std::string> names = checkpoints();
  std::error_code ignored;
  for (std::size_t i = keep; i < names.size(); ++i) fs::remove(names[i], ignored);
}

void RunFolder::lock() {
  const std::string name = file("lock");
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) {
    base::fail(ErrorCode::kNotFound, base::printable(name), ": cannot be written: ", std::strerror(errno));
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    base::fail(ErrorCode::kExhausted, base::printable(path_), ": another process trains this run");
  }
}

LineLog::LineLog(const std::string& path, std::int64_t step) : path_(path) {
  std::error_code error;
  if (fs::exists(path, error)) {
    const std::string text = base::read_file(path, kLargestLog);
    std::string kept;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string_view line = std::string_view(text).substr(at, end + 1 - at);
      const nlohmann::json value = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (value.is_object() && value.value("step", std::int64_t{0}) <= step) kept += line;
    }
    if (kept.size() != text.size()) {
      base::AtomicFile file(path);
      file.write(kept);
      file.commit();
    }
  }
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    base::fail(ErrorCode::kNotFound, base::printable(path), ": cannot be written: ", std::strerror(errno));
  }
}

LineLog::~LineLog() {
  if (fd_ >= 0) ::close(fd_);
}

void LineLog::write(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    base::fail(ErrorCode::kExhausted, base::printable(path_), ": cannot be written: ", std::strerror(errno));
  }
}

}  // namespace moonbeam::train
