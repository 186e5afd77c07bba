// Settings below the flags: configuration files and the environment, and where each value came from.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::cli {

/// getenv(), or a map in tests.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> process_environment(const std::string& name);

struct Setting {
  std::string name;  ///< "top-p"
  std::string value;
  std::string origin;  ///< "built in", a file, "MOONBEAM_TOP_P", "command line"
};

/// Long names of the options that files and the environment may set.
const std::vector<std::string>& settable();
/// "top-p" -> "MOONBEAM_TOP_P"
std::string environment_name(std::string_view option);

/// /etc/moonbeam/config.toml, then the user's ($XDG_CONFIG_HOME, else ~/.config); later files win.
std::vector<std::string> config_files(const Environment& env);

class Layers {
 public:
  /// Reads those of the files of config_files() that exist, `explicit_file` (may be empty; has to exist)
  /// above them, and MOONBEAM_<FLAG> above all. A top-level key holds for every verb that has the option, a
  /// key in a [verb] section for that verb. @throws Error kNotFound, kInvalidArgument (unknown key).
  Layers(const Environment& env, const std::string& explicit_file);

  /// The highest value for `option` of `verb`.
  std::optional<Setting> find(std::string_view verb, const std::string& option) const;

 private:
  void read_file(const std::string& path);
  std::map<std::string, Setting> values_;  // "option" or "verb.option"
  Environment env_;
};

/// Gives the options that the user left out their values of `layers`.
/// @throws Error kInvalidArgument naming the origin of a bad value.
/// @return every settable option of the verb with its value and origin.
std::vector<Setting> apply_layers(CLI::App& verb, std::string_view verb_name, const Layers& layers);

}  // namespace moonbeam::cli
