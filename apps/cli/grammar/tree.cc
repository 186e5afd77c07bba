// The tree that the families make together, and the verbs about this program and machine.
#include "cli/args.h"
#include "cli/grammar/builder.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

void add_own_verbs(CLI::App& app, Options& o) {
  Builder bench(add_verb(app, "bench"), o);
  bench.model();
  bench.value("Measuring", "--repeat", o.bench.repeat, "N", "Runs of each stage")
      ->default_str("5")
      ->check(whole(1, 10000));
  bench.flag("Measuring", "--no-limits", o.bench.no_limits, "Do not measure the machine itself");
  bench.flag("Output", "--json", o.output.json, "Print the line of JSON alone");
  bench.common_output();

  Builder doctor(add_verb(app, "doctor"), o);
  doctor.choice("Text", "--length", o.ask.length, "short|normal|long", "Length of captions")
      ->default_str("normal");
  doctor.sampling(), doctor.objects(), doctor.model();
  doctor.picture_options();
  doctor.output("text|json|csv|coco");

  Builder completion(add_verb(app, "completion"), o);
  completion.positional("SHELL", o.files.shell, "bash, zsh or fish");

  Builder version(add_verb(app, "version"), o);
  version.flag("Output", "--json", o.output.json, "Print one JSON object");

  CLI::App* man =
      app.add_subcommand("man", "Print the manual page")->group("");  // for the build, not in help
  man->set_help_flag();
}

}  // namespace

CommandLine::CommandLine()
    : app("Look at pictures with a Moondream model on this machine's CPU.", "moonbeam") {
  app.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  app.require_subcommand(1);
  add_picture_verbs(app, options);
  add_server_verbs(app, options);
  add_model_verbs(app, options);
  add_training_verbs(app, options);
  add_own_verbs(app, options);
}

std::string verb_name(const CLI::App& app) {
  if (app.get_parent() == nullptr) return {};
  const std::string above = verb_name(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::vector<std::string> choices(const CLI::Option& option) {
  const std::string& argument = option.get_option_text();
  const bool is_list = argument.find('|') != std::string::npos &&
                       argument.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
  return is_list ? split(argument, '|') : std::vector<std::string>();
}

}  // namespace moonbeam::cli
