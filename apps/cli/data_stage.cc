// moonbeam data stage: one stage of a picture once more, from what a run has stored.
#include <moonbeam/error.h>

#include <filesystem>

#include "cli/errors.h"
#include "cli/sink.h"
#include "cli/tools.h"
#include "data/llm/cache.h"
#include "data/llm/client.h"
#include "data/pipeline/run/replay.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::cli {

namespace {

constexpr int kDiffers = 1;

/// The client's answers: what is not stored is asked for, and stored.
struct Servers {
  Servers(const pipeline::RunFolder& work, const pipeline::RunRecipe& recipe)
      : cache(pipeline::cache_folder(recipe, work), "stage"),
        ledger(work.ledger("stage").string(), "stage"),
        client(pipeline::client_options(recipe, work, 1, nullptr), &cache, &ledger) {}
  llm::Cache cache;
  llm::Ledger ledger;
  llm::Client client;
};

std::vector<pipeline::Replayed> replayed(const pipeline::RunFolder& work, pipeline::RunRecipe& recipe,
                                         const PipelineArgs& args) {
  const pipeline::ReplayOptions options{args.stage, args.sample.substr(0, args.sample.find('#')), args.chunk};
  if (args.call) {
    std::filesystem::create_directories(work.ledger("stage").parent_path());
    Servers servers(work, recipe);
    return pipeline::replay(work, recipe, options, [&](std::vector<llm::Call> calls) {
      return servers.client.ask_all(std::move(calls));
    });
  }
  return pipeline::replay(work, recipe, options,
                          pipeline::stored_answers(pipeline::cache_folder(recipe, work)));
}

}  // namespace

int run_data_stage(const Options& options) {
  const PipelineArgs& args = options.pipeline;
  const pipeline::RunFolder work{args.work};
  pipeline::RunRecipe recipe =
      args.recipe.empty() ? pipeline::planned_recipe(work) : pipeline::read_run_recipe(args.recipe);
  if (!options.output.quiet && pipeline::identity_of(recipe) != pipeline::read_plan(work).pipeline) {
    complain("note: prompts, words, models or thresholds are not those of the run");
  }
  int status = kExitOk;
  std::string text;
  for (const pipeline::Replayed& one : replayed(work, recipe, args)) {
    text += pipeline::replayed_json(one, args.compare).dump(options.output.json ? -1 : 1) + "\n";
    if (args.compare && one.result != pipeline::Against::kEqual) status = kDiffers;
  }
  StdoutSink().write(text);
  return status;
}

}  // namespace moonbeam::cli
