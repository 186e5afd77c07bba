// A model's summary as text and JSON.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t side : shape) text += (text.size() > 1 ? "," : "") + std::to_string(side);
  return text + "]";
}

void pad(std::string& line, std::size_t column) {
  line.resize(std::max(line.size() + 2, column), ' ');
}

using Json = nlohmann::ordered_json;  // keys in the order of writing

/// Text of a model file: null where it is no JSON, without what lies deeper than ours ever does.
Json shallow_json(const std::string& text) {
  constexpr int kDepth = 8;  // writing is recursive
  const auto keep = [](int depth, Json::parse_event_t, Json&) { return depth < kDepth; };
  Json json = Json::parse(text, keep, false);
  return json.is_discarded() ? Json() : json;
}

/// A line for each file that the model was converted from.
std::vector<std::string> provenance_lines(const std::string& provenance) {
  std::vector<std::string> lines;
  const Json json = shallow_json(provenance);
  if (!json.is_object() || !json.contains("files") || !json["files"].is_array()) return lines;
  for (const Json& file : json["files"]) {
    const auto text = [&](const char* key) {
      return file.is_object() && file.contains(key) && file[key].is_string() ? file[key].get<std::string>()
                                                                             : "";
    };
    if (!text("name").empty()) lines.push_back(printable(text("name") + ", SHA-256 " + text("sha256")));
  }
  return lines;
}

/// Lines of a recipe that say something.
std::vector<std::string_view> lines_of(std::string_view recipe) {
  std::vector<std::string_view> lines;
  while (!recipe.empty()) {
    const std::size_t end = recipe.find('\n');
    const std::string_view line = trim(recipe.substr(0, end));
    if (!line.empty() && line.front() != '#') lines.push_back(line);
    recipe = end == std::string_view::npos ? std::string_view() : recipe.substr(end + 1);
  }
  return lines;
}

Json accuracy_json(const ModelAccuracy& accuracy) {
  Json json = {{"mode", accuracy.mode},
               {"positions", accuracy.positions},
               {"top1", accuracy.top1},
               {"top1_bar", accuracy.top1_bar},
               {"stages", Json::array()}};
  for (const StageAccuracy& stage : accuracy.stages) {
    Json row = {{"stage", stage.stage}, {"error", stage.error}, {"cosine", stage.cosine}};
    if (stage.layer >= 0) row["layer"] = stage.layer;
    if (stage.bar > 0) row["bar"] = stage.bar;
    json["stages"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

std::string accuracy_text(const ModelAccuracy& accuracy) {
  constexpr std::size_t kError = 24, kCosine = 36, kBar = 48;
  std::string text = "  against f32, " + std::to_string(accuracy.positions) + " positions of text:\n";
  const auto line = [&](const std::string& name, const std::string& error, const std::string& cosine,
                        const std::string& bar) {
    std::string row = "  " + name;
    pad(row, kError), row += error;
    pad(row, kCosine), row += cosine;
    if (!bar.empty()) pad(row, kBar), row += bar;
    text += row + "\n";
  };
  line("stage", "error", "cosine", "bar");
  for (const StageAccuracy& stage : accuracy.stages) {
    line(printable(stage.stage) + (stage.layer < 0 ? "" : " " + std::to_string(stage.layer)),
         fixed(stage.error * 100, 3) + " %", fixed(stage.cosine, 6),
         stage.bar > 0 ? fixed(stage.bar * 100, 1) + " %" : "");
  }
  line("same likeliest token", fixed(accuracy.top1 * 100, 1) + " %", "",
       accuracy.top1_bar > 0 ? "at least " + fixed(accuracy.top1_bar * 100, 0) + " %" : "");
  return text;
}

std::string summary_text(const ModelSummary& summary, bool tensors) {
  std::string text = printable(summary.path) + "\n";
  const auto row = [&](const std::string& name, const std::string& value) {
    std::string line = "  " + name;
    pad(line, 14);
    text += line + value + "\n";
  };
  row("format", summary.format + (summary.layout.empty() ? "" : ", tensor names " + summary.layout));
  row("variant", summary.variant);
  row("parameters", grouped(summary.parameters));
  row("weights", human_bytes(summary.bytes));
  row("memory", human_bytes(summary.memory_bytes) + ": weights " +
                    human_bytes(summary.memory_bytes - summary.work_bytes) + ", one picture " +
                    human_bytes(summary.work_bytes));
  for (const DTypeSummary& type : summary.dtypes) {
    row(type.dtype, std::to_string(type.tensors) + (type.tensors == 1 ? " tensor, " : " tensors, ") +
                        grouped(type.parameters) + " parameters, " + human_bytes(type.bytes) +
                        ", in memory " + human_bytes(type.memory_bytes));
  }
  if (!summary.licence.empty()) row("licence", printable(summary.licence));
  for (const std::string& line : provenance_lines(summary.provenance)) row("made from", line);
  for (const std::string_view line : lines_of(summary.recipe)) row("recipe", printable(line));
  if (!summary.skipped.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(summary.skipped.size(), 5); ++i) {
      names += (i == 0 ? "" : ", ") + printable(summary.skipped[i]);
    }
    if (summary.skipped.size() > 5) names += ", ...";
    row("not used", std::to_string(summary.skipped.size()) + ": " + names);
  }
  for (const std::string& note : summary.notes) row("note", printable(note));
  if (summary.accuracy) text += "\n" + accuracy_text(*summary.accuracy);
  if (!tensors) return text;
  std::size_t width = 0;
  for (const TensorSummary& tensor : summary.tensors) width = std::max(width, tensor.name.size());
  text += "\n";
  for (const TensorSummary& tensor : summary.tensors) {
    std::string line = printable(tensor.name);
    pad(line, width + 2);
    line += tensor.dtype;
    pad(line, width + 10);
    text += line + shape_text(tensor.shape) + "\n";
  }
  return text;
}

std::string summary_json(const ModelSummary& summary, bool tensors) {
  Json json = {{"path", summary.path},
               {"format", summary.format},
               {"layout", summary.layout},
               {"variant", summary.variant},
               {"licence", summary.licence},
               {"parameters", summary.parameters},
               {"bytes", summary.bytes},
               {"memory_bytes", summary.memory_bytes},
               {"work_bytes", summary.work_bytes}};
  json["dtypes"] = Json::array();
  for (const DTypeSummary& type : summary.dtypes) {
    json["dtypes"].push_back({{"dtype", type.dtype},
                              {"tensors", type.tensors},
                              {"parameters", type.parameters},
                              {"bytes", type.bytes},
                              {"memory_bytes", type.memory_bytes}});
  }
  json["config"] = Json::parse(summary.config_json, nullptr, false);
  if (json["config"].is_discarded()) json["config"] = nullptr;
  json["provenance"] = shallow_json(summary.provenance);
  json["recipe"] = summary.recipe.empty() ? Json() : Json(summary.recipe);
  json["accuracy"] = summary.accuracy ? accuracy_json(*summary.accuracy) : Json();
  json["skipped"] = summary.skipped;
  json["notes"] = summary.notes;
  if (tensors) {
    json["tensors"] = Json::array();
    for (const TensorSummary& tensor : summary.tensors) {
      json["tensors"].push_back({{"name", tensor.name},
                                 {"source_name", tensor.source_name},
                                 {"dtype", tensor.dtype},
                                 {"shape", tensor.shape},
                                 {"bytes", tensor.bytes}});
    }
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace moonbeam::cli
