// What the families of verbs are built with: options by group, and the groups that several verbs share.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/grammar/validators.h"
#include "cli/options.h"

namespace moonbeam::cli {

/// A verb of verb_table(): the last word of `name` below `parent`.
CLI::App& add_verb(CLI::App& parent, std::string_view name);
/// One that has verbs of its own, of which one has to follow.
CLI::App& add_verb_of_verbs(CLI::App& parent, std::string_view name);

/// Adds options to one verb; each returns the option for a default or a check.
class Builder {
 public:
  Builder(CLI::App& app, Options& options);

  template <typename T>
  CLI::Option* value(const char* group, const char* names, T& field, const char* argument, const char* help) {
    return app_.add_option(names, field, help)
        ->option_text(argument)
        ->group(group)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  CLI::Option* flag(const char* group, const char* names, bool& field, const char* help);
  CLI::Option* repeated(const char* group, const char* names, std::vector<std::string>& field,
                        const char* argument, const char* help);
  CLI::Option* choice(const char* group, const char* names, std::string& field, const char* argument,
                      const char* help);
  void positional(const char* name, std::string& field, const char* help);

  // Groups.
  void pictures(const char* help);
  void picture_options();
  void model();
  void remote();
  void threads();
  void sampling();
  void objects();
  void draw();
  void output(const char* formats);
  void common_output();

 private:
  CLI::App& app_;
  Options& o_;
};

// The families, each in a file of its name.
void add_picture_verbs(CLI::App& app, Options& options);
void add_model_verbs(CLI::App& app, Options& options);
void add_training_verbs(CLI::App& app, Options& options);
void add_server_verbs(CLI::App& app, Options& options);

}  // namespace moonbeam::cli
