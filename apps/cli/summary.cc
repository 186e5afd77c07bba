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

}  // namespace

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
  if (!summary.skipped.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(summary.skipped.size(), 5); ++i) {
      names += (i == 0 ? "" : ", ") + printable(summary.skipped[i]);
    }
    if (summary.skipped.size() > 5) names += ", ...";
    row("not used", std::to_string(summary.skipped.size()) + ": " + names);
  }
  for (const std::string& note : summary.notes) row("note", printable(note));
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
