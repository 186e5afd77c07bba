#include "train/loop/samples.h"

#include <moonbeam/model.h>

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

Answered ask_model(const Model& model, const EncodedImage& image, const data::Scene& scene,
                   const data::Question& question) {
  Answered out;
  out.scene = scene.key.index;
  out.prompt = question.text;
  out.truth = question.answer;
  TextOptions text;
  text.max_tokens = 96;
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

}  // namespace moonbeam::train
