// The command line's grammar: one CLI11 tree that parsing, --help, completions and the man page all read.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config.h"
#include "cli/options.h"

namespace moonbeam::cli {

/// What CLI11 has no place for.
struct VerbInfo {
  std::string_view name;      ///< "weights synth" for a verb of a verb
  std::string_view synopsis;  ///< arguments in the usage line
  std::string_view summary;   ///< one line, no full stop
  std::string_view examples;  ///< lines
};
std::span<const VerbInfo> verb_table();
const VerbInfo* find_verb(std::string_view name);

/// Verbs of other releases: what they do. Not in --help, refused with exit 5.
struct AbsentVerb {
  std::string_view name, what;
};
std::span<const AbsentVerb> absent_verbs();

/// Flags of other releases of the verbs about pictures. Not in --help, refused with exit 5.
std::span<const std::string_view> absent_flags();

/// The tree and the options its leaves write to. Not movable: the tree points into the options.
struct CommandLine {
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App app;
  Options options;
  std::vector<Setting> settings;  ///< effective values and where they come from
};

/// Parses and fills `line.options`; settings that the user did not give come from `layers`, if it is given,
/// after
/// --config has been added to it. Returns text to print instead of running a verb: help or version.
/// @throws Error kInvalidArgument with a hint, kUnsupported (a verb of another release).
std::optional<std::string> parse(CommandLine& line, const std::vector<std::string>& arguments,
                                 const Environment* env);

/// Full name of a subcommand: "weights synth".
std::string verb_name(const CLI::App& app);

/// Choices of an option ("short|normal|long" as its argument), none for free arguments.
std::vector<std::string> choices(const CLI::Option& option);

/// --help of a verb, or of the program for the root of the tree.
std::string help_text(const CLI::App& app);

}  // namespace moonbeam::cli
