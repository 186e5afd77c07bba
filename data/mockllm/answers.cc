#include "data/mockllm/answers.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/hash64.h"
#include "data/llm/json_text.h"
#include "data/llm/schema.h"

namespace moonbeam::mockllm {

namespace {

constexpr std::size_t kDimensions = 64;

std::uint64_t hash_of(std::string_view text) {
  return base::hash64(std::as_bytes(std::span(text.data(), text.size())));
}

/// "Is there a dog?" of the prompt's last line with a question mark, where the input names none.
std::string question_in(const Question& question) {
  if (question.input.is_object() && question.input.contains("question") &&
      question.input["question"].is_string()) {
    return question.input["question"];
  }
  const std::string_view text = question.prompt;
  const std::size_t mark = text.rfind('?');
  if (mark == std::string_view::npos) return std::string(text);
  const std::size_t start = text.find_last_of("\n.?", mark - 1);
  return std::string(text.substr(start == std::string_view::npos ? 0 : start + 1,
                                 mark - (start == std::string_view::npos ? 0 : start + 1) + 1));
}

std::string sha_in(const Question& question) {
  if (question.input.is_object() && question.input.contains("sha256") &&
      question.input["sha256"].is_string()) {
    return question.input["sha256"];  // a cut of a picture names its whole
  }
  return question.pictures.empty() ? "" : question.pictures.back();
}

std::string answer_by(const std::vector<TrueObject>* scene, const std::string& asked,
                      const Question& question, std::uint64_t salt, double error) {
  std::string answer = scene == nullptr ? "unknown" : true_answer(*scene, asked);
  if (question.has(Fault::kYes)) answer = "yes";
  if (answer != "unknown" && draw(0, question.content, salt) < error) {
    answer = wrong_answer(answer, question.content);
  }
  return answer;
}

Json answer_about_picture(const Question& question, const Truth& truth, double error) {
  const std::vector<TrueObject>* scene = truth.find(sha_in(question));
  if (question.input.is_object() && question.input.contains("questions")) {
    Json answers = Json::array();
    std::uint64_t salt = 7;
    for (const Json& one : question.input["questions"]) {
      answers.push_back({{"id", one.value("id", "")},
                         {"reason", "by the truth of the scene"},
                         {"answer", answer_by(scene, one.value("q", ""), question, salt++, error)}});
    }
    return {{"answers", answers}};
  }
  const std::string answer = answer_by(scene, question_in(question), question, 7, error);
  if (question.schema.is_null()) return answer == "unknown" ? "I cannot tell." : sentence(answer) + ".";
  return {{"reason", "by the truth of the scene"}, {"answer", answer}};
}

/// Only what the schema knows, so that an answer may say more than one stage wants to hear.
void prune(Json& value, const llm::OrderedJson& schema) {
  if (value.is_object() && schema.contains("properties")) {
    for (auto at = value.begin(); at != value.end();) {
      if (const auto known = schema["properties"].find(at.key()); known == schema["properties"].end()) {
        at = value.erase(at);
      } else {
        prune(*at, *known);
        ++at;
      }
    }
  } else if (value.is_array() && schema.contains("items")) {
    if (schema.contains("maxItems")) {
      const auto most = schema["maxItems"].get<std::size_t>();
      while (value.size() > most) value.erase(value.size() - 1);
    }
    for (Json& one : value) prune(one, schema["items"]);
  }
}

}  // namespace

Json machine_part(std::string_view prompt) {
  constexpr std::string_view kOpen = "<input>", kClose = "</input>";
  const std::size_t close = prompt.rfind(kClose);
  if (close == std::string_view::npos) return nullptr;
  const std::size_t open = prompt.rfind(kOpen, close);
  if (open == std::string_view::npos) return nullptr;
  const std::size_t start = open + kOpen.size();
  return llm::parse_bounded(prompt.substr(start, close - start)).value_or(Json());
}

Json answer_to(const Question& question, const Truth& truth, double truth_error) {
  Json value;
  try {
    if (!question.pictures.empty() || (question.input.is_object() && question.input.contains("sha256"))) {
      value = answer_about_picture(question, truth, truth_error);
    } else if (question.input.is_object()) {
      value = answer_reading(question);
      if (value.is_null()) value = answer_writing(question);
      if (value.is_null()) value = answer_checking(question);
    }
  } catch (const Json::exception&) {
    value = nullptr;  // an input of another form than its stage's
  }
  if (question.schema.is_null()) {
    if (value.is_null()) return "This is a mock's answer " + std::to_string(question.content % 100'000) + ".";
    return value;
  }
  if (value.is_object()) prune(value, question.schema);
  if (value.is_null() || !llm::schema_fault(value, question.schema).empty()) {
    return fill_schema(question.schema, question.content);
  }
  return value;
}

Json fill_schema(const llm::OrderedJson& schema, std::uint64_t content) {
  if (schema.contains("const")) return Json(schema["const"]);
  if (schema.contains("enum")) return Json(schema["enum"][content % schema["enum"].size()]);
  const std::string type = schema.value("type", "string");
  if (type == "object") {
    Json out = Json::object();
    std::uint64_t i = 0;
    for (const auto& [name, part] : schema["properties"].items()) {
      out[name] = fill_schema(part, llm::mix(content, ++i));
    }
    return out;
  }
  if (type == "array") {
    const std::size_t least = schema.value("minItems", std::size_t{1});
    Json out = Json::array();
    for (std::size_t i = 0; i < std::min(least, schema.value("maxItems", least)); ++i) {
      out.push_back(fill_schema(schema["items"], llm::mix(content, i)));
    }
    return out;
  }
  if (type == "integer" || type == "number") {
    return schema.value("minimum", 0) + static_cast<int>(content % 3);
  }
  if (type == "boolean") return content % 2 == 0;
  if (type == "null") return nullptr;
  std::string text = "mock " + std::to_string(content % 1000);
  if (schema.contains("maxLength"))
    text.resize(std::min(text.size(), schema["maxLength"].get<std::size_t>()));
  return text;
}

std::vector<float> embed(std::string_view text) {
  std::vector<double> sums(kDimensions);
  const auto add = [&](std::string_view part, double weight) {
    const std::uint64_t hash = hash_of(part);
    sums[hash % kDimensions] += (hash >> 32) % 2 == 0 ? weight : -weight;
  };
  const std::string small = lower(text);
  for (const Word& word : words_of(small)) add(word.text, 1);
  for (std::size_t i = 0; i + 3 <= small.size(); ++i) add(std::string_view(small).substr(i, 3), 0.3);
  double squares = 0;
  for (const double one : sums) squares += one * one;
  if (squares == 0) sums[0] = squares = 1;
  std::vector<float> out;
  for (const double one : sums) out.push_back(static_cast<float>(one / std::sqrt(squares)));
  return out;
}

}  // namespace moonbeam::mockllm
