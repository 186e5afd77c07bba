// The program: parse, run a verb, map what was thrown to an exit status. The only catch-all.
#include <moonbeam/version.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/args.h"
#include "cli/chat.h"
#include "cli/completion.h"
#include "cli/errors.h"
#include "cli/run.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

int run_version(const Options& options) {
  if (options.output.json) {
    const nlohmann::ordered_json json = {{"name", "moonbeam"}, {"version", version()}, {"commit", commit()}};
    StdoutSink().write(json.dump() + "\n");
  } else {
    StdoutSink().write("moonbeam " + std::string(version()) + " (" + commit() + ")\n");
  }
  return kExitOk;
}

namespace {

int run_verb(CommandLine& line) {
  Options& options = line.options;
  const std::string& verb = options.verb;
  if (verb == "caption") return run_caption(options);
  if (verb == "query") return run_query(options);
  if (verb == "detect") return run_objects(options, Task::kDetect);
  if (verb == "point") return run_objects(options, Task::kPoint);
  if (verb == "gaze") return run_gaze(options);
  if (verb == "chat") return run_chat(options);
  if (verb == "inspect") return run_inspect(options);
  if (verb == "convert" || verb == "weights synth") return run_convert(options);
  if (verb == "quantize") return run_quantize(options);
  if (verb == "data atlas") return run_data_atlas(options);
  if (verb == "data scenes") return run_data_scenes(options);
  if (verb == "data run") return run_data_run(options);
  if (verb == "data work") return run_data_work(options);
  if (verb == "data submit") return run_data_submit(options);
  if (verb == "data finish") return run_data_finish(options);
  if (verb == "data report") return run_data_report(options);
  if (verb == "data explain") return run_data_explain(options);
  if (verb == "data stage") return run_data_stage(options);
  if (verb == "data estimate") return run_data_estimate(options);
  if (verb == "data answers") return run_data_answers(options);
  if (verb == "eval scenes") return run_eval_scenes(options);
  if (verb == "mockllm") return run_mockllm(options);
  if (verb == "bench") return run_bench(options);
  if (verb == "train tokenizer") return run_train_tokenizer(options);
  if (verb == "serve") return run_serve(options);
  if (verb == "live") return run_serve(options);
  if (verb == "mcp") return run_mcp(options);
  if (verb == "pull") return run_pull(options);
  if (verb == "list") return run_list(options);
  if (verb == "rm") return run_rm(options);
  if (verb == "doctor") return run_doctor(line);
  if (verb == "version") return run_version(options);
  StdoutSink().write(verb == "man" ? man_page(line.app) : completion_script(line.app, options.files.shell));
  return kExitOk;
}

/// The trainer has a grammar of its own; only the tokenizer's training is part of this program.
bool is_for_trainer(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] != "train") return false;
  return arguments.size() < 2 ||
         (arguments[1] != "tokenizer" && arguments[1] != "--help" && arguments[1] != "-h");
}

int run(const std::vector<std::string>& arguments) {
  choose_color("auto");
  if (is_for_trainer(arguments)) run_trainer({arguments.begin() + 1, arguments.end()});
  CommandLine line;
  const Environment env = process_environment;
  if (const std::optional<std::string> text = parse(line, arguments, &env)) {
    StdoutSink().write(*text);
    return kExitOk;
  }
  choose_color(line.options.output.color);
  return run_verb(line);
}

}  // namespace
}  // namespace moonbeam::cli

int main(int argc, char** argv) {
  using namespace moonbeam::cli;
  try {
    hold_standard_streams();
    install_signal_handlers();
    return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  } catch (...) {
    const Ending ending = ending_of(std::current_exception());
    if (!ending.message.empty()) complain(ending.message);
    return ending.status;
  }
}
