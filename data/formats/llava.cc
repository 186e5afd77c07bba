#include "data/formats/llava.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "data/formats/json_rows.h"

namespace moonbeam::data {

namespace {

using base::cat;
using Json = nlohmann::ordered_json;

constexpr std::string_view kMark = "<image>";
constexpr std::string_view kSpace = " \t\r\n\f\v";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

enum class Speaker { kHuman, kModel, kSystem };

Speaker speaker_of(const JsonRow& turn) {
  const std::string from = turn.text("from");
  if (from == "human" || from == "user") return Speaker::kHuman;
  if (from == "gpt" || from == "assistant") return Speaker::kModel;
  if (from == "system") return Speaker::kSystem;
  turn.fail("from", "human or gpt");
}

/// The turn's text without the mark of the picture, which stands once and in the first turn.
std::string text_of(const JsonRow& turn, bool first) {
  std::string text = turn.text("value");
  if (const std::size_t at = text.find(kMark); at != std::string::npos) {
    text.erase(at, kMark.size());
    if (!first || text.find(kMark) != std::string::npos) {
      turn.fail_with(Reason::kBadValue, cat("expected ", kMark, " once and in the first turn"));
    }
  }
  return std::string(trimmed(text));
}

/// "7", of an id that is text or a number.
std::string id_of(const JsonRow& row) {
  if (!row.has("id")) return "";
  const nlohmann::json& id = row.value()["id"];
  return id.is_number_integer() ? id.dump() : row.text("id");
}

void read_turns(const JsonRow& row, LlavaRow& out) {
  bool asked = false, first = true;
  for (const JsonRow& turn : row.rows("conversations")) {
    const Speaker speaker = speaker_of(turn);
    if (speaker == Speaker::kSystem) continue;
    if ((speaker == Speaker::kModel) != asked) turn.fail("from", asked ? "gpt" : "human");
    const std::string text = text_of(turn, first);
    const bool picture_alone = first && out.picture && speaker == Speaker::kHuman;
    if (text.empty() && !picture_alone) turn.fail_with(Reason::kBadValue, "expected text, got an empty one");
    if (speaker == Speaker::kHuman) {
      out.turns.push_back({text, "", turn.where()});
    } else {
      out.turns.back().answer = text;
    }
    asked = speaker == Speaker::kHuman;
    first = false;
  }
  if (asked || first) row.fail_with(Reason::kBadValue, "conversations: expected an answer at the end");
}

/// Instructions of data sets with short answers; they stand at the end of a question.
bool asks_to_be_brief(std::string_view question) {
  constexpr std::array kInstructions = {"a word or phrase", "a single word",  "one word",
                                        "option's letter",  "answer briefly", "short answer"};
  std::string lower(question);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return std::any_of(kInstructions.begin(), kInstructions.end(),
                     [&](const char* one) { return lower.find(one) != std::string::npos; });
}

}  // namespace

LlavaRow llava_row(const JsonRow& row) {
  row.count_keys("row", {"conversations"}, {"id", "image"});
  LlavaRow out;
  out.id = id_of(row);
  if (row.has("image")) {
    out.picture = row.text("image");
    if (out.picture->empty()) row.fail("image", "the name of a file");
  }
  read_turns(row, out);
  return out;
}

void read_llava(ByteSource& source, const UseLlava& use, Reading& reading) {
  each_row(
      source, {FileKind::kLlava, {""}},
      [&](std::string_view, const JsonRow& row, std::uint64_t) { use(llava_row(row), row.where()); },
      reading);
}

void read_llava_lines(ByteSource& source, const UseLlava& use, Reading& reading) {
  each_line(
      source, FileKind::kLlavaLines,
      [&](const JsonRow& row, std::uint64_t) { use(llava_row(row), row.where()); }, reading);
}

LlavaWriter::LlavaWriter(const std::string& path) : file_(path) {}

void LlavaWriter::add(const LlavaRow& row) {
  if (row.turns.empty()) {
    base::fail(ErrorCode::kInvalidArgument, "LLaVA: row '", base::printable(row.id),
               "': expected a turn at least");
  }
  Json json = {{"id", row.id}};
  if (row.picture) json["image"] = *row.picture;
  Json turns = Json::array();
  for (const LlavaTurn& turn : row.turns) {
    std::string question = turn.question;
    if (row.picture && turns.empty()) {
      question = question.empty() ? std::string(kMark) : cat(kMark, "\n", question);
    }
    turns.push_back({{"from", "human"}, {"value", question}});
    turns.push_back({{"from", "gpt"}, {"value", turn.answer}});
  }
  json["conversations"] = std::move(turns);
  std::string text;
  try {
    text = json.dump();
  } catch (const Json::exception&) {
    base::fail(ErrorCode::kInvalidArgument, "LLaVA: row '", base::printable(row.id),
               "': expected text in UTF-8");
  }
  file_.write(first_ ? "[\n" : ",\n");
  file_.write(text);
  first_ = false;
}

void LlavaWriter::commit() {
  file_.write(first_ ? "[]\n" : "\n]\n");
  file_.commit();
}

CanonicalSample canonical_of(const LlavaRow& row) {
  CanonicalSample out;
  const bool caption = row.turns.size() == 1 && row.turns[0].question.empty();
  out.id = cat("llava:", row.id, "#", caption ? "caption" : "query");
  out.picture = out.file = row.picture.value_or("");
  out.task = caption ? "caption" : "query";
  out.type = "what";
  out.polarity = "pos";
  for (const LlavaTurn& turn : row.turns) {
    out.turns.push_back({turn.question, turn.answer, asks_to_be_brief(turn.question) ? "short" : "sentence"});
  }
  return out;
}

}  // namespace moonbeam::data
