#include "data/formats/narratives.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "data/formats/json_rows.h"
#include "data/formats/record_text.h"

namespace moonbeam::data {

namespace {

using nlohmann::json;

constexpr double kFurthest = 10;  // of the picture's sides

TimedWords words_of(const JsonRow& row) {
  TimedWords out{row.text("utterance"), row.number("start_time"), row.number("end_time")};
  if (out.end < out.start) row.fail("end_time", "a time that is not before start_time");
  return out;
}

/// Points are many: no row is made of each.
TracePoint point_of(const JsonRow& row, const json& value) {
  const auto member = [&](const char* key, double most) {
    const auto found = value.find(key);
    const double number = found != value.end() && found->is_number() ? found->get<double>() : std::nan("");
    if (!(std::abs(number) <= most)) {
      row.fail_with(Reason::kBadValue,
                    base::cat("traces: expected points of x, y and t, got ", value.dump().substr(0, 80)));
    }
    return number;
  };
  return {member("x", kFurthest), member("y", kFurthest), member("t", 1e6)};
}

std::vector<std::vector<TracePoint>> traces_of(const JsonRow& row) {
  std::vector<std::vector<TracePoint>> out;
  if (!row.has("traces")) return out;
  const json& traces = row.value()["traces"];
  if (!traces.is_array()) row.fail("traces", "a list of lists of points");
  for (const json& trace : traces) {
    if (!trace.is_array()) row.fail("traces", "a list of lists of points");
    out.emplace_back();
    for (const json& point : trace) out.back().push_back(point_of(row, point));
  }
  return out;
}

Narrative narrative_of(const JsonRow& row) {
  row.count_keys("narrative", {"dataset_id", "image_id", "caption"},
                 {"annotator_id", "timed_caption", "traces", "voice_recording"});
  Narrative out;
  out.dataset = row.text("dataset_id");
  out.picture = row.text("image_id");
  if (out.picture.empty()) row.fail("image_id", "an id");
  out.annotator = row.has("annotator_id") ? row.whole("annotator_id") : 0;
  out.caption = squeezed(row.text("caption"));
  if (out.caption.empty()) row.fail("caption", "text");
  for (const JsonRow& words : row.rows("timed_caption", /*optional=*/true))
    out.words.push_back(words_of(words));
  out.traces = traces_of(row);
  out.recording = row.text_or("voice_recording", "");
  return out;
}

}  // namespace

std::optional<std::int64_t> Narrative::coco_picture() const {
  std::int64_t id = 0;
  const char* end = picture.data() + picture.size();
  const auto [stop, error] = std::from_chars(picture.data(), end, id);
  const bool plain =
      error == std::errc() && stop == end && id >= 0 && (picture[0] != '0' || picture.size() == 1);
  return plain ? std::optional(id) : std::nullopt;
}

void read_narratives(ByteSource& source, const std::function<void(const Narrative&, std::uint64_t)>& use,
                     Reading& reading) {
  each_line(
      source, FileKind::kNarratives,
      [&](const JsonRow& row, std::uint64_t line) { use(narrative_of(row), line); }, reading);
}

}  // namespace moonbeam::data
