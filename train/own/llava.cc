// LLaVA's conversations: an array of rows with a picture and turns of "human" and "gpt" in turn. A model of
// ours answers one question at a time, so each pair of turns is a question by itself.
#include "base/error.h"
#include "train/own/json_rows.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

using base::fail;

namespace {

constexpr std::string_view kImage = "<image>";

enum class Speaker { kHuman, kModel, kSystem };

Speaker speaker_of(const Row& turn) {
  const std::string from = turn.text("from");
  if (from == "human" || from == "user") return Speaker::kHuman;
  if (from == "gpt" || from == "assistant") return Speaker::kModel;
  if (from == "system") return Speaker::kSystem;
  turn.fail("from", "human or gpt");
}

/// The turn's text without the mark of the picture, which stands once and in the first turn.
std::string text_of(const Row& turn, bool first) {
  std::string text = turn.text("value");
  const std::size_t at = text.find(kImage);
  if (at == std::string::npos) return text;
  text.erase(at, kImage.size());
  if (!first || text.find(kImage) != std::string::npos) {
    fail(ErrorCode::kCorrupt, turn.where(), ": expected ", kImage, " once and in the first turn");
  }
  return text;
}

OwnQuestion question_of(const Row& turn, bool first) {
  OwnQuestion out;
  const std::string text = text_of(turn, first);
  if (first && text.find_first_not_of(" \t\r\n") == std::string::npos) {
    out.task = OwnQuestion::Task::kCaption;  // the picture and nothing else
  } else {
    out.text = trimmed(text, turn.where());
  }
  out.where = turn.where();
  return out;
}

}  // namespace

bool add_conversation(const Row& row, SetBuilder& to) {
  if (!row.has("image")) return false;
  OwnPicture& picture = to.picture(row.text("image"), /*upright=*/true, row.where());
  bool asked = false, first = true;
  for (const Row& turn : row.rows("conversations")) {
    const Speaker speaker = speaker_of(turn);
    if (speaker == Speaker::kSystem) continue;
    if ((speaker == Speaker::kModel) != asked) turn.fail("from", asked ? "gpt" : "human");
    if (speaker == Speaker::kHuman) {
      picture.questions.push_back(question_of(turn, first));
    } else {
      picture.questions.back().answer = trimmed(text_of(turn, false), turn.where());
    }
    asked = speaker == Speaker::kHuman;
    first = false;
  }
  if (asked || first)
    fail(ErrorCode::kCorrupt, row.where(), ": conversations: expected an answer at the end");
  return true;
}

void read_llava(const OwnFile& file, SetBuilder& to) {
  const std::string name = base::printable(file.path);
  std::int64_t without = 0;
  each_row(file.path, [&](std::string_view, const Json& row, std::int64_t number) {
    if (!add_conversation(Row(row, base::cat(name, ": row ", number)), to)) ++without;
  });
  if (without > 0) to.note(base::cat(name, ": ", without, " rows without a picture were left out"));
}

}  // namespace moonbeam::train
