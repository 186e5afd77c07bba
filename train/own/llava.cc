// LLaVA's conversations. A model of ours answers one question at a time, so each pair of turns is a question
// by itself.
#include "data/formats/llava.h"

#include "base/error.h"
#include "data/formats/json_rows.h"
#include "train/own/set_builder.h"

namespace moonbeam::train {

bool add_conversation(const data::JsonRow& row, SetBuilder& to) {
  if (!row.has("image")) return false;
  OwnPicture& picture = to.picture(row.text("image"), /*upright=*/true, row.where());
  const data::LlavaRow conversation = data::llava_row(row);
  for (const data::LlavaTurn& turn : conversation.turns) {
    OwnQuestion question;
    // The picture and nothing else: a caption.
    if (turn.question.empty()) question.task = OwnQuestion::Task::kCaption;
    question.text = turn.question;
    question.answer = turn.answer;
    question.where = turn.where;
    picture.questions.push_back(std::move(question));
  }
  return true;
}

void read_llava(const OwnFile& file, SetBuilder& to) {
  data::ByteSource source(file.path);
  data::Reading reading;
  std::int64_t without = 0;
  data::each_row(
      source, {data::FileKind::kLlava, {""}},
      [&](std::string_view, const data::JsonRow& row, std::uint64_t) {
        if (!add_conversation(row, to)) ++without;
      },
      reading);
  if (without > 0) to.note(base::cat(source.name(), ": ", without, " rows without a picture were left out"));
}

}  // namespace moonbeam::train
