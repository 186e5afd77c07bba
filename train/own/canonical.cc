// Canonical samples, one a line, as `moonbeam data scenes` writes them (docs/data.md).
#include "data/formats/canonical.h"

#include "base/error.h"
#include "data/formats/json_rows.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

namespace {

using data::CanonicalRegion;
using data::CanonicalSample;
using data::CanonicalTurn;

CaptionLength length_of(const CanonicalTurn& turn) {
  if (turn.style == "short") return CaptionLength::kShort;
  return turn.style == "long" ? CaptionLength::kLong : CaptionLength::kNormal;
}

Point point_of(const CanonicalRegion& region) {
  if (region.point) return {(*region.point)[0], (*region.point)[1]};
  const auto [x_min, y_min, x_max, y_max] = *region.box;
  return {(x_min + x_max) / 2, (y_min + y_max) / 2};
}

void add_text(const CanonicalSample& sample, OwnQuestion::Task task, const std::string& where,
              OwnPicture& picture) {
  std::size_t number = 0;
  for (const CanonicalTurn& turn : sample.turns) {
    const std::string place = base::cat(where, ": turns ", ++number);
    OwnQuestion question;
    question.task = task;
    question.where = where;
    if (task == OwnQuestion::Task::kCaption) {
      question.length = length_of(turn);
    } else {
      question.text = trimmed(turn.question, base::cat(place, ": q"));
    }
    question.answer = trimmed(turn.answer.value_or(""), base::cat(place, ": a"));
    picture.questions.push_back(std::move(question));
  }
}

/// One question, whose answer all regions are.
void check_objects(const CanonicalSample& sample, const std::string& where) {
  if (sample.turns.size() > 1) {
    base::fail(ErrorCode::kCorrupt, where, ": turns: expected one beside regions, got ", sample.turns.size());
  }
  if (!sample.turns.empty()) return;
  for (std::size_t i = 1; i < sample.regions.size(); ++i) {
    const std::string &first = sample.regions.front().label, &label = sample.regions[i].label;
    if (label == first) continue;
    base::fail(ErrorCode::kCorrupt, where, ": regions ", i + 1, ": label: expected '", base::printable(first),
               "' as the first one's, got '", base::printable(label), "'");
  }
}

void add_objects(const CanonicalSample& sample, OwnQuestion::Task task, const std::string& where,
                 OwnPicture& picture) {
  check_objects(sample, where);
  OwnQuestion question;
  question.task = task;
  question.where = where;
  question.text = sample.turns.empty()
                      ? trimmed(sample.regions.front().label, where)
                      : trimmed(sample.turns.front().question, base::cat(where, ": turns 1: q"));
  for (const CanonicalRegion& region : sample.regions) {
    if (task == OwnQuestion::Task::kPoint) {
      question.points.push_back(point_of(region));
    } else if (region.box) {
      const auto [x_min, y_min, x_max, y_max] = *region.box;
      question.boxes.push_back({x_min, y_min, x_max, y_max});
    } else {
      base::fail(ErrorCode::kCorrupt, where, ": regions: expected boxes");
    }
  }
  picture.questions.push_back(std::move(question));
}

void add_sample(const data::JsonRow& row, SetBuilder& to) {
  const std::string& where = row.where();
  OwnPicture& picture = to.picture(row.object("image").text("file"), /*upright=*/false, where);
  const CanonicalSample sample = data::canonical_sample(row);
  if (sample.width > 0) set_size(picture, sample.width, sample.height, where);
  using Task = OwnQuestion::Task;
  if (sample.task == "query") return add_text(sample, Task::kQuery, where, picture);
  if (sample.task == "caption") return add_text(sample, Task::kCaption, where, picture);
  add_objects(sample, sample.task == "detect" ? Task::kDetect : Task::kPoint, where, picture);
}

}  // namespace

void read_lines(const OwnFile& file, SetBuilder& to) {
  data::ByteSource source(file.path);
  data::Reading reading;
  std::int64_t without = 0;
  data::each_line(
      source, data::FileKind::kUnknown,
      [&](const data::JsonRow& row, std::uint64_t) {
        if (!row.has("conversations")) {
          add_sample(row, to);
        } else if (!add_conversation(row, to)) {
          ++without;
        }
      },
      reading);
  if (without > 0) to.note(base::cat(source.name(), ": ", without, " lines without a picture were left out"));
}

}  // namespace moonbeam::train
