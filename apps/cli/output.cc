// Answers in the formats of --format. JSON keys follow the HTTP API, so that a program reads both alike.
#include "cli/output.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cli/text.h"
#include "net/json.h"
#include "net/request_id.h"

namespace moonbeam::cli {

namespace {

using Json = net::ShortJson;

/// At most `decimals` after the point; JSON has no NaN.
double rounded(double value, int decimals) {
  if (!std::isfinite(value)) return 0;
  const double scale = std::pow(10.0, decimals);
  const double result = std::round(value * scale) / scale;
  return result == 0 ? 0 : result;  // no "-0.0"
}
double coordinate(double value) {
  return rounded(value, 6);
}
double milliseconds(double value) {
  return rounded(value, 3);
}

Json json_box(const Box& box) {
  return {{"x_min", coordinate(box.x_min)},
          {"y_min", coordinate(box.y_min)},
          {"x_max", coordinate(box.x_max)},
          {"y_max", coordinate(box.y_max)}};
}

Json json_point(const Point& point) {
  return {{"x", coordinate(point.x)}, {"y", coordinate(point.y)}};
}

Json json_reasoning(const Reasoning& reasoning) {
  Json grounding = Json::array();
  for (const Grounding& place : reasoning.grounding) {
    Json points = Json::array();
    for (const Point& point : place.points) points.push_back({coordinate(point.x), coordinate(point.y)});
    grounding.push_back({{"start_idx", place.start_idx}, {"end_idx", place.end_idx}, {"points", points}});
  }
  return {{"text", reasoning.text}, {"grounding", grounding}};
}

Json json_metrics(const Metrics& metrics) {
  Json json = Json::object();
  if (metrics.input_tokens >= 0) json["input_tokens"] = metrics.input_tokens;
  if (metrics.output_tokens >= 0) json["output_tokens"] = metrics.output_tokens;
  json["encode_time_ms"] = milliseconds(metrics.encode_ms);
  json["prefill_time_ms"] = milliseconds(metrics.prefill_ms);
  json["decode_time_ms"] = milliseconds(metrics.decode_ms);
  json["ttft_ms"] = milliseconds(metrics.ttft_ms);
  return json;
}

const char* finish_reason(Finish finish) {
  return finish == Finish::kLength ? "length" : "stop";
}

void put_text_answer(Json& json, const Answer& answer, Task task) {
  json[task == Task::kCaption ? "caption" : "answer"] = answer.text;
  if (answer.reasoning) json["reasoning"] = json_reasoning(*answer.reasoning);
}

/// Sums over several prompts about one picture; its encoder ran once.
Answer together(const std::vector<Answer>& answers) {
  Answer all = answers.front();
  for (std::size_t i = 1; i < answers.size(); ++i) {
    const Metrics& m = answers[i].metrics;
    if (answers[i].finish == Finish::kLength) all.finish = Finish::kLength;
    if (m.input_tokens < 0 || all.metrics.input_tokens < 0) {
      all.metrics.input_tokens = all.metrics.output_tokens = -1;
    } else {
      all.metrics.input_tokens += m.input_tokens;
      all.metrics.output_tokens += m.output_tokens;
    }
    all.metrics.prefill_ms += m.prefill_ms;
    all.metrics.decode_ms += m.decode_ms;
  }
  return all;
}

void put_objects(Json& json, const std::vector<Answer>& answers, Task task) {
  const bool several = answers.size() > 1;
  Json found = Json::array(), names = Json::array();
  const auto add = [&](Json object, const Answer& answer) {
    if (several) object["label"] = answer.prompt;
    found.push_back(std::move(object));
  };
  for (const Answer& answer : answers) {
    names.push_back(answer.prompt);
    for (const Box& box : answer.boxes) add(json_box(box), answer);
    for (const Point& point : answer.points) add(json_point(point), answer);
  }
  json["object"] = several ? names : names.front();
  json[task == Task::kDetect ? "objects" : "points"] = found;
  if (task == Task::kPoint) json["count"] = found.size();
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string numbers(std::initializer_list<double> values, char separator, int decimals) {
  std::string text;
  for (const double value : values) {
    if (!text.empty()) text += separator;
    text += decimals == 4 ? fixed(value, 4) : decimal(value, decimals);
  }
  return text;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// The number that a COCO file name is ("000000397133.jpg", "COCO_val2014_000000000042.jpg"), else place + 1.
std::int64_t coco_image_id(const std::string& name, std::size_t place) {
  std::string stem = std::filesystem::path(name).stem().string();
  if (stem.starts_with("COCO_")) stem = stem.substr(stem.rfind('_') + 1);
  const bool digits =
      !stem.empty() && stem.size() <= 18 && stem.find_first_not_of("0123456789") == std::string::npos;
  return digits ? *parse_int(stem) : static_cast<std::int64_t>(place) + 1;
}

}  // namespace

std::string json_line(const PictureAnswers& picture, Task task, std::string_view options) {
  Json json;
  json["image"] = picture.name.empty() ? Json(nullptr) : Json(picture.name);
  if (!is_valid_utf8(picture.name)) json["image_hex"] = hex(picture.name);
  const Answer all = together(picture.answers);
  switch (task) {
    case Task::kCaption:
      put_text_answer(json, all, task);
      break;
    case Task::kQuery:
      if (picture.answers.size() == 1) {
        json["question"] = all.prompt;
        put_text_answer(json, all, task);
        break;
      }
      json["answers"] = Json::array();
      for (const Answer& answer : picture.answers) {
        Json one = {{"question", answer.prompt}};
        put_text_answer(one, answer, task);
        one["finish_reason"] = finish_reason(answer.finish);
        one["metrics"] = json_metrics(answer.metrics);
        json["answers"].push_back(std::move(one));
      }
      break;
    case Task::kDetect:
    case Task::kPoint:
      put_objects(json, picture.answers, task);
      break;
    case Task::kGaze:
      json["gaze"] = all.points.empty() ? Json(nullptr) : json_point(all.points.front());
      break;
  }
  json["request_id"] = net::new_request_id();
  json["finish_reason"] = finish_reason(all.finish);
  json["metrics"] = json_metrics(all.metrics);
  if (!options.empty()) json["options"] = Json::parse(options);
  return dump(json) + "\n";
}

std::string answer_json(const Answer& answer, Task task) {
  Json json = Json::object();
  if (task == Task::kCaption || task == Task::kQuery) {
    put_text_answer(json, answer, task);
  } else {
    put_objects(json, {answer}, task);
    json.erase("object");
  }
  json["finish_reason"] = finish_reason(answer.finish);
  return dump(json);
}

std::string text_prefix(const PictureAnswers& picture, const Answer& answer, bool with_name,
                        bool with_prompt) {
  std::string prefix;
  if (with_name) prefix += picture.name + ": ";
  if (with_prompt) prefix += answer.prompt + " ";
  return prefix;
}

std::string text_lines(const PictureAnswers& picture, Task task, bool with_name) {
  std::string lines;
  const bool with_prompt = picture.answers.size() > 1;
  for (const Answer& answer : picture.answers) {
    const std::string prefix = text_prefix(picture, answer, with_name, with_prompt);
    if (task == Task::kCaption || task == Task::kQuery)
      lines += prefix + answer.text.substr(std::min(answer.text.size(), answer.text.find_first_not_of(' '))) +
               "\n";
    for (const Box& box : answer.boxes) {
      lines += prefix + numbers({box.x_min, box.y_min, box.x_max, box.y_max}, ' ', 4) + "\n";
    }
    for (const Point& point : answer.points) lines += prefix + numbers({point.x, point.y}, ' ', 4) + "\n";
    if (task == Task::kGaze && answer.points.empty()) lines += prefix + "outside the picture\n";
  }
  return lines;
}

std::string csv_header(Task task) {
  switch (task) {
    case Task::kCaption:
      return "image,caption\n";
    case Task::kQuery:
      return "image,question,answer\n";
    case Task::kDetect:
      return "image,object,x_min,y_min,x_max,y_max\n";
    case Task::kPoint:
      return "image,object,x,y\n";
    case Task::kGaze:
      return "image,x,y\n";
  }
  return {};
}

std::string csv_rows(const PictureAnswers& picture, Task task) {
  std::string rows;
  const std::string name = csv_field(picture.name);
  for (const Answer& answer : picture.answers) {
    const std::string start =
        task == Task::kCaption || task == Task::kGaze ? name : name + "," + csv_field(answer.prompt);
    if (task == Task::kCaption || task == Task::kQuery) rows += start + "," + csv_field(answer.text) + "\n";
    for (const Box& box : answer.boxes) {
      rows += start + "," + numbers({box.x_min, box.y_min, box.x_max, box.y_max}, ',', 6) + "\n";
    }
    for (const Point& point : answer.points) rows += start + "," + numbers({point.x, point.y}, ',', 6) + "\n";
    if (task == Task::kGaze && answer.points.empty()) rows += start + ",,\n";
  }
  return rows;
}

std::string CocoFile::add(const PictureAnswers& picture, std::size_t index) {
  std::string text;
  const std::int64_t image_id = coco_image_id(picture.name, index);
  const auto put = [&](const Json& entry) {
    text += (empty_ ? "[\n" : ",\n") + dump(entry);
    empty_ = false;
  };
  for (const Answer& answer : picture.answers) {
    if (task_ == Task::kCaption) {
      put({{"image_id", image_id}, {"caption", answer.text}, {"file_name", picture.name}});
      continue;
    }
    auto category = std::find(categories_.begin(), categories_.end(), answer.prompt);
    if (category == categories_.end()) category = categories_.insert(category, answer.prompt);
    for (const Box& box : answer.boxes) {
      const double x = box.x_min * picture.width, y = box.y_min * picture.height;
      put({{"image_id", image_id},
           {"category_id", category - categories_.begin() + 1},
           {"bbox",
            {rounded(x, 2), rounded(y, 2), rounded(box.x_max * picture.width - x, 2),
             rounded(box.y_max * picture.height - y, 2)}},
           {"score", 1.0},
           {"file_name", picture.name},
           {"category", answer.prompt}});
    }
  }
  return text;
}

std::string CocoFile::finish() {
  return empty_ ? "[]\n" : "\n]\n";
}

}  // namespace moonbeam::cli
