// Localized Narratives (data.md 2.7), one a line: what was said of a picture, when, and where the mouse was.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/byte_source.h"
#include "data/formats/reading.h"

namespace moonbeam::data {

struct TimedWords {
  std::string text;           ///< a word or a few
  double start = 0, end = 0;  ///< seconds of the recording
};

struct TracePoint {
  double x = 0, y = 0;  ///< of width and height; outside 0 to 1 where the mouse was
  double t = 0;         ///< seconds on the same clock
};

struct Narrative {
  std::string dataset, picture;  ///< ids; a picture's is text, and its form is the data set's
  std::int64_t annotator = 0;
  std::string caption;  ///< as the annotator wrote it down
  std::vector<TimedWords> words;
  std::vector<std::vector<TracePoint>> traces;  ///< a new one each time the mouse came back into the picture
  std::string recording;

  /// COCO's id of the picture, where it has the form of one: decimal digits without zeros in front.
  std::optional<std::int64_t> coco_picture() const;
};

/// @throws Error as each_line.
void read_narratives(ByteSource& source, const std::function<void(const Narrative&, std::uint64_t line)>& use,
                     Reading& reading);

}  // namespace moonbeam::data
