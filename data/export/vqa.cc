// Questions in the shapes of VQAv2, GQA, TextVQA, TallyQA and LLaVA (data.md 2.10 to 2.12, 2.16, 2.19).
#include "data/export/format.h"
#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr std::uint64_t kMostOfImage = 100;  // questions: ids are image id * this + number

bool is_text(const Question& question) {
  return question.kind != Kind::kDetect && question.kind != Kind::kPoint && question.kind != Kind::kCaption;
}

/// Calls use(question, id) for the questions of a scene that `wanted` takes.
template <typename Wanted, typename Use>
void each(const SceneRow& row, Wanted wanted, Use use) {
  std::uint64_t number = 0;
  for (const Question& question : row.questions) {
    ++number;
    if (wanted(question)) use(question, row.id() * kMostOfImage + number);
  }
}

std::string first_words(const std::string& text, int count) {
  std::size_t end = 0;
  for (int i = 0; i < count && end != std::string::npos; ++i) end = text.find(' ', end + 1);
  return lowered(text.substr(0, end));
}

// VQAv2.

std::vector<ExportFile> vqa_files(const SetInfo& set) {
  const Json head = {
      {"task_type", "Open-Ended"}, {"data_type", "moonscenes"}, {"data_subtype", name(set.split)}};
  const std::string open = head.dump().substr(0, head.dump().size() - 1);
  return {json_file("vqav2/questions.json", open + ",\"questions\":[\n", 0, "]}\n"),
          json_file("vqav2/annotations.json", open + ",\"annotations\":[\n", 1, "]}\n")};
}

void add_vqa(const SceneRow& row, Lines& out) {
  each(row, is_text, [&](const Question& question, std::uint64_t id) {
    add_line(out[0], {{"image_id", row.id()}, {"question", question.plain}, {"question_id", id}});
    Json answers = Json::array();
    for (int i = 1; i <= 10; ++i) {
      answers.push_back({{"answer", question.short_answer}, {"answer_confidence", "yes"}, {"answer_id", i}});
    }
    add_line(out[1], {{"question_id", id},
                      {"image_id", row.id()},
                      {"question_type", first_words(question.plain, 2)},
                      {"answer_type", question.kind == Kind::kExist   ? "yes/no"
                                      : question.kind == Kind::kCount ? "number"
                                                                      : "other"},
                      {"multiple_choice_answer", question.short_answer},
                      {"answers", answers}});
  });
}

// GQA: an object by question id, and scene graphs by image id.

std::vector<ExportFile> gqa_files(const SetInfo& set) {
  const std::string split(name(set.split));
  return {json_file("gqa/" + split + "_balanced_questions.json", "{\n", 0, "}\n"),
          json_file("gqa/" + split + "_sceneGraphs.json", "{\n", 1, "}\n")};
}

void add_pair(std::string& stream, const std::string& key, const Json& value) {
  stream += Json(key).dump() + ":" + value.dump() + "\n";
}

struct GqaType {
  const char *structural, *semantic, *detailed;
};
GqaType gqa_type(const Question& question) {
  switch (question.kind) {
    case Kind::kExist:
      return {"verify", "obj", "exist"};
    case Kind::kCount:
      return {"query", "obj", "count"};
    case Kind::kColour:
      return {"query", "attr", "colorQuery"};
    case Kind::kRelation:
      return question.plain.find(" or ") != std::string::npos ? GqaType{"choose", "rel", "positionChoose"}
                                                              : GqaType{"query", "rel", "relO"};
    case Kind::kName:
      return {"query", "global", "place"};
    default:
      return {"query", "global", "other"};
  }
}

Json scene_graph(const SceneRow& row) {
  Json objects = Json::object();
  for (int i = 0; i < static_cast<int>(row.scene.objects.size()); ++i) {
    const SceneObject& object = row.scene.objects[static_cast<std::size_t>(i)];
    Json relations = Json::array(), attributes = Json::array();
    if (object.colour) attributes.push_back(name(*object.colour));
    for (int j = 0; j < static_cast<int>(row.scene.objects.size()); ++j) {
      const double gap = unit_centre(row.scene, i).x - unit_centre(row.scene, j).x;
      if (i == j || (gap < 0.1 && gap > -0.1)) continue;
      relations.push_back(
          {{"object", std::to_string(j)}, {"name", gap < 0 ? "to the left of" : "to the right of"}});
    }
    objects[std::to_string(i)] = {{"name", row.labels[object.label].noun},
                                  {"x", object.box.x_min},
                                  {"y", object.box.y_min},
                                  {"w", object.box.width()},
                                  {"h", object.box.height()},
                                  {"attributes", attributes},
                                  {"relations", relations}};
  }
  return {{"width", row.scene.image.width}, {"height", row.scene.image.height}, {"objects", objects}};
}

