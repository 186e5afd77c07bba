#include "cli/mcp/tools.h"

#include <moonbeam/error.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "cli/output.h"
#include "cli/text.h"

namespace moonbeam::mcp {

namespace {

using cli::Abilities;
using cli::Task;

constexpr std::size_t kMaxPicture = std::size_t{64} << 20;  // bytes
constexpr std::size_t kMaxQuestion = 8192, kMaxObject = 512;
constexpr int kMaxObjects = 1000;

struct Tool {
  std::string_view name, title, description;
  Task task;
};
constexpr std::array kTools = std::to_array<Tool>({
    {"caption", "Describe a picture", "Describes what a picture shows, in a sentence or more.",
     Task::kCaption},
    {"query", "Ask about a picture", "Answers a question about a picture.", Task::kQuery},
    {"detect", "Find objects, as boxes",
     "Finds every instance of an object in a picture. Boxes are fractions of its width and height, from the "
     "top "
     "left.",
     Task::kDetect},
    {"point", "Find objects, as points",
     "Points at every instance of an object in a picture and counts them. Coordinates are fractions of its "
     "width "
     "and height, from the top left.",
     Task::kPoint},
});

const Tool* find_tool(const Abilities& abilities, std::string_view name) {
  const auto found =
      std::find_if(kTools.begin(), kTools.end(), [&](const Tool& tool) { return tool.name == name; });
  if (found == kTools.end()) return nullptr;
  const bool region = found->task == Task::kDetect || found->task == Task::kPoint;
  return region && !abilities.detect ? nullptr : &*found;
}

Json text_field(std::string_view description, std::size_t most) {
  return {{"type", "string"}, {"description", description}, {"minLength", 1}, {"maxLength", most}};
}

Json input_schema(const Tool& tool, const Abilities& abilities) {
  Json properties = {{"image",
                      {{"type", "string"},
                       {"description",
                        "The picture: the path of a file (JPEG, PNG, WebP, GIF or BMP) in a folder that may "
                        "be read, a data: URI, "
                        "or base64."}}}};
  Json required = Json::array({"image"});
  if (tool.task == Task::kCaption) {
    properties["length"] = {{"type", "string"},
                            {"enum", abilities.lengths},
                            {"default", "normal"},
                            {"description", "How long the description is."}};
  } else if (tool.task == Task::kQuery) {
    properties["question"] = text_field("What is asked about the picture.", kMaxQuestion);
    required.push_back("question");
    if (abilities.reasoning) {
      properties["reasoning"] = {
          {"type", "boolean"}, {"default", false}, {"description", "Think first; slower."}};
    }
  } else {
    properties["object"] = text_field("What to find, e.g. \"red car\".", kMaxObject);
    properties["max_objects"] = {{"type", "integer"},
                                 {"minimum", 1},
                                 {"maximum", kMaxObjects},
                                 {"default", 50},
                                 {"description", "Stop after this many."}};
    required.push_back("object");
  }
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

Json list_of(const std::vector<const char*>& numbers) {
  Json properties = Json::object();
  for (const char* name : numbers) properties[name] = {{"type", "number"}};
  return {{"type", "array"},
          {"items", {{"type", "object"}, {"properties", properties}, {"required", numbers}}}};
}

Json output_schema(const Tool& tool) {
  Json properties;
  Json required;
  switch (tool.task) {
    case Task::kDetect:
      properties = {{"objects", list_of({"x_min", "y_min", "x_max", "y_max"})}};
      required = {"objects"};
      break;
    case Task::kPoint:
      properties = {{"points", list_of({"x", "y"})}, {"count", {{"type", "integer"}}}};
      required = {"points", "count"};
      break;
    default: {
      const char* key = tool.task == Task::kCaption ? "caption" : "answer";
      properties = {{key, {{"type", "string"}}}};
      if (tool.task == Task::kQuery) properties["reasoning"] = {{"type", "object"}};
      required = Json::array({key});
    }
  }
  properties["finish_reason"] = {{"type", "string"}, {"enum", {"stop", "length"}}};
  return {{"type", "object"}, {"properties", properties}, {"required", required}};
}

[[noreturn]] void refuse(const std::string& argument, const std::string& problem) {
  throw Error(ErrorCode::kInvalidArgument, "'" + argument + "': " + problem);
}

/// A text that has to be there.
std::string text_of(const Json& arguments, const char* name, std::size_t most) {
  const auto found = arguments.find(name);
  if (found == arguments.end()) refuse(name, "expected, got nothing");
  if (!found->is_string()) refuse(name, std::string("expected a string, got ") + found->type_name());
  std::string text = found->get<std::string>();
  if (cli::trim(text).empty()) refuse(name, "expected a text, got an empty one");
  if (text.size() > most) refuse(name, "expected at most " + std::to_string(most) + " bytes");
  return text;
}

/// "file:///a%20b" as a path; anything else as it is.
std::string without_scheme(const std::string& text) {
  constexpr std::string_view kFile = "file://";
  if (!text.starts_with(kFile)) return text;
  std::string path;
  const std::string rest = text.substr(kFile.size());
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const char c = at < rest.size() ? rest[at] : 'x';
      return kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    };
    if (rest[i] == '%' && digit(i + 1) < 16 && digit(i + 2) < 16) {
      path += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      path += rest[i];
    }
  }
  return path;
}

/// Whether bytes begin like a picture that we read: base64 and names of files use the same letters.
bool begins_like_a_picture(std::string_view bytes) {
  return bytes.starts_with("\xff\xd8\xff") || bytes.starts_with("\x89PNG") || bytes.starts_with("GIF8") ||
         bytes.starts_with("BM") || (bytes.starts_with("RIFF") && bytes.substr(0, 16).find("WEBP") == 8);
}

std::string read_picture(const std::string& text, const Roots& roots) {
  if (text.starts_with("data:")) {
    const std::size_t comma = text.find(',');
    if (comma == std::string::npos || !text.substr(0, comma).ends_with(";base64")) {
      refuse("image", "expected data:TYPE;base64,...");
    }
    std::optional<std::string> bytes = cli::decode_base64(std::string_view(text).substr(comma + 1));
    if (!bytes || bytes->empty()) refuse("image", "the text after the comma is not base64");
    return std::move(*bytes);
  }
  if (text.starts_with("http://") || text.starts_with("https://")) {
    refuse("image", "nothing is fetched from the network; give a file or the picture itself");
  }
  constexpr std::size_t kLongestPath = 4096, kSmallestPicture = 64;
  if (text.size() >= kSmallestPicture) {
    std::optional<std::string> bytes = cli::decode_base64(text);
    if (bytes && begins_like_a_picture(*bytes)) return std::move(*bytes);
  }
  if (text.size() > kLongestPath) refuse("image", "is no path, no data: URI and not a picture in base64");
  return roots.read(without_scheme(text), kMaxPicture);
}

void check_names(const Json& arguments, const Json& schema) {
  for (const auto& [name, value] : arguments.items()) {
    if (!schema["properties"].contains(name)) {
      std::string known;
      for (const auto& [one, ignored] : schema["properties"].items())
        known += (known.empty() ? "" : ", ") + one;
      refuse(cli::printable(name), "no such argument; there are " + known);
    }
  }
}

}  // namespace

