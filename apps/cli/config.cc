// Configuration files (TOML subset read by CLI11) and MOONBEAM_<FLAG>, applied to options that flags left
// alone.
#include "cli/config.h"

#include <CLI/Config.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/args.h"
#include "cli/errors.h"
#include "cli/serve_args.h"
#include "cli/text.h"

namespace moonbeam::cli {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return {};
  return std::string(value);
}

const std::vector<std::string>& settable() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {
        "model",  "variant", "mode",        "threads", "isa",       "temperature",    "top-p",  "max-tokens",
        "seed",   "length",  "max-objects", "clamp",   "recursive", "no-orientation", "mmap",   "fail-fast",
        "format", "stream",  "stats",       "quiet",   "verbose",   "color",          "remote", "cacert"};
    all.insert(all.end(), serve_settings().begin(), serve_settings().end());
    return all;
  }();
  return names;
}

std::string environment_name(std::string_view option) {
  std::string name = "MOONBEAM_";
  for (const char c : option) name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

std::vector<std::string> config_files(const Environment& env) {
  std::vector<std::string> files = {"/etc/moonbeam/config.toml"};
  const std::string xdg = env("XDG_CONFIG_HOME").value_or("");
  const std::string home = env("HOME").value_or("");
  if (xdg.starts_with('/')) {
    files.push_back(xdg + "/moonbeam/config.toml");
  } else if (!home.empty()) {
    files.push_back(home + "/.config/moonbeam/config.toml");
  }
  return files;
}

Layers::Layers(const Environment& env, const std::string& explicit_file) : env_(env) {
  std::error_code ignored;
  for (const std::string& file : config_files(env)) {
    if (std::filesystem::is_regular_file(file, ignored)) read_file(file);
  }
  const std::string named = explicit_file.empty() ? env("MOONBEAM_CONFIG").value_or("") : explicit_file;
  if (!named.empty()) {
    if (!std::filesystem::is_regular_file(named, ignored)) {
      throw Error(ErrorCode::kNotFound, named + ": there is no such configuration file");
    }
    read_file(named);
  }
}

void Layers::read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::kNotFound, path + ": cannot be read");
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigBase().from_config(file);
  } catch (const CLI::Error& e) {
    throw Error(ErrorCode::kCorrupt, path + ": " + e.what());
  }
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11's marks of sections
    std::string section;
    for (const std::string& parent : item.parents) section += (section.empty() ? "" : " ") + parent;
    const bool ours = section.empty() || find_verb(section) != nullptr;
    if (!ours) {  // a section of another release of the program is no mistake
      const auto absent = absent_verbs();
      const std::string& verb = item.parents.front();
      if (std::any_of(absent.begin(), absent.end(), [&](const AbsentVerb& a) { return a.name == verb; }))
        continue;
      throw Error(ErrorCode::kInvalidArgument, path + ": unknown section [" + section + "]");
    }
    std::string name = item.name;
    std::replace(name.begin(), name.end(), '_', '-');
    if (std::find(settable().begin(), settable().end(), name) == settable().end()) {
      const std::optional<std::string> meant = near_miss(name, settable());
      throw Error(ErrorCode::kInvalidArgument, path + ": unknown key '" + item.name + "'" +
                                                   (meant ? "; did you mean '" + *meant + "'?" : ""));
    }
    const std::string value =
        item.inputs.size() == 1 ? item.inputs.front() : CLI::detail::join(item.inputs, " ");
    values_[section.empty() ? name : section + "." + name] = {name, value, path};
    if (section.empty()) {  // a later file's general value beats an earlier file's section
      std::erase_if(values_, [&](const auto& entry) {
        return entry.first.ends_with("." + name) && entry.second.origin != path;
      });
    }
  }
}

std::optional<Setting> Layers::find(std::string_view verb, const std::string& option) const {
  const std::string variable = environment_name(option);
  if (const std::optional<std::string> value = env_(variable); value && !value->empty()) {
    return Setting{option, *value, variable};
  }
  auto found = values_.find(std::string(verb) + "." + option);
  if (found == values_.end()) found = values_.find(option);
  if (found == values_.end()) return {};
  return found->second;
}

std::vector<Setting> apply_layers(CLI::App& verb, std::string_view verb_name, const Layers& layers) {
  std::vector<Setting> settings;
  for (const std::string& name : settable()) {
    CLI::Option* option = verb.get_option_no_throw("--" + name);
    if (option == nullptr) continue;
    if (verb_name == "quantize" && name == "mode") continue;  // there it is what to write, not how to run
    if (option->count() > 0) {
      settings.push_back({name, option->results().back(), "command line"});
      continue;
    }
    const std::optional<Setting> found = layers.find(verb_name, name);
    if (!found) {
      const bool flag = option->get_items_expected_max() == 0;
      settings.push_back({name, flag ? "off" : option->get_default_str(), "built in"});
      continue;
    }
    try {
      option->add_result(found->value);
      option->run_callback();
    } catch (const CLI::Error& e) {
      std::string problem = e.what();
      const std::string own = "--" + name + ": ";
      if (const std::size_t at = problem.find(own); at != std::string::npos)
        problem = problem.substr(at + own.size());
      throw Error(ErrorCode::kInvalidArgument, found->origin + ": " + name + ": " + problem);
    }
    settings.push_back(*found);
  }
  return settings;
}

}  // namespace moonbeam::cli
