#include "train/report/run_log.h"

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace moonbeam::train {

using nlohmann::json;

namespace {

constexpr std::size_t kLargestLog = std::size_t{1} << 32;

void add_numbers(const json& object, const std::string& prefix, double step,
                 std::map<std::string, RunLog::Points>& to) {
  for (const auto& [key, value] : object.items()) {
    if (key == "step") continue;
    if (value.is_number()) to[prefix + key].emplace_back(step, value.get<double>());
    if (value.is_object()) add_numbers(value, prefix + key + ".", step, to);
  }
}

Sample sample_of(const json& value, std::int64_t step) {
  Sample sample;
  sample.step = step;
  sample.scene = value.value("scene", std::uint64_t{0});
  sample.picture = value.value("picture", "");
  sample.stage = value.value("stage", "");
  sample.classes = value.value("classes", 0);
  sample.task = value.value("task", "");
  sample.prompt = value.value("prompt", "");
  sample.answer = value.value("answer", "");
  sample.truth = value.value("truth", "");
  for (const json& box : value.value("boxes", json::array())) {
    sample.boxes.push_back({box.at(0), box.at(1), box.at(2), box.at(3)});
  }
  for (const json& point : value.value("points", json::array())) {
    sample.points.push_back({point.at(0), point.at(1)});
  }
  return sample;
}

void read_line(const json& line, RunLog& log, std::string& stage) {
  const auto step = line.value("step", std::int64_t{0});
  const auto x = static_cast<double>(step);
  if (line.contains("sample")) {
    log.samples.push_back(sample_of(line["sample"], step));
  } else if (line.contains("validation")) {
    add_numbers(line["validation"], "", x, log.validation);
  } else if (line.contains("classes")) {
    log.marks.emplace_back(x, std::to_string(line["classes"].get<int>()) + " classes");
  } else {
    const std::string name = line.value("stage", stage);
    if (name != stage) log.marks.emplace_back(x, name);
    stage = name;
    log.seconds = line.value("seconds", log.seconds);
    add_numbers(line, "", x, log.training);
  }
}

}  // namespace

RunLog read_run_log(const std::string& path) {
  const std::string text = base::read_file(path, kLargestLog);
  RunLog log;
  std::string stage;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const json line = json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!line.is_object()) continue;
    try {
      read_line(line, log, stage);
    } catch (const json::exception&) {
    }
  }
  return log;
}

}  // namespace moonbeam::train