void add_gqa(const SceneRow& row, Lines& out) {
  const auto wanted = [](const Question& q) {
    return is_text(q) && q.kind != Kind::kRead && q.kind != Kind::kPremise;
  };
  each(row, wanted, [&](const Question& question, std::uint64_t id) {
    const GqaType type = gqa_type(question);
    const std::string key = std::to_string(id);
    add_pair(out[0], key,
             {{"question", question.plain},
              {"imageId", std::to_string(row.id())},
              {"answer", question.short_answer},
              {"fullAnswer", question.sentence},
              {"isBalanced", true},
              {"types",
               {{"structural", type.structural}, {"semantic", type.semantic}, {"detailed", type.detailed}}},
              {"groups", {{"global", name(question.kind)}, {"local", first_words(question.plain, 3)}}},
              {"entailed", Json::array()},
              {"equivalent", Json::array({key})}});
  });
  add_pair(out[1], std::to_string(row.id()), scene_graph(row));
}

// TextVQA.

std::vector<ExportFile> textvqa_files(const SetInfo& set) {
  const std::string head =
      "{\"dataset_type\":" + Json(name(set.split)).dump() + ",\"dataset_name\":\"moonscenes\",\"data\":[\n";
  return {json_file("textvqa/textvqa.json", head, 0, "]}\n")};
}

void add_textvqa(const SceneRow& row, Lines& out) {
  each(
      row, [](const Question& q) { return q.kind == Kind::kRead; },
      [&](const Question& question, std::uint64_t id) {
        add_line(out[0], {{"question_id", id},
                          {"image_id", std::to_string(row.id())},
                          {"question", question.plain},
                          {"answers", Json(std::vector<std::string>(10, question.short_answer))},
                          {"image_width", row.scene.image.width},
                          {"image_height", row.scene.image.height},
                          {"set_name", name(row.scene.key.split)}});
      });
}

// TallyQA.

std::vector<ExportFile> tally_files(const SetInfo&) {
  return {json_file("tallyqa/tallyqa.json", "[\n", 0, "]\n")};
}

void add_tally(const SceneRow& row, Lines& out) {
  each(
      row, [](const Question& q) { return q.kind == Kind::kCount; },
      [&](const Question& question, std::uint64_t id) {
        add_line(out[0], {{"image", row.file},
                          {"image_id", row.id()},
                          {"question_id", id},
                          {"question", question.plain},
                          {"answer", question.targets.size()},
                          {"data_source", "moonscenes"},
                          {"issimple", !question.colour}});
      });
}

// LLaVA: one conversation a picture.

std::vector<ExportFile> llava_files(const SetInfo&) {
  return {json_file("llava/llava.json", "[\n", 0, "]\n")};
}

std::string llava_prompt(const Question& question) {
  if (question.kind != Kind::kCaption) return question.text;
  return question.length == CaptionLength::kShort  ? "Describe the picture in a few words."
         : question.length == CaptionLength::kLong ? "Describe the picture in detail."
                                                   : "Describe the picture.";
}

void add_llava(const SceneRow& row, Lines& out) {
  Json turns = Json::array();
  for (const Question& question : row.questions) {
    if (question.kind == Kind::kDetect || question.kind == Kind::kPoint) continue;
    turns.push_back(
        {{"from", "human"}, {"value", (turns.empty() ? "<image>\n" : "") + llava_prompt(question)}});
    turns.push_back({{"from", "gpt"}, {"value", question.answer}});
  }
  if (turns.empty()) return;
  add_line(out[0], {{"id", std::to_string(row.id())}, {"image", row.file}, {"conversations", turns}});
}

}  // namespace

const Format kVqaV2 = {"vqav2", 2, false, vqa_files, add_vqa};
const Format kGqa = {"gqa", 2, false, gqa_files, add_gqa};
const Format kTextVqa = {"textvqa", 1, false, textvqa_files, add_textvqa};
const Format kTallyQa = {"tallyqa", 1, false, tally_files, add_tally};
const Format kLlava = {"llava", 1, false, llava_files, add_llava};

}  // namespace moonbeam::data
