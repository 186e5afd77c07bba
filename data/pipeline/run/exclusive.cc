#include "data/pipeline/run/exclusive.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/text.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::string_view kUnfinished = ".unfinished.";

/// Field 22 of /proc/PID/stat, clock ticks since the machine started; empty where there is no such process.
std::string start_of(long pid) {
  std::ifstream file(base::cat("/proc/", pid, "/stat"));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name = text.rfind(')');  // it may hold spaces
  if (name == std::string::npos) return {};
  std::size_t at = name + 1;
  for (int field = 3; field <= 22; ++field) {
    at = text.find_first_not_of(' ', at);
    if (at == std::string::npos) return {};
    const std::size_t end = text.find(' ', at);
    if (field == 22) return text.substr(at, end - at);
    at = end;
  }
  return {};
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "host";
  return name.data();
}

/// @return its name
std::string write_beside(const std::string& path, std::string_view content) {
  static std::atomic<int> counter = 0;
  std::string name = base::cat(path, kUnfinished, process_name(), ".", counter++);
  const base::Descriptor file(base::open_descriptor(name, O_WRONLY | O_CREAT | O_EXCL, 0666));
  if (file.get() < 0) base::fail_system(name, "cannot write", errno);
  const auto failed = [&](int error) {
    ::unlink(name.c_str());
    base::fail_system(path, "cannot write", error);
  };
  while (!content.empty()) {
    const ssize_t done = ::write(file.get(), content.data(), content.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) failed(errno);
    content.remove_prefix(static_cast<std::size_t>(done));
  }
  if (::fsync(file.get()) != 0) failed(errno);
  return name;
}

}  // namespace

const std::string& process_name() {
  static const std::string name = base::cat(host_name(), ':', ::getpid(), ':', start_of(::getpid()));
  return name;
}

bool is_gone(std::string_view process) {
  const std::size_t second = process.rfind(':');
  const std::size_t first =
      second == std::string_view::npos || second == 0 ? second : process.rfind(':', second - 1);
  if (first == std::string_view::npos || process.substr(0, first) != host_name()) return false;
  long pid = 0;
  const std::string_view digits = process.substr(first + 1, second - first - 1);
  if (std::from_chars(digits.data(), digits.data() + digits.size(), pid).ec != std::errc()) return false;
  return start_of(pid) != process.substr(second + 1);
}

void remove_unfinished(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::size_t begin = name.find(kUnfinished), end = name.rfind('.');
    if (begin == std::string::npos || end < begin + kUnfinished.size()) continue;
    const std::size_t process = begin + kUnfinished.size();
    if (is_gone(std::string_view(name).substr(process, end - process)))
      std::filesystem::remove(entry.path(), error);
  }
}

bool create_exclusive(const std::string& path, std::string_view content) {
  const std::string name = write_beside(path, content);
  const int error = ::link(name.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(name.c_str());
  if (error == EEXIST) return false;
  if (error != 0) base::fail_system(path, "cannot make", error);
  base::sync_folder_of(path);
  return true;
}

void replace_whole(const std::string& path, std::string_view content) {
  const std::string name = write_beside(path, content);
  if (std::rename(name.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(name.c_str());
    base::fail_system(path, "cannot make", error);
  }
  base::sync_folder_of(path);
}

}  // namespace moonbeam::pipeline
