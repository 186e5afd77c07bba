// Where the readers of the formats put what they find: pictures by their paths, questions with them.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "data/formats/json_row.h"
#include "train/own/own_set.h"

namespace moonbeam::train {

class SetBuilder {
 public:
  /// Names of pictures that follow are relative to the file's folder of pictures.
  void begin_file(const OwnFile& file);

  /// The picture of that name, the same each time, upright if every file wants it so. @throws Error kNotFound
  /// if there is no such file, kCorrupt (an empty name).
  OwnPicture& picture(const std::string& name, bool upright, const std::string& where);
  void note(std::string text) { set_.notes.push_back(std::move(text)); }
  std::size_t size() const { return set_.pictures.size(); }

  /// Pictures without questions are dropped.
  OwnSet finish();

 private:
  OwnSet set_;
  std::filesystem::path folder_;
  std::map<std::string, std::size_t> index_;
};

/// The picture's size as `where` says it. @throws Error kCorrupt if another place says another one.
void set_size(OwnPicture& picture, std::int64_t width, std::int64_t height, const std::string& where);

/// White space at both ends removed. @throws Error kCorrupt if nothing is left.
std::string trimmed(const std::string& text, const std::string& where);

// The formats. Each @throws Error as read_own_set.
void read_llava(const OwnFile& file, SetBuilder& to);
void read_coco(const OwnFile& file, const OwnSetOptions& options, SetBuilder& to);
/// Canonical samples, or LLaVA's conversations, one a line.
void read_lines(const OwnFile& file, SetBuilder& to);

/// One conversation. @return false where it has no picture.
bool add_conversation(const data::JsonRow& row, SetBuilder& to);

}  // namespace moonbeam::train
