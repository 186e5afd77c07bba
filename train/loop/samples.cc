#include "train/loop/samples.h"

#include <moonbeam/model.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace moonbeam::train {

namespace {

std::string box_text(const std::vector<Box>& boxes) {
  std::string out;
  for (const Box& box : boxes) {
    out += out.empty() ? "" : "; ";
    for (const double value : {box.x_min, box.y_min, box.x_max, box.y_max}) {
      out += base::cat(out.empty() || out.ends_with(' ') ? "" : " ", base::format_decimal(value, 2));
    }
  }
  return out.empty() ? "none" : out;
}

constexpr int kMostTokens = 96;

std::string point_text(const std::vector<Point>& points) {
  std::string out;
  for (const Point& point : points) {
    out += base::cat(out.empty() ? "" : "; ", base::format_decimal(point.x, 2), " ",
                     base::format_decimal(point.y, 2));
  }
  return out.empty() ? "none" : out;
}

Answered ask_model(const Model& model, const EncodedImage& image, const OwnQuestion& question) {
  using Task = OwnQuestion::Task;
  constexpr const char* kLengths[] = {"short", "normal", "long"};
  constexpr const char* kTasks[] = {"query", "caption", "detect", "point"};
  Answered out;
  out.task = kTasks[static_cast<std::size_t>(question.task)];
  out.prompt = question.text;
  out.truth = question.answer;
  if (question.task == Task::kCaption) {
    CaptionOptions options;
    options.max_tokens = kMostTokens;
    options.length = question.length;
    out.prompt = kLengths[static_cast<std::size_t>(question.length)];
    out.answer = model.caption(image, options).caption;
  } else if (question.task == Task::kDetect) {
    out.boxes = model.detect(image, question.text);
    out.answer = box_text(out.boxes);
    out.truth = box_text(question.boxes);
  } else if (question.task == Task::kPoint) {
    out.points = model.point(image, question.text);
    out.answer = point_text(out.points);
    out.truth = point_text(question.points);
  } else {
    QueryOptions options;
    options.max_tokens = kMostTokens;
    out.answer = model.query(image, question.text, options).answer;
  }
  return out;
}

Answered ask_model(const Model& model, const EncodedImage& image, const data::Scene& scene,
                   const data::Question& question) {
  Answered out;
  out.scene = scene.key.index;
  out.prompt = question.text;
  out.truth = question.answer;
  TextOptions text;
  text.max_tokens = kMostTokens;
  if (question.kind == data::Kind::kCaption) {
    constexpr const char* kLengths[] = {"short", "normal", "long"};
    CaptionOptions options;
    static_cast<TextOptions&>(options) = text;
    options.length = question.length;
    out.task = "caption";
    out.prompt = kLengths[static_cast<std::size_t>(question.length)];
    out.answer = model.caption(image, options).caption;
  } else if (question.kind == data::Kind::kDetect) {
    std::vector<Box> truth;
    for (const int object : question.targets) truth.push_back(data::unit_box(scene, object));
    out.task = "detect";
    out.boxes = model.detect(image, question.text);
    out.answer = box_text(out.boxes);
    out.truth = box_text(truth);
  } else {
    QueryOptions options;
    static_cast<TextOptions&>(options) = text;
    out.task = "query";
    out.answer = model.query(image, question.text, options).answer;
  }
  return out;
}

}  // namespace

std::string Answered::json() const {
  nlohmann::ordered_json value = {{"scene", scene}, {"stage", stage},   {"classes", classes},
                                  {"task", task},   {"prompt", prompt}, {"answer", answer},
                                  {"truth", truth}};
  if (!picture.empty()) value["picture"] = picture;
  for (const Box& box : boxes) value["boxes"].push_back({box.x_min, box.y_min, box.x_max, box.y_max});
  for (const Point& point : points) value["points"].push_back({point.x, point.y});
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<Answered> answer_samples(const std::string& folder, const PictureSources& sources,
                                     const Stage& stage, int classes, std::uint64_t index) {
  const data::Scene scene = draw_scene(sources.assets, stage, classes, data::Split::kValSeed, index);
  LoadOptions load;
  load.mode = Mode::kF32;
  const Model model = Model::load(folder, load);
  const EncodedImage image = model.encode_image(scene.image);
  std::vector<Answered> out;
  int captions = 0, detections = 0, questions = 0;
  for (const data::Question& question : ask_about(sources.assets, stage, classes, scene)) {
    if (question.kind == data::Kind::kPoint) continue;
    int& asked = question.kind == data::Kind::kCaption  ? captions
                 : question.kind == data::Kind::kDetect ? detections
                                                        : questions;
    if (asked >= (&asked == &questions ? 2 : 1)) continue;
    ++asked;
    out.push_back(ask_model(model, image, scene, question));
    out.back().stage = stage.name;
    out.back().classes = classes;
  }
  return out;
}

std::vector<Answered> answer_own_samples(const std::string& folder, const PictureSources& sources,
                                         const Stage& stage, std::uint64_t turn) {
  constexpr std::size_t kMost = 4;
  const OwnPicture& picture = sources.own->shown(turn);
  LoadOptions load;
  load.mode = Mode::kF32;
  const Model model = Model::load(folder, load);
  const EncodedImage image = model.encode_image(load_own_image(picture));
  std::vector<Answered> out;
  for (std::size_t i = 0; i < std::min(kMost, picture.questions.size()); ++i) {
    out.push_back(ask_model(model, image, picture.questions[i]));
    out.back().stage = stage.name;
    out.back().picture = picture.path;
  }
  return out;
}

}  // namespace moonbeam::train
