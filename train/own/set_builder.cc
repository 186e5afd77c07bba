#include "train/own/set_builder.h"

#include <algorithm>

#include "base/error.h"

namespace moonbeam::train {

namespace fs = std::filesystem;
using base::fail;

void SetBuilder::begin_file(const OwnFile& file) {
  folder_ = file.images.empty() ? fs::path(file.path).parent_path() : fs::path(file.images);
}

OwnPicture& SetBuilder::picture(const std::string& name, bool upright, const std::string& where) {
  if (name.empty()) fail(ErrorCode::kCorrupt, where, ": expected the name of a picture, got an empty one");
  const std::string path = (folder_ / name).lexically_normal().string();
  const auto [found, is_new] = index_.try_emplace(path, set_.pictures.size());
  if (!is_new) {
    // One picture, or it might be learnt from and kept out too; boxes fit it as stored alone.
    OwnPicture& known = set_.pictures[found->second];
    known.upright = known.upright && upright;
    return known;
  }
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    fail(ErrorCode::kNotFound, where, ": no picture ", base::printable(path),
         "; --images names the folder that pictures lie in");
  }
  OwnPicture picture;
  picture.path = path;
  picture.where = where;
  picture.upright = upright;
  set_.pictures.push_back(std::move(picture));
  return set_.pictures.back();
}

OwnSet SetBuilder::finish() {
  const std::size_t before = set_.pictures.size();
  std::erase_if(set_.pictures, [](const OwnPicture& picture) { return picture.questions.empty(); });
  if (const std::size_t dropped = before - set_.pictures.size(); dropped > 0) {
    note(base::cat(dropped, " pictures of which nothing is asked were left out"));
  }
  return std::move(set_);
}

void set_size(OwnPicture& picture, std::int64_t width, std::int64_t height, const std::string& where) {
  constexpr std::int64_t kLongest = 65'535;
  if (width < 1 || height < 1 || width > kLongest || height > kLongest) {
    fail(ErrorCode::kCorrupt, where, ": expected a width and a height of 1 to ", kLongest, " pixels, got ",
         width, " and ", height);
  }
  if (picture.width != 0 && (picture.width != width || picture.height != height)) {
    fail(ErrorCode::kCorrupt, where, ": ", width, "x", height, " pixels, but ", picture.where, " says ",
         picture.width, "x", picture.height);
  }
  picture.width = static_cast<int>(width);
  picture.height = static_cast<int>(height);
}

std::string trimmed(const std::string& text, const std::string& where) {
  constexpr const char* kSpace = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) fail(ErrorCode::kCorrupt, where, ": expected text, got an empty one");
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace moonbeam::train