Json describe_tools(const Abilities& abilities) {
  Json tools = Json::array();
  for (const Tool& tool : kTools) {
    if (find_tool(abilities, tool.name) == nullptr) continue;
    tools.push_back({{"name", tool.name},
                     {"title", tool.title},
                     {"description", tool.description},
                     {"inputSchema", input_schema(tool, abilities)},
                     {"outputSchema", output_schema(tool)},
                     {"annotations", {{"readOnlyHint", true}, {"openWorldHint", false}}}});
  }
  return tools;
}

bool has_tool(const Abilities& abilities, const std::string& name) {
  return find_tool(abilities, name) != nullptr;
}

Call parse_call(const std::string& name, const Json& arguments, const Abilities& abilities,
                const Roots& roots) {
  const Tool& tool = *find_tool(abilities, name);
  check_names(arguments, input_schema(tool, abilities));
  Call call;
  call.ask.task = tool.task;
  call.ask.clamp = true;
  if (tool.task == Task::kCaption && arguments.contains("length")) {
    call.ask.length = text_of(arguments, "length", 16);
    const auto& known = abilities.lengths;
    if (std::find(known.begin(), known.end(), call.ask.length) == known.end()) {
      std::string list;
      for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
      refuse("length", "expected one of " + list);
    }
  }
  if (tool.task == Task::kQuery) {
    call.ask.prompt = text_of(arguments, "question", kMaxQuestion);
    if (const auto reasoning = arguments.find("reasoning"); reasoning != arguments.end()) {
      if (!reasoning->is_boolean()) refuse("reasoning", "expected true or false");
      call.ask.reasoning = reasoning->get<bool>();
    }
  }
  if (tool.task == Task::kDetect || tool.task == Task::kPoint) {
    call.ask.prompt = text_of(arguments, "object", kMaxObject);
    if (const auto most = arguments.find("max_objects"); most != arguments.end()) {
      const bool good = most->is_number_integer() && *most >= 1 && *most <= kMaxObjects;
      if (!good) refuse("max_objects", "expected a whole number from 1 to " + std::to_string(kMaxObjects));
      call.ask.max_objects = most->get<int>();
    }
  }
  call.picture = read_picture(text_of(arguments, "image", 2 * kMaxPicture), roots);
  return call;
}

Json call_result(const Call& call, const cli::Answer& answer) {
  const Json structured = Json::parse(cli::answer_json(answer, call.ask.task));
  const bool text = call.ask.task == Task::kCaption || call.ask.task == Task::kQuery;
  const std::string shown =
      text ? std::string(cli::trim(answer.text))
           : structured.dump(-1, ' ', true, Json::error_handler_t::replace);  // clients before 2025-06-18
  return {{"content", Json::array({{{"type", "text"}, {"text", shown}}})},
          {"structuredContent", structured},
          {"isError", false}};
}

Json error_result(const std::string& message) {
  return {{"content", Json::array({{{"type", "text"}, {"text", message}}})}, {"isError", true}};
}

}  // namespace moonbeam::mcp
