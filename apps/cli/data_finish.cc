// moonbeam data finish: dedupe, balance and the training shards of a run whose chunks are all there.
#include <moonbeam/error.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/data_run.h"
#include "cli/errors.h"
#include "cli/picture_encoder.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "data/llm/cache.h"
#include "data/llm/client.h"
#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/run/embedder.h"
#include "data/pipeline/run/exclusive.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::cli {

void finish_run(const std::string& folder, const OutputArgs& output, int threads) {
  const pipeline::RunFolder work{folder};
  pipeline::RunRecipe recipe = pipeline::planned_recipe(work);
  pipeline::ReduceOptions options;
  options.read(recipe.stages, std::filesystem::path(recipe.path).parent_path().string());
  options.threads = threads;
  pipeline::PictureEncoder encoder;
  if (options.dedupe.encodes_pictures()) {
    encoder = picture_encoder(options.dedupe.picture_model);
    options.dedupe.encoder = &encoder;
  }
  const pipeline::Plan plan = pipeline::read_plan(work);
  for (int shard = 0; shard < plan.shards; ++shard) pipeline::remove_unfinished(work.shard(shard).string());
  pipeline::ShardsPlace place;
  place.out = (work.root / "out").string();
  place.pictures = recipe.inputs.images;
  place.run = {plan.pipeline, pipeline::prompts_of(recipe).sha256()};
  place.inputs = {plan.input_sha256};
  pipeline::RunEmbedder embedder(work, recipe);
  options.dedupe.embedder = embedder.name();
  const pipeline::ReduceResult result = pipeline::reduce(pipeline::WorkFolder(folder), options, place,
                                                         embedder.embed(), [&](std::string_view stage) {
                                                           if (!output.quiet)
                                                             complain("note: " + std::string(stage));
                                                         });
  nlohmann::ordered_json all = {{"out", place.out},
                                {"shards", result.shards.shards.size()},
                                {"samples", result.shards.samples},
                                {"pictures", result.shards.pictures},
                                {"decisions", result.decisions},
                                {"licences", result.shards.licences},
                                {"embedder", embedder.name()}};
  if (options.dedupe.encoder != nullptr) {
    all["picture_encoder"] = {{"name", encoder.name},
                              {"encoded", result.encoded.encoded},
                              {"found", result.encoded.found},
                              {"unreadable", result.encoded.unreadable}};
    if (result.encoded.unreadable > 0 && !output.quiet) {
      complain("note: " + grouped(result.encoded.unreadable) +
               " pictures could not be read: they are compared by their hashes alone");
    }
  }
  if (output.json) {
    StdoutSink().write(all.dump() + "\n");
  } else if (!output.quiet) {
    complain("note: wrote " + place.out + ": " + grouped(static_cast<std::int64_t>(result.shards.samples)) +
             " samples of " + grouped(static_cast<std::int64_t>(result.shards.pictures)) + " pictures in " +
             std::to_string(result.shards.shards.size()) + " shards");
  }
}

int run_data_finish(const Options& options) {
  finish_run(options.pipeline.work, options.output, std::max(1, options.model.threads));
  return kExitOk;
}

}  // namespace moonbeam::cli
