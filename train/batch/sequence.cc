#include "train/batch/sequence.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "region/region.h"

namespace moonbeam::train {

namespace {

void append_tokens(Sequence& to, std::span<const int> ids) {
  for (const int id : ids) to.inputs.push_back({.id = id});
}

int last_row(const Sequence& sequence) {
  return static_cast<int>(sequence.inputs.size()) - 1;
}

/// Writes objects behind a prompt.
class ObjectWriter {
 public:
  ObjectWriter(std::span<const int> prompt, const model::ModelConfig& config, float weight)
      : config_(config) {
    if (!config.region || config.prompts.coord < 0) {
      base::fail(ErrorCode::kUnsupported, "training: the model has no region heads or no coordinate token");
    }
    MB_ASSERT(!prompt.empty());
    append_tokens(out_, prompt);
    out_.weight = weight;
  }

  void begin_object() { out_.tokens.push_back({last_row(out_), config_.prompts.coord}); }

  void coordinate(double value) {
    const region::RegionConfig& region = *config_.region;
    const int bin = region::coordinate_to_bin(region, static_cast<float>(value));
    out_.coordinates.push_back({last_row(out_), bin});
    out_.inputs.push_back(
        {.kind = Input::Kind::kCoordinate, .value = region::bin_to_coordinate(region, bin)});
  }

  void size(double width, double height) {
    const region::RegionConfig& region = *config_.region;
    const int width_bin = region::size_to_bin(region, static_cast<float>(width));
    const int height_bin = region::size_to_bin(region, static_cast<float>(height));
    out_.sizes.push_back({last_row(out_), width_bin, height_bin});
    out_.inputs.push_back({.kind = Input::Kind::kSize,
                           .value = region::bin_to_size(region, width_bin),
                           .height = region::bin_to_size(region, height_bin)});
  }

  Sequence end() {
    out_.tokens.push_back({last_row(out_), config_.prompts.eos});
    return std::move(out_);
  }

 private:
  const model::ModelConfig& config_;
  Sequence out_;
};

}  // namespace

Sequence text_sequence(std::span<const int> prompt, std::span<const int> answer, int eos, float weight) {
  MB_ASSERT(!prompt.empty());
  Sequence out;
  out.weight = weight;
  append_tokens(out, prompt);
  for (const int id : answer) {
    out.tokens.push_back({last_row(out), id});
    out.inputs.push_back({.id = id});
  }
  out.tokens.push_back({last_row(out), eos});
  return out;
}

Sequence detect_sequence(std::span<const int> prompt, std::span<const Box> boxes,
                         const model::ModelConfig& config, float weight) {
  ObjectWriter writer(prompt, config, weight);
  for (const Box& box : boxes) {
    writer.begin_object();
    writer.coordinate((box.x_min + box.x_max) / 2);
    writer.coordinate((box.y_min + box.y_max) / 2);
    writer.size(box.x_max - box.x_min, box.y_max - box.y_min);
  }
  return writer.end();
}

Sequence point_sequence(std::span<const int> prompt, std::span<const Point> points,
                        const model::ModelConfig& config, float weight) {
  ObjectWriter writer(prompt, config, weight);
  for (const Point& point : points) {
    writer.begin_object();
    writer.coordinate(point.x);
    writer.coordinate(point.y);
  }
  return writer.end();
}

void sort_objects(std::vector<Box>& boxes) {
  std::stable_sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    return std::tie(a.y_min, a.x_min) < std::tie(b.y_min, b.x_min);
  });
}

void sort_objects(std::vector<Point>& points) {
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return std::tie(a.y, a.x) < std::tie(b.y, b.x); });
}

}  // namespace moonbeam::train
