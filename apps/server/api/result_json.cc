#include "server/api/result_json.h"

#include <utility>

namespace moonbeam::server {

namespace {

JsonOut box_json(const Box& box) {
  return {{"x_min", rounded(box.x_min)},
          {"y_min", rounded(box.y_min)},
          {"x_max", rounded(box.x_max)},
          {"y_max", rounded(box.y_max)}};
}

JsonOut point_json(const Point& point) {
  return {{"x", rounded(point.x)}, {"y", rounded(point.y)}};
}

struct ResultJson {
  JsonOut operator()(const CaptionResult& result) const { return {{"caption", result.caption}}; }
  JsonOut operator()(const QueryResult& result) const {
    JsonOut out = {{"answer", result.answer}};
    if (result.reasoning) out["reasoning"] = reasoning_json(*result.reasoning);
    return out;
  }
  JsonOut operator()(const DetectResult& result) const {
    JsonOut objects = JsonOut::array();
    for (const Box& box : result.objects) objects.push_back(box_json(box));
    return {{"objects", std::move(objects)}};
  }
  JsonOut operator()(const PointResult& result) const {
    JsonOut points = JsonOut::array();
    for (const Point& point : result.points) points.push_back(point_json(point));
    return {{"points", std::move(points)}, {"count", result.points.size()}};
  }
};

}  // namespace

JsonOut grounding_json(const Reasoning& reasoning) {
  JsonOut out = JsonOut::array();
  for (const Grounding& found : reasoning.grounding) {
    JsonOut points = JsonOut::array();
    for (const Point& point : found.points) points.push_back({rounded(point.x), rounded(point.y)});
    out.push_back(
        {{"start_idx", found.start_idx}, {"end_idx", found.end_idx}, {"points", std::move(points)}});
  }
  return out;
}

JsonOut reasoning_json(const Reasoning& reasoning) {
  return {{"text", reasoning.text}, {"grounding", grounding_json(reasoning)}};
}

JsonOut result_json(const decltype(Outcome::result)& result) {
  return std::visit(ResultJson{}, result);
}

}  // namespace moonbeam::server
