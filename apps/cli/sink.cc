// Writing results. No stdio buffers: every write() reaches the system, and every failure is seen.
#include "cli/sink.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/errors.h"
#include "cli/resume.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

[[noreturn]] void fail_errno(const std::string& name, int number) {
  const bool missing = number == ENOENT || number == EACCES || number == ENOTDIR || number == EISDIR ||
                       number == EROFS || number == EPERM || number == ENAMETOOLONG || number == ELOOP;
  throw Error(missing ? ErrorCode::kNotFound : ErrorCode::kExhausted, name + ": " + std::strerror(number));
}

bool is_special(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/// Bytes of a name that was written as hex.
std::string from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

constexpr std::string_view kPart = ".part";

/// ".NAME." of a file NAME: what the names of its unfinished versions begin with.
std::string part_prefix(const std::filesystem::path& file) {
  return "." + file.filename().string() + ".";
}

/// Unfinished versions of `file` whose writers were killed: a writer that lives holds a lock on its own.
void remove_left_parts(const std::filesystem::path& file) {
  const std::string prefix = part_prefix(file);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(kPart) || name.size() <= prefix.size() + kPart.size())
      continue;
    const std::string number = name.substr(prefix.size(), name.size() - prefix.size() - kPart.size());
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    const int fd = ::open(it->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) ::unlink(it->path().c_str());
    ::close(fd);
  }
}

/// Creates the file and locks it; -1 and errno.
int open_part(const std::string& path) {
  while (true) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return fd;
    while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
    }
    if (::access(path.c_str(), F_OK) == 0 || errno != ENOENT) return fd;
    ::close(fd);  // another run took it for a leftover before it was locked
  }
}

}  // namespace

void write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;  // the signal is heard between pieces of work, lines stay whole
    if (written < 0 && errno == EPIPE) throw BrokenPipe();
    if (written < 0) fail_errno(name, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void StdoutSink::write(std::string_view text) {
  write_all(STDOUT_FILENO, text, "standard output");
}

FileSink::FileSink(std::string path) : path_(std::move(path)) {
  std::error_code ignored;
  if (path_.empty()) throw Error(ErrorCode::kInvalidArgument, "-o: expected a file name, got nothing");
  if (std::filesystem::is_directory(path_, ignored)) fail_errno(path_, EISDIR);
  if (is_special(path_)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    // A link keeps pointing to the file that is replaced.
    if (std::filesystem::is_symlink(path_, ignored)) {
      const std::filesystem::path target = std::filesystem::weakly_canonical(path_, ignored);
      if (!ignored) path_ = target.string();
    }
    const std::filesystem::path file(path_);
    remove_left_parts(file);
    const std::string name = part_prefix(file) + std::to_string(::getpid()) + std::string(kPart);
    temporary_ = (file.parent_path() / name).string();
    fd_ = open_part(temporary_);
  }
  if (fd_ < 0) fail_errno(path_, errno);
}

FileSink::~FileSink() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void FileSink::write(std::string_view text) {
  write_all(fd_, text, path_);
}

void FileSink::commit() {
  if (temporary_.empty()) return;
  if (::fsync(fd_) != 0 && errno != EINVAL) fail_errno(path_, errno);
  const int held = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);  // the lock lasts until the file has its name
  const bool named = ::close(std::exchange(fd_, -1)) == 0 && ::rename(temporary_.c_str(), path_.c_str()) == 0;
  const int error = errno;
  if (held >= 0) ::close(held);
  if (!named) fail_errno(path_, error);
  temporary_.clear();
}

AppendSink::AppendSink(std::string path, Task task, const std::vector<std::string>& prompts,
                       std::string options)
    : path_(std::move(path)), options_(std::move(options)) {
  if (is_special(path_)) throw Error(ErrorCode::kInvalidArgument, path_ + ": --resume needs a regular file");
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) fail_errno(path_, errno);
  try {
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      throw Error(ErrorCode::kInvalidArgument, path_ + ": another run is writing to it");
    }
    read_lines(task, prompts);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

