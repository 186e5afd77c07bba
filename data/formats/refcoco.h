// Referring expressions of RefCOCO, RefCOCO+ and RefCOCOg (data.md 2.8), one thing a line with all that was
// said of it. The originals are pickles of Python, which are not read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/byte_source.h"
#include "data/formats/reading.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

struct RefSentence {
  std::int64_t id = 0;
  std::string raw, text;            ///< as it was written; in lower case without marks
  std::vector<std::string> tokens;  ///< of the text
};

struct RefExpression {
  std::int64_t id = 0, annotation = 0, picture = 0, category = 0;
  std::string split;  ///< train, val, test; of RefCOCO and RefCOCO+ testA (people) and testB
  std::string file;   ///< of the picture: COCO's train2014, the suffix of the expression removed
  XywhBox box;        ///< pixels
  std::vector<RefSentence> sentences;  ///< each is an item of an evaluation
};

/// @throws Error as each_line.
void read_refcoco(ByteSource& source,
                  const std::function<void(const RefExpression&, std::uint64_t line)>& use, Reading& reading);

/// "COCO_train2014_000000000007.jpg" of "COCO_train2014_000000000007_1.jpg"; others stay as they are.
std::string without_ref_suffix(std::string_view file);

}  // namespace moonbeam::data
