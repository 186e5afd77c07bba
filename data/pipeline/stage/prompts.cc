#include "data/pipeline/stage/prompts.h"

#include <algorithm>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/llm/schema.h"
#include "data/scenes/atlas.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20;

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Lines below "[system]" and "[user]".
void read_parts(const std::string& text, const std::string& path, Prompt& prompt) {
  std::string* part = nullptr;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    ++line_number;
    if (line == "[system]" || line == "[user]") {
      part = line == "[system]" ? &prompt.system : &prompt.user;
      if (!part->empty())
        base::fail(ErrorCode::kInvalidArgument, path, ":", line_number, ": ", line, " twice");
    } else if (part != nullptr) {
      *part += line + "\n";
    } else if (!trimmed(line).empty() && line[0] != '#') {
      base::fail(ErrorCode::kInvalidArgument, path, ":", line_number,
                 ": expected [system] or [user] first, got ", base::printable(line));
    }
    at = end + 1;
  }
  prompt.system = trimmed(prompt.system);
  prompt.user = trimmed(prompt.user);
  if (prompt.user.empty()) base::fail(ErrorCode::kInvalidArgument, path, ": no [user] part");
}

void read_examples(const std::string& text, const std::string& path, Prompt& prompt) {
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = trimmed(text.substr(at, end - at));
    ++line_number;
    at = end + 1;
    if (line.empty()) continue;
    const std::string where = base::cat(path, ":", line_number);
    const llm::Json row = llm::Json::parse(line, nullptr, false);
    if (!row.is_object() || !row.contains("input") || !row.contains("output")) {
      base::fail(ErrorCode::kInvalidArgument, where, ": expected {\"input\": ..., \"output\": ...}");
    }
    if (!prompt.schema.is_null()) {
      const std::string fault = llm::schema_fault(row["output"], prompt.schema);
      if (!fault.empty()) base::fail(ErrorCode::kInvalidArgument, where, ": output: ", fault);
    }
    prompt.examples.push_back({row["input"], row["output"]});
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = trimmed(text.substr(at, end - at));
    if (!line.empty() && line[0] != '#') out.push_back(line);
    at = end + 1;
  }
  return out;
}

std::string input_text(const std::string& name, llm::Json input) {
  input["stage"] = name;
  return "<input>" + llm::canonical_json(input) + "</input>";
}

}  // namespace

std::vector<llm::Message> Prompt::messages(const llm::Json& input,
                                           const std::vector<std::size_t>& chosen) const {
  std::vector<llm::Message> out;
  if (!system.empty()) out.push_back({.role = "system", .text = system});
  for (const std::size_t one : chosen) {
    out.push_back({.role = "user", .text = input_text(name, examples[one].input)});
    out.push_back({.role = "assistant", .text = llm::canonical_json(examples[one].output)});
  }
  out.push_back({.role = "user", .text = user + "\n" + input_text(name, input)});
  return out;
}

Prompts::Prompts(const fs::path& folder) : folder_(folder.string()) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string()[0] != '.') files.push_back(entry.path());
  }
  if (error) base::fail(ErrorCode::kNotFound, folder_, ": prompts: ", error.message());
  std::sort(files.begin(), files.end());
  base::Sha256 hash;
  for (const fs::path& path : files) {
    const std::string name = path.filename().string(), text = base::read_file(path.string(), kMostBytes);
    for (const std::string& part : {base::cat(name, '\n', text.size(), '\n'), text}) {
      hash.update(std::as_bytes(std::span(part)));
    }
    if (path.extension() == ".list") lists_[path.stem().string()] = lines_of(text);
    if (path.extension() != ".txt") continue;
    Prompt prompt;
    prompt.name = path.stem().string();
    read_parts(text, path.string(), prompt);
    const auto beside = [&](const char* ending) { return folder / (prompt.name + ending); };
    if (const fs::path schema = beside(".schema.json"); fs::exists(schema)) {
      prompt.schema = llm::OrderedJson::parse(base::read_file(schema.string(), kMostBytes), nullptr, false);
      if (prompt.schema.is_discarded()) {
        base::fail(ErrorCode::kInvalidArgument, schema.string(), ": not JSON");
      }
      try {
        llm::check_schema(prompt.schema);
      } catch (const Error& fault) {
        base::fail(fault.code(), schema.string(), ": ", fault.what());
      }
    }
    if (const fs::path examples = beside(".examples.jsonl"); fs::exists(examples)) {
      read_examples(base::read_file(examples.string(), kMostBytes), examples.string(), prompt);
    }
    const std::string key = prompt.name;
    prompts_.emplace(key, std::move(prompt));
  }
  sha256_ = hash.hex();
}

const Prompt& Prompts::at(const std::string& name) const {
  const auto found = prompts_.find(name);
  if (found == prompts_.end()) base::fail(ErrorCode::kNotFound, folder_, ": no prompt '", name, ".txt'");
  return found->second;
}

const std::vector<std::string>& Prompts::list(const std::string& name) const {
  const auto found = lists_.find(name);
  if (found == lists_.end()) base::fail(ErrorCode::kNotFound, folder_, ": no list '", name, ".list'");
  return found->second;
}

void Prompts::extend(const std::string& list, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  std::vector<std::string>& to = lists_[list];
  std::string all = base::cat(sha256_, '\n', list, '\n');
  for (const std::string& line : lines) {
    to.push_back(line);
    all += line + "\n";
  }
  base::Sha256 hash;
  hash.update(std::as_bytes(std::span(all)));
  sha256_ = hash.hex();
}

fs::path find_prompts_folder() {
  return data::find_data_folder() / "prompts";
}

}  // namespace moonbeam::pipeline
