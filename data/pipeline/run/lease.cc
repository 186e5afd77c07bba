#include "data/pipeline/run/lease.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "data/pipeline/run/exclusive.h"

namespace moonbeam::pipeline {

namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double changed(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return static_cast<double>(info.st_mtim.tv_sec) + static_cast<double>(info.st_mtim.tv_nsec) * 1e-9;
}

/// By the clock of the folder's server, which all machines see: that of a file made just now.
bool is_expired(const std::string& path, double seconds) {
  const std::string probe = base::cat(path, ".now.", process_name());
  replace_whole(probe, "");
  const double now = changed(probe), then = changed(path);
  ::unlink(probe.c_str());
  return then != 0 && now - then > seconds;
}

}  // namespace

std::unique_ptr<Lease> Lease::take(const RunFolder& work, int shard, double seconds) {
  const std::string path = work.lease(shard).string();
  std::filesystem::create_directories(work.lease(shard).parent_path());
  const std::string text = process_name() + "\n";
  if (create_exclusive(path, text)) return std::unique_ptr<Lease>(new Lease(path, text));
  const std::string owner = content_of(path);
  if (owner.empty() || owner == text) return nullptr;  // given back meanwhile; another thread's
  if (!is_gone(owner.substr(0, owner.size() - 1)) && !is_expired(path, seconds)) return nullptr;
  // Out of the way, under a name of ours: one that was taken over since it was looked at goes back.
  const std::string away = base::cat(path, ".old.", process_name());
  if (std::rename(path.c_str(), away.c_str()) != 0) return nullptr;
  if (content_of(away) != owner) {
    if (::link(away.c_str(), path.c_str()) != 0) {
      // Somebody has made a third one: two owners, which does no harm.
    }
    ::unlink(away.c_str());
    return nullptr;
  }
  ::unlink(away.c_str());
  if (!create_exclusive(path, text)) return nullptr;
  return std::unique_ptr<Lease>(new Lease(path, text));
}

bool Lease::is_ours() const {
  return content_of(path_) == text_;
}

bool Lease::renew() {
  return is_ours() && ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0) == 0;
}

Lease::~Lease() {
  if (is_ours()) ::unlink(path_.c_str());
}

}  // namespace moonbeam::pipeline
