// Canonical samples, one a line, as `moonbeam data scenes` writes them (docs/data.md).
#include "base/error.h"
#include "train/own/json_rows.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

using base::fail;

namespace {

constexpr std::int64_t kForm = 1;

CaptionLength length_of(const Row& turn) {
  const std::string style = turn.has("style") ? turn.text("style") : "sentence";
  if (style == "short") return CaptionLength::kShort;
  if (style == "sentence" || style == "normal") return CaptionLength::kNormal;
  if (style == "long") return CaptionLength::kLong;
  turn.fail("style", "short, sentence or long");
}

void check_unit(const Row& region, const char* key, const std::vector<double>& values) {
  for (const double value : values) {
    if (value < 0 || value > 1) region.fail(key, "numbers of 0 to 1");
  }
}

Box box_of(const Row& region) {
  const std::vector<double> corners = region.numbers("box", 4);
  check_unit(region, "box", corners);
  if (corners[0] >= corners[2] || corners[1] >= corners[3]) {
    fail(ErrorCode::kCorrupt, region.where(), ": box: expected x_min < x_max and y_min < y_max");
  }
  return {corners[0], corners[1], corners[2], corners[3]};
}

Point point_of(const Row& region) {
  if (!region.has("point")) {
    const Box box = box_of(region);
    return {(box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2};
  }
  const std::vector<double> place = region.numbers("point", 2);
  check_unit(region, "point", place);
  return {place[0], place[1]};
}

void add_text(const Row& row, OwnQuestion::Task task, OwnPicture& picture) {
  const std::vector<Row> turns = row.rows("turns");
  if (turns.empty()) row.fail("turns", "a question and its answer");
  for (const Row& turn : turns) {
    OwnQuestion question;
    question.task = task;
    question.where = row.where();
    if (task == OwnQuestion::Task::kCaption) {
      question.length = length_of(turn);
    } else {
      question.text = trimmed(turn.text("q"), base::cat(turn.where(), ": q"));
    }
    question.answer = trimmed(turn.text("a"), base::cat(turn.where(), ": a"));
    picture.questions.push_back(std::move(question));
  }
}

void add_objects(const Row& row, OwnQuestion::Task task, OwnPicture& picture) {
  OwnQuestion question;
  question.task = task;
  question.where = row.where();
  const std::vector<Row> turns = row.rows("turns", /*optional=*/true);
  const std::vector<Row> regions = row.rows("regions");
  if (!turns.empty()) {
    question.text = trimmed(turns.front().text("q"), base::cat(turns.front().where(), ": q"));
  } else {
    if (regions.empty()) row.fail("turns", "what is looked for");
    question.text = trimmed(regions.front().text("label"), regions.front().where());
  }
  for (const Row& region : regions) {
    if (task == OwnQuestion::Task::kDetect) {
      question.boxes.push_back(box_of(region));
    } else {
      question.points.push_back(point_of(region));
    }
  }
  picture.questions.push_back(std::move(question));
}

void add_sample(const Row& row, SetBuilder& to) {
  if (row.has("v") && row.whole("v") > kForm) {
    fail(ErrorCode::kUnsupported, row.where(), ": v: sample of form ", row.whole("v"), ", this build reads ",
         kForm);
  }
  const Row image = row.object("image");
  OwnPicture& picture = to.picture(image.text("file"), /*upright=*/false, row.where());
  if (image.has("w") || image.has("h")) set_size(picture, image.whole("w"), image.whole("h"), row.where());
  const std::string task = row.text("task");
  if (task == "query") return add_text(row, OwnQuestion::Task::kQuery, picture);
  if (task == "caption") return add_text(row, OwnQuestion::Task::kCaption, picture);
  if (task == "detect") return add_objects(row, OwnQuestion::Task::kDetect, picture);
  if (task == "point") return add_objects(row, OwnQuestion::Task::kPoint, picture);
  row.fail("task", "query, caption, detect or point");
}

}  // namespace

void read_lines(const OwnFile& file, SetBuilder& to) {
  const std::string name = base::printable(file.path);
  std::int64_t without = 0;
  each_line(file.path, [&](const Json& value, std::int64_t line) {
    const Row row(value, base::cat(name, ":", line));
    if (!row.has("conversations")) {
      add_sample(row, to);
    } else if (!add_conversation(row, to)) {
      ++without;
    }
  });
  if (without > 0) to.note(base::cat(name, ": ", without, " lines without a picture were left out"));
}

}  // namespace moonbeam::train
