#include "live/source/folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/error.h"

namespace moonbeam::live {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kNap{50};
constexpr std::uintmax_t kMaxFile = std::uintmax_t{20} << 20;

bool is_picture(const fs::path& path) {
  static constexpr std::array kEndings = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::string bytes_of(const fs::path& path) {
  std::error_code error;
  if (fs::file_size(path, error) > kMaxFile || error) return {};
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void FolderSource::open() {
  files_.clear();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.is_regular_file(error) && is_picture(entry.path())) files_.push_back(entry.path());
  }
  if (error) base::fail(ErrorCode::kNotFound, folder_.string(), ": ", error.message());
  if (files_.empty()) base::fail(ErrorCode::kNotFound, folder_.string(), ": no pictures in this folder");
  std::sort(files_.begin(), files_.end());
  at_ = 0;
  due_ = {};
}

// A file that has gone meanwhile is passed over; when all have, that is an end.
std::string FolderSource::next(const std::function<bool()>& carry_on) {
  while (std::chrono::steady_clock::now() < due_) {
    if (!carry_on()) return {};
    std::this_thread::sleep_for(kNap);
  }
  for (std::size_t tried = 0; tried < files_.size(); ++tried) {
    std::string bytes = bytes_of(files_[at_]);
    at_ = (at_ + 1) % files_.size();
    if (bytes.empty()) continue;
    due_ = std::chrono::steady_clock::now() + each_;
    return bytes;
  }
  base::fail(ErrorCode::kNotFound, folder_.string(), ": its pictures can no longer be read");
}

}  // namespace moonbeam::live
