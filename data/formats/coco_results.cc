#include "data/formats/coco_results.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/formats/json_rows.h"
#include "data/formats/record_box.h"

namespace moonbeam::data {

namespace {

using base::cat;
using base::format_decimal;

constexpr int kBoxDecimals = 3, kScoreDecimals = 6;

}  // namespace

CocoResultWriter::CocoResultWriter(const std::string& path) : file_(path) {}

void CocoResultWriter::add_text(std::string_view text) {
  file_.write(first_ ? "[\n" : ",\n");
  file_.write(text);
  first_ = false;
}

void CocoResultWriter::add(const CocoDetection& row) {
  for (const double value : {row.box.x, row.box.y, row.box.width, row.box.height, row.score}) {
    if (!std::isfinite(value)) {
      base::fail(ErrorCode::kInvalidArgument, "results: image ", row.picture,
                 ": expected numbers that are finite");
    }
  }
  const auto side = [](double value) { return format_decimal(value, kBoxDecimals); };
  add_text(cat("{\"image_id\":", row.picture, ",\"category_id\":", row.category, ",\"bbox\":[",
               side(row.box.x), ",", side(row.box.y), ",", side(row.box.width), ",", side(row.box.height),
               "],\"score\":", format_decimal(row.score, kScoreDecimals), "}"));
}

void CocoResultWriter::add(const CocoCaptionResult& row) {
  if (!base::is_valid_utf8(row.text)) {
    base::fail(ErrorCode::kInvalidArgument, "results: image ", row.picture, ": expected text in UTF-8");
  }
  add_text(cat("{\"image_id\":", row.picture, ",\"caption\":", nlohmann::json(row.text).dump(), "}"));
}

void CocoResultWriter::commit() {
  file_.write(first_ ? "[]\n" : "\n]\n");
  file_.commit();
}

void read_coco_detections(ByteSource& source, const std::function<void(const CocoDetection&)>& use,
                          Reading& reading) {
  each_row(
      source, {FileKind::kCocoDetections, {""}},
      [&](std::string_view, const JsonRow& row, std::uint64_t) {
        row.count_keys("detection", {"image_id", "category_id", "bbox", "score"}, {});
        use({row.whole("image_id"), row.whole("category_id"), box_of(row, "bbox"), row.number("score")});
      },
      reading);
}

void read_coco_caption_results(ByteSource& source, const std::function<void(const CocoCaptionResult&)>& use,
                               Reading& reading) {
  each_row(
      source, {FileKind::kCocoCaptionResults, {""}},
      [&](std::string_view, const JsonRow& row, std::uint64_t) {
        row.count_keys("caption", {"image_id", "caption"}, {});
        use({row.whole("image_id"), row.text("caption")});
      },
      reading);
}

}  // namespace moonbeam::data
