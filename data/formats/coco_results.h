// COCO's result files (data.md 2.6): what a model found or said, for evaluators.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "data/formats/byte_source.h"
#include "data/formats/reading.h"
#include "data/formats/rle.h"

namespace moonbeam::data {

struct CocoDetection {
  std::int64_t picture = 0, category = 0;
  XywhBox box;  ///< pixels
  double score = 0;
};

struct CocoCaptionResult {
  std::int64_t picture = 0;
  std::string text;
};

/// An array of one row a line; equal rows give equal bytes: numbers have at most three decimals (boxes) or
/// six (scores). A file appears when commit() was called.
class CocoResultWriter {
 public:
  explicit CocoResultWriter(const std::string& path);
  /// @throws Error kInvalidArgument (numbers that are not finite, text that is no UTF-8), kExhausted (disk
  /// full).
  void add(const CocoDetection& row);
  void add(const CocoCaptionResult& row);
  void commit();

 private:
  void add_text(std::string_view text);
  base::AtomicFile file_;
  bool first_ = true;
};

/// @throws Error as each_row.
void read_coco_detections(ByteSource& source, const std::function<void(const CocoDetection&)>& use,
                          Reading& reading);
void read_coco_caption_results(ByteSource& source, const std::function<void(const CocoCaptionResult&)>& use,
                               Reading& reading);

}  // namespace moonbeam::data