AppendSink::~AppendSink() {
  ::close(fd_);
}

void AppendSink::read_lines(Task task, const std::vector<std::string>& prompts) {
  std::string rest;  // the line that has no end yet
  std::array<char, 1 << 16> buffer;
  std::size_t number = 1;
  for (;;) {
    const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(path_, errno);
    if (got == 0) break;
    rest.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t start = 0;
    for (std::size_t end; (end = rest.find('\n', start)) != std::string::npos; start = end + 1, ++number) {
      check_line(std::string_view(rest).substr(start, end - start), number, task, prompts);
      size_ += static_cast<std::int64_t>(end + 1 - start);
    }
    rest.erase(0, start);
  }
  // Only what a run of ours can have begun is removed.
  constexpr std::string_view kStart = "{\"image\":";
  if (!rest.starts_with(kStart) && !kStart.starts_with(rest)) fail_line(number);
  if (!rest.empty() && ::ftruncate(fd_, size_) != 0) fail_errno(path_, errno);
  if (::lseek(fd_, size_, SEEK_SET) < 0) fail_errno(path_, errno);
}

void AppendSink::fail_line(std::size_t number) const {
  throw Error(ErrorCode::kCorrupt, path_ + ": line " + std::to_string(number) +
                                       ": expected a JSON object with \"image\", got something else");
}

void AppendSink::check_line(std::string_view line, std::size_t number, Task task,
                            const std::vector<std::string>& prompts) {
  using nlohmann::json;
  if (trim(line).empty()) return;
  const std::string where = path_ + ": line " + std::to_string(number);
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object() || !object.contains("image") ||
      !(object["image"].is_string() || object["image"].is_null())) {
    fail_line(number);
  }
  constexpr std::array<const char*, 5> kKeys = {"caption", "answer", "objects", "points", "gaze"};
  const bool several = prompts.size() > 1;
  const char* key = task == Task::kQuery && several ? "answers" : kKeys[static_cast<std::size_t>(task)];
  if (!object.contains(key)) {
    throw Error(ErrorCode::kInvalidArgument,
                where + ": expected \"" + key +
                    "\", got the answer to another command; --resume goes on with the same one");
  }
  std::vector<std::string> asked;
  const auto text_of = [](const json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  if (task == Task::kQuery && several) {
    for (const json& answer : object[key])
      asked.push_back(answer.is_object() ? text_of(answer.value("question", json())) : "");
  } else if (!prompts.empty()) {
    const json value = object.value(task == Task::kQuery ? "question" : "object", json());
    for (const json& one : value.is_array() ? value : json::array({value})) asked.push_back(text_of(one));
  }
  // A prompt that is not UTF-8 was written with replacements: compare what was written.
  std::vector<std::string> expected;
  for (const std::string& prompt : prompts) {
    expected.push_back(
        json::parse(json(prompt).dump(-1, ' ', true, json::error_handler_t::replace)).get<std::string>());
  }
  if (asked != expected) {
    throw Error(ErrorCode::kInvalidArgument, where + ": expected an answer about '" +
                                                 (expected.empty() ? "" : expected[0]) +
                                                 "', got one about '" + (asked.empty() ? "" : asked[0]) +
                                                 "'; --resume goes on with the same prompts");
  }
  if (!options_.empty()) {
    const std::string difference = options_difference(object.value("options", json()).dump(), options_);
    if (!difference.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  where + ": " + difference + "; --resume goes on with the same options");
    }
  }
  const json exact = object.value("image_hex", json());
  const std::string exact_hex = text_of(exact);
  const bool usable =
      exact_hex.size() % 2 == 0 && exact_hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  answered_.insert(!exact_hex.empty() && usable ? from_hex(exact_hex) : text_of(object["image"]));
}

void AppendSink::write(std::string_view text) {
  try {
    write_all(fd_, text, path_);
  } catch (...) {
    if (::ftruncate(fd_, size_) == 0) ::lseek(fd_, size_, SEEK_SET);
    throw;
  }
  size_ += static_cast<std::int64_t>(text.size());
}

}  // namespace moonbeam::cli
