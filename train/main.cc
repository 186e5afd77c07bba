// moonbeam-train: recipes to models, reports about runs. `moonbeam train` starts it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "cli/errors.h"
#include "cli/text.h"
#include "train/loop/corpus.h"
#include "train/loop/pictures.h"
#include "train/loop/trainer.h"
#include "train/parallel/launch.h"
#include "train/report/report.h"

namespace moonbeam::train {
namespace {

constexpr const char* kFineTuning = "finetune.toml";

struct Arguments {
  std::string recipe, out, resume;  // train
  std::string run, folder;          // report, export
  TrainOptions options;
  StartOptions start;
  double rank_timeout = 600;
  bool last = false, bf16 = false, adapter = false;
  CorpusOptions corpus;
};

void say(const Arguments& arguments, const std::string& line) {
  if (!arguments.options.quiet) cli::complain("note: " + line);
}

std::unique_ptr<Trainer> make_trainer(const Arguments& arguments) {
  const std::string& run = arguments.resume.empty() ? arguments.out : arguments.resume;
  if (!arguments.options.ranks->first()) return std::make_unique<Trainer>(run, arguments.options);
  if (!arguments.resume.empty()) return std::make_unique<Trainer>(RunFolder::open(run), arguments.options);
  const StartOptions& start = arguments.start;
  const std::string name = arguments.recipe.empty() ? kFineTuning : arguments.recipe;
  Recipe recipe = read_recipe(std::filesystem::absolute(find_recipe(name)).string(),
                              start.init.empty() ? Sizes::kRecipe : Sizes::kModel);
  return std::make_unique<Trainer>(std::move(recipe), RunFolder::create(run), arguments.options, start);
}

int train_together(const Arguments& arguments) {
  const std::unique_ptr<Trainer> trainer = make_trainer(arguments);
  if (trainer->run() == Ended::kStopped)
    return cli::pending_signal() == 0 ? cli::kExitOk : cli::signal_status();
  if (!arguments.options.ranks->first()) return cli::kExitOk;
  const std::string run = arguments.resume.empty() ? arguments.out : arguments.resume;
  const std::string model = run + "/model";
  std::error_code ignored;
  std::filesystem::remove_all(model, ignored);
  trainer->save_model(model, /*averaged=*/true, /*bf16=*/false);
  say(arguments, "wrote " + model);
  if (trainer->has_adapter()) {
    const std::string adapter = run + "/adapter.safetensors";
    trainer->save_adapter(adapter, /*averaged=*/true, /*bf16=*/false);
    say(arguments, "wrote " + adapter);
  }
  return cli::kExitOk;
}

int train(Arguments& arguments) {
  const StartOptions& start = arguments.start;
  const bool begins = !arguments.recipe.empty() || !start.init.empty();
  if (begins == !arguments.resume.empty()) {
    base::fail(ErrorCode::kInvalidArgument,
               "train: expected a RECIPE or --init MODEL --data FILE, and --out RUN; or --resume RUN; --help "
               "shows more");
  }
  if (!begins && !(start.data.empty() && start.images.empty())) {
    base::fail(ErrorCode::kInvalidArgument, "train: --resume goes on with the data that the run began with");
  }
  if (begins && arguments.out.empty()) base::fail(ErrorCode::kInvalidArgument, "train: expected --out RUN");
  arguments.options.stop = [] { return !cli::carry_on(); };
  const Launch launch = read_launch();
  if (arguments.options.threads == 0)
    arguments.options.threads = std::max(1, base::choose_threads(0) / launch.on_machine);
  arguments.options.ranks = std::make_shared<Ranks>(launch, arguments.rank_timeout);
  try {
    return train_together(arguments);
  } catch (const std::exception& error) {
    arguments.options.ranks->leave(error.what());
    throw;
  }
}

int export_model(const Arguments& arguments) {
  TrainOptions options;
  options.quiet = true;
  options.only_saves = true;
  Trainer trainer(RunFolder::open(arguments.run), options);
  if (arguments.adapter) {
    trainer.save_adapter(arguments.folder, !arguments.last, arguments.bf16);
  } else {
    trainer.save_model(arguments.folder, !arguments.last, arguments.bf16);
  }
  say(arguments, base::cat("wrote ", arguments.folder, " as of step ", trainer.state().step));
  return cli::kExitOk;
}

int corpus(const Arguments& arguments) {
  const CorpusReport made = write_corpus(read_recipe(arguments.run), arguments.corpus, arguments.folder);
  say(arguments, base::cat("wrote ", arguments.folder, ": ", made.lines, " lines"));
  return cli::kExitOk;
}

/// It may have gone since.
Image own_image(const std::string& path) {
  try {
    return load_image(path);
  } catch (const Error&) {
    return {1, 1, {255, 255, 255}};
  }
}

int report(const Arguments& arguments) {
  const Checkpoint last = read_checkpoint_state(RunFolder::open(arguments.run).checkpoints().front());
  const RunStart start = parse_run_start(last.start, arguments.run);
  const Recipe recipe = parse_recipe(last.recipe, last.recipe_name, start.sizes());
  const Assets assets = load_assets(recipe, /*held_out=*/true);
  const RunLog log = read_run_log(arguments.run + "/log.jsonl");
  ReportOptions options;
  options.title = std::filesystem::path(arguments.run).lexically_normal().filename().string();
  options.recipe = recipe.text;
  options.picture = [&](const Sample& sample) {
    if (!sample.picture.empty()) return own_image(sample.picture);
    for (const Stage& stage : recipe.stages) {
      if (stage.name != sample.stage) continue;
      return draw_scene(assets, stage, sample.classes, data::Split::kValSeed, sample.scene).image;
    }
    return Image{1, 1, {255, 255, 255}};
  };
  const std::string out = arguments.folder.empty() ? arguments.run + "/report.html" : arguments.folder;
  base::AtomicFile file(out);
  file.write(report_html(log, options));
  file.commit();
  say(arguments, "wrote " + out);
  return cli::kExitOk;
}

/// Fills `arguments`; returns the text of --help instead of running.
std::optional<std::string> parse(Arguments& arguments, std::string& verb, int argc, char** argv) {
  CLI::App app("Train a model of our own from a recipe, or go on with a run.", "moonbeam train");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_option("RECIPE", arguments.recipe, "A recipe, or the name of one of ours; with --init: finetune");
  app.add_option("--init", arguments.start.init, "Begin with this model's weights, sizes and tokenizer");
  app.add_option("--data", arguments.start.data,
                 "Questions about pictures: LLaVA, COCO or canonical (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--images", arguments.start.images,
                 "Where their pictures lie: one folder, or one for each file")
      ->allow_extra_args(false);
  app.add_option("-o,--out", arguments.out, "Folder of the new run");
  app.add_option("--resume", arguments.resume, "Folder of a run to go on with");
  app.add_option("--minutes", arguments.options.minutes, "Write a checkpoint and stop after this long")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--steps", arguments.options.steps, "Likewise after this many steps")
      ->check(CLI::NonNegativeNumber);
  app.add_option("-t,--threads", arguments.options.threads, "Threads of the arithmetic; 0: all cores")
      ->check(CLI::Range(0, 4096));
  app.add_option("--feeders", arguments.options.feeders, "Threads that draw pictures")
      ->check(CLI::Range(1, 256));
  app.add_option("--log-every", arguments.options.log_every, "Steps between lines of log.jsonl")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--rank-timeout", arguments.rank_timeout,
                 "Seconds that ranks wait for each other (docs/training.md)")
      ->check(CLI::Range(1.0, 1e6));
  app.add_flag("--quiet", arguments.options.quiet, "No progress and no notes, errors only");

