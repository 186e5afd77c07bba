// moonbeam data report, explain, estimate: what a run made, where a sample comes from, what a run would cost.
#include "data/pipeline/report/report.h"

#include <moonbeam/error.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "data/pipeline/report/estimate.h"
#include "data/pipeline/report/explain.h"
#include "data/pipeline/run/auditor.h"
#include "data/pipeline/run/embedder.h"
#include "data/pipeline/run/join.h"
#include "data/pipeline/run/stages.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::cli {

namespace {

constexpr int kAlert = 1;  // a limit is passed
constexpr std::size_t kMostServers = std::size_t{1} << 20;

}  // namespace

int run_data_report(const Options& options) {
  const PipelineArgs& args = options.pipeline;
  const pipeline::RunFolder folder{args.work};
  pipeline::RunRecipe recipe = pipeline::planned_recipe(folder);
  pipeline::ReportOptions report_options;
  report_options.pictures = recipe.inputs.images;
  report_options.threads = std::max(1, options.model.threads);
  pipeline::RunAuditor auditor(folder, recipe);
  report_options.auditor = auditor.audit();
  report_options.auditor_name = auditor.name();
  base::KeySection& limits = recipe.stage("report");
  report_options.monitors.read(limits);
  limits.refuse_unread();
  if (!args.reference.empty()) report_options.read_reference(args.reference);
  pipeline::RunEmbedder embedder(folder, recipe);
  report_options.embedder = embedder.name();
  const pipeline::WorkFolder work(args.work);
  const pipeline::Report report =
      pipeline::make_report(work, report_options, pipeline::words_of_run(recipe).seeds(), embedder.embed());
  const std::string path = args.html.empty() ? (folder.root / "report.html").string() : args.html;
  base::AtomicFile page(path);
  page.write(pipeline::report_html(report, report_options));
  page.commit();
  if (options.output.json) StdoutSink().write(pipeline::report_json(report).dump() + "\n");
  if (!options.output.quiet) {
    using base::format_decimal;
    for (const pipeline::Finding& one : report.findings) {
      if (one.alert)
        complain("limit passed: " + one.monitor + ", " + one.what + ": " + format_decimal(one.value, 4) +
                 ", expected " + one.limit);
    }
    complain("note: wrote " + path);
  }
  return report.alert() ? kAlert : kExitOk;
}

int run_data_explain(const Options& options) {
  const pipeline::Explanation found =
      pipeline::explain(pipeline::WorkFolder(options.pipeline.work), options.pipeline.sample);
  StdoutSink().write(options.output.json ? found.json.dump() + "\n" : found.text);
  return kExitOk;
}

int run_data_estimate(const Options& options) {
  pipeline::RunRecipe recipe = pipeline::read_run_recipe(options.pipeline.recipe);
  const pipeline::Prompts prompts = pipeline::prompts_of(recipe);
  const pipeline::Lexicon lexicon = pipeline::words_of_run(recipe);
  const pipeline::Context context{prompts, lexicon, recipe.roles, 0, recipe.inputs.images};
  pipeline::ExpectedRun run(lexicon);
  pipeline::join_inputs(recipe.inputs, [&](pipeline::Input& one) { run.add(one); });
  const std::vector<pipeline::ExpectedCalls> calls = run.calls(pipeline::make_stages(recipe), context);
  pipeline::EstimateOptions estimate_options;
  estimate_options.prompt_tokens = pipeline::prompt_tokens(prompts, calls);
  const pipeline::Estimate all = pipeline::estimate(
      calls, recipe.roles,
      llm::parse_endpoints(base::read_file(recipe.servers, kMostServers), recipe.servers), estimate_options);
  StdoutSink().write(options.output.json ? pipeline::estimate_json(all).dump() + "\n"
                                         : pipeline::estimate_text(all));
  return kExitOk;
}

}  // namespace moonbeam::cli
