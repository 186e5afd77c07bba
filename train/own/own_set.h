// Pictures of one's own with what is asked and said about them, from files of other shapes: LLaVA's
// conversations, COCO's instances, canonical samples. Tokens, prompts and pixels are train/loop's business.
#pragma once

#include <moonbeam/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace moonbeam::train {

/// One question and what is to be said; as a model is asked, without what was said before.
struct OwnQuestion {
  enum class Task : std::uint8_t { kQuery, kCaption, kDetect, kPoint };
  Task task = Task::kQuery;
  CaptionLength length = CaptionLength::kNormal;  ///< of a caption
  std::string text = {};                          ///< the question, or the object's name
  std::string answer = {};                        ///< query, caption
  std::vector<Box> boxes = {};                    ///< detect; none: it is not in the picture
  std::vector<Point> points = {};                 ///< point
  std::string where = {};                         ///< "my.json: row 3", for messages
};

struct OwnPicture {
  std::string path;
  std::string where;          ///< what names it first
  bool upright = false;       ///< turn it as its EXIF orientation says; boxes are of the pixels as stored
  int width = 0, height = 0;  ///< pixels, where the file says them; else 0
  std::vector<OwnQuestion> questions;
};

struct OwnSet {
  std::vector<OwnPicture> pictures;  ///< in the order of the files; each path once
  std::vector<std::string> notes;    ///< what was left out, for people
};

/// A file of questions and where its pictures lie.
struct OwnFile {
  std::string path;
  std::string images;  ///< folder that names of pictures are relative to; empty: the file's own
};

struct OwnSetOptions {
  std::uint64_t seed = 0;  ///< which absent things are asked for
  int absent = 2;          ///< COCO: categories asked for in each picture that are not in it
};

/// Reads the files one after the other, told apart by their content. Every question has a picture whose file
/// exists; pictures are not opened.
/// @throws Error kNotFound (a file, a picture), kCorrupt (not JSON, a key that is missing or wrong, a
/// category or picture that the file does not list, a box outside its picture), kUnsupported (a newer form),
/// kInvalidArgument (nothing to learn from). The message names the file and the line or the row.
OwnSet read_own_set(const std::vector<OwnFile>& files, const OwnSetOptions& options);

}  // namespace moonbeam::train