  CLI::App& report = *app.add_subcommand("report", "Draw a run's curves and answers into one HTML page");
  report.add_option("RUN", arguments.run, "The run's folder")->required();
  report.add_option("-o,--out", arguments.folder, "The page; RUN/report.html if left out");
  CLI::App& exported = *app.add_subcommand("export", "Write a run's model as of its newest checkpoint");
  exported.add_option("RUN", arguments.run, "The run's folder")->required();
  exported.add_option("FOLDER", arguments.folder, "Where: config.json, tokenizer.json, model.safetensors")
      ->required();
  exported.add_flag("--adapter", arguments.adapter, "FOLDER is a file: the adapters alone, in safetensors");
  exported.add_flag("--last", arguments.last, "The last weights instead of their average");
  exported.add_flag("--bf16", arguments.bf16, "Matrices in bf16 instead of f32");
  CLI::App& corpus =
      *app.add_subcommand("corpus", "Write the text that a tokenizer for a recipe learns from");
  corpus.add_option("RECIPE", arguments.run, "The recipe")->required();
  corpus.add_option("-o,--out", arguments.folder, "Text file, a line a text")->required();
  corpus.add_option("--scenes", arguments.corpus.scenes, "Scenes to ask about")
      ->check(CLI::NonNegativeNumber);
  corpus.add_option("--words", arguments.corpus.words, "Files of further words");
  corpus.add_option("--times", arguments.corpus.times, "How often each word and label stands there")
      ->check(CLI::Range(0, 1'000'000));
  for (CLI::App* sub : {&report, &exported, &corpus})
    sub->add_flag("--quiet", arguments.options.quiet, "No notes");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ParseError& error) {
    base::fail(ErrorCode::kInvalidArgument, "train: ", error.what(), "; 'moonbeam train --help' shows how");
  }
  if (!app.get_subcommands().empty()) verb = app.get_subcommands().front()->get_name();
  return {};
}

int run(int argc, char** argv) {
  Arguments arguments;
  std::string verb;
  if (const std::optional<std::string> help = parse(arguments, verb, argc, argv)) {
    std::fwrite(help->data(), 1, help->size(), stdout);
    return cli::kExitOk;
  }
  if (verb == "report") return report(arguments);
  if (verb == "corpus") return corpus(arguments);
  if (verb == "export") return export_model(arguments);
  return train(arguments);
}

}  // namespace
}  // namespace moonbeam::train

int main(int argc, char** argv) {
  using namespace moonbeam::cli;
  try {
    hold_standard_streams();
    choose_color("auto");
    install_signal_handlers();
    return moonbeam::train::run(argc, argv);
  } catch (...) {
    const Ending ending = ending_of(std::current_exception());
    if (!ending.message.empty()) complain(ending.message);
    return ending.status;
  }
}
