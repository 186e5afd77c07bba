// --help from the CLI11 tree and the verb table.
#include <algorithm>

#include "cli/args.h"

namespace moonbeam::cli {

namespace {

constexpr std::size_t kColumn = 30;  // where descriptions start

std::string row(const std::string& left, const std::string& right) {
  std::string line = "  " + left;
  if (line.size() + 2 > kColumn) line += "\n" + std::string(kColumn, ' ');
  line.resize(std::max(line.size(), kColumn), ' ');
  return line + right + "\n";
}

std::string option_names(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  const bool aligned = names.empty();
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  if (aligned) names = "    " + names;
  if (!option.get_option_text().empty()) names += " " + option.get_option_text();
  return names;
}

std::string option_row(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty() && option.get_items_expected_max() > 0) {
    text += " [" + option.get_default_str() + "]";
  }
  return row(option_names(option), text);
}

/// A verb's own groups as it made them, then those that verbs share.
std::vector<std::string> groups_of(const CLI::App& app) {
  const std::vector<std::string> shared = {"Text",  "Objects",   "Pictures", "Scenes", "Drawings",
                                           "Model", "Measuring", "Output",   "Other"};
  std::vector<std::string> groups;
  for (const CLI::Option* option : app.get_options()) {
    const std::string& group = option->get_group();
    if (group.empty() || std::ranges::find(shared, group) != shared.end()) continue;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  }
  groups.insert(groups.end(), shared.begin(), shared.end());
  return groups;
}

std::string options_by_group(const CLI::App& app) {
  std::string text;
  for (const std::string& group : groups_of(app)) {
    std::string rows;
    for (const CLI::Option* option : app.get_options()) {
      if (option->nonpositional() && option->get_group() == group) rows += option_row(*option);
    }
    if (!rows.empty()) text += "\n" + group + ":\n" + rows;
  }
  return text;
}

std::string indented(std::string_view lines) {
  std::string text;
  std::size_t start = 0;
  while (start < lines.size()) {
    const std::size_t end = std::min(lines.find('\n', start), lines.size());
    text += "  " + std::string(lines.substr(start, end - start)) + "\n";
    start = end + 1;
  }
  return text;
}

std::string root_help(const CLI::App& app) {
  std::string text =
      "Look at pictures with a Moondream model on this machine's CPU.\n\nUsage: moonbeam VERB "
      "[ARGUMENTS]\n\nVerbs:\n";
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!verb->get_group().empty()) text += row(verb->get_name(), verb->get_description());
  }
  text += "\n'moonbeam VERB --help' shows a verb's options and examples.\n\nExamples:\n";
  for (const char* verb : {"caption", "query", "detect"}) {
    const std::string_view examples = find_verb(verb)->examples;
    text += indented(examples.substr(0, examples.find('\n')));
  }
  text +=
      "\nSettings come from flags, else MOONBEAM_<FLAG> in the environment, else "
      "~/.config/moonbeam/config.toml,\n"
      "else /etc/moonbeam/config.toml; 'moonbeam doctor' shows them.\n"
      "Exit status: 0 done, 1 some pictures failed, 2 usage, 3 not found, 4 corrupt, 5 unsupported, 6 "
      "exhausted, 7 network.\n";
  return text;
}

}  // namespace

std::string help_text(const CLI::App& app) {
  const std::string name = verb_name(app);
  const VerbInfo* info = find_verb(name);
  if (info == nullptr) return root_help(app);
  std::string text =
      std::string(info->summary) + ".\n\nUsage: moonbeam " + name + " " + std::string(info->synopsis) + "\n";
  std::string positionals;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) positionals += row(option->get_name(true), option->get_description());
  }
  if (!positionals.empty()) text += "\n" + positionals;
  text += options_by_group(app);
  return text + "\nExamples:\n" + indented(info->examples);
}

}  // namespace moonbeam::cli
