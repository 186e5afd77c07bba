// What evaluate_scenes() found, for people and for tools.
#include <moonbeam/version.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "eval/scenes/scenes.h"

namespace moonbeam::eval {

namespace {

using Json = nlohmann::ordered_json;

struct MeasureInfo {
  std::string_view name, words;
  bool in_line = true;  ///< a key of the line of JSON
};
constexpr std::array<MeasureInfo, kMeasures> kInfo = {{
    {"exist", "exist, yes or no"},
    {"exist_yes_ratio", "exist, share of yes"},
    {"absent_yes", "absent thing, answered yes (low)", false},
    {"count", "count, 1 to 5"},
    {"name", "name by place"},
    {"colour", "colour"},
    {"relation", "left, right, above, below"},
    {"detect_f1", "detect, F1 at IoU 0.5"},
    {"absent_boxes", "absent thing, boxes given (low)"},
    {"point", "point inside the box, recall"},
    {"premise", "false premise refused"},
    {"caption_precision", "caption objects, precision"},
    {"caption_recall", "caption objects, recall"},
}};

const MeasureInfo& info(Measure measure) {
  return kInfo[static_cast<std::size_t>(measure)];
}

double rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 10000 + 0.5)) / 10000;
}

/// "97.4" right-aligned in `width`; "-" where nothing was asked.
std::string cell(double value, bool there, int width) {
  std::array<char, 32> text{};
  if (there) {
    std::snprintf(text.data(), text.size(), "%*.1f", width, 100 * value);
  } else {
    std::snprintf(text.data(), text.size(), "%*s", width, "-");
  }
  return text.data();
}

}  // namespace

std::string_view name(Measure measure) {
  return info(measure).name;
}
std::string_view words(Measure measure) {
  return info(measure).words;
}

std::string report_json(const ScenesReport& report) {
  Json json = {{"split", report.split}, {"n", report.scenes}};
  for (int i = 0; i < kMeasures; ++i) {
    const auto measure = static_cast<Measure>(i);
    if (!info(measure).in_line) continue;
    const Rate& rate = report.rate(measure);
    json[std::string(name(measure))] = rate.trials() > 0 ? Json(rounded(rate.value())) : Json();
  }
  return json.dump() + "\n";
}

std::string report_table(const std::vector<ScenesReport>& reports) {
  constexpr int kFirst = 34, kColumn = 16;
  std::string text = "measure, %";
  text.resize(kFirst, ' ');
  text += "   guess";
  for (const ScenesReport& report : reports) {
    text += std::string(kColumn - std::min<std::size_t>(kColumn, report.split.size()), ' ') + report.split;
  }
  text += "\n";
  for (int i = 0; i < kMeasures; ++i) {
    const auto measure = static_cast<Measure>(i);
    std::string row(words(measure));
    row.resize(kFirst, ' ');
    const double guess = reports.empty() ? -1 : reports.front().guess[static_cast<std::size_t>(i)];
    row += cell(guess, guess >= 0, 8);
    for (const ScenesReport& report : reports) {
      const Rate& rate = report.rate(measure);
      const Interval interval = rate.interval();
      row += cell(rate.value(), rate.trials() > 0, 8);
      std::array<char, 16> half{};
      std::snprintf(half.data(), half.size(), " +-%4.1f", 50 * (interval.high - interval.low));
      row += rate.trials() > 0 ? std::string(half.data()) + " " : std::string(8, ' ');
    }
    while (row.ends_with(' ')) row.pop_back();
    text += row + "\n";
  }
  return text;
}

std::string acceptance_json(const std::vector<ScenesReport>& reports, const ModelInfo& model,
                            const ScenesOptions& options) {
  Json splits = Json::array();
  for (const ScenesReport& report : reports) {
    Json measures = Json::object();
    for (int i = 0; i < kMeasures; ++i) {
      const auto measure = static_cast<Measure>(i);
      const Rate& rate = report.rate(measure);
      if (rate.trials() <= 0) continue;
      const Interval interval = rate.interval();
      const double guess = report.guess[static_cast<std::size_t>(i)];
      measures[std::string(name(measure))] = {{"value", rounded(rate.value())},
                                              {"low", rounded(interval.low)},
                                              {"high", rounded(interval.high)},
                                              {"guess", guess >= 0 ? Json(rounded(guess)) : Json()},
                                              {"trials", rate.trials()}};
    }
    splits.push_back({{"split", report.split}, {"n", report.scenes}, {"measures", measures}});
  }
  const Json json = {{"model", model.name},
                     {"variant", model.variant},
                     {"dtype", model.dtype},
                     {"mode", model.mode},
                     {"parameters", model.parameters},
                     {"engine", "moonbeam " + std::string(version())},
                     {"decoding", "greedy"},
                     {"seed", options.seed},
                     {"classes", options.scene.classes},
                     {"width", options.scene.width},
                     {"height", options.scene.height},
                     {"questions", options.plain             ? "plain"
                                   : options.questions.noise ? "three in ten with slips"
                                                             : "as trained"},
                     {"splits", splits}};
  return json.dump(1) + "\n";
}

}  // namespace moonbeam::eval
