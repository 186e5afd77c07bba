// Answers as text, JSON lines, CSV and COCO. Pure functions: who writes them where is sink.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/answer.h"

namespace moonbeam::cli {

/// One JSON object on one line, ASCII only, ended by a newline: "image" and the keys of the HTTP API's
/// answers (caption | answer, reasoning | objects | points, count | gaze; request_id, finish_reason,
/// metrics), plus what was asked ("question", "object"). Several questions about a picture stand under
/// "answers", boxes and points of several objects bear a "label". Bytes of a name that are not UTF-8 become
/// U+FFFD, the exact name is then in "image_hex". `options`: JSON for the key "options", or empty.
std::string json_line(const PictureAnswers& picture, Task task, std::string_view options = {});

/// The keys of one answer alone, as the HTTP API has them, and finish_reason: JSON on one line.
std::string answer_json(const Answer& answer, Task task);

/// For people: the text, or a line of numbers for each object. Lines start with the picture's name where
/// `with_name`, with the question or object where there are several.
std::string text_lines(const PictureAnswers& picture, Task task, bool with_name);
/// What stands before a text that is streamed: the part of text_lines() ahead of it.
std::string text_prefix(const PictureAnswers& picture, const Answer& answer, bool with_name,
                        bool with_prompt);

std::string csv_header(Task task);
/// RFC 4180 with LF; one row an answer, or an object found.
std::string csv_rows(const PictureAnswers& picture, Task task);

/// A COCO result file: [{"image_id", "category_id", "bbox": [x, y, w, h] in pixels, "score": 1}] for detect,
/// [{"image_id", "caption"}] for captions. image_id is the number in the file name where it is one, else the
/// picture's place in the run; file and category names are added under "file_name" and "category".
class CocoFile {
 public:
  explicit CocoFile(Task task) : task_(task) {}
  /// The text to write for this picture, which is number `index` (from 0) of the run.
  std::string add(const PictureAnswers& picture, std::size_t index);
  /// The end of the file.
  std::string finish();

 private:
  Task task_;
  bool empty_ = true;
  std::vector<std::string> categories_;
};

}  // namespace moonbeam::cli
