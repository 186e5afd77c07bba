// moonbeam bench: how fast a model runs on this machine, as shares of what the machine can do.
#include <moonbeam/bench.h>
#include <moonbeam/version.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/errors.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

std::string decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  // A program that set a locale must not get a comma.
  for (char* c = text; *c; ++c) {
    if (*c == ',') *c = '.';
  }
  return text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

std::string title(const std::string& stage) {
  std::string text = stage;
  for (char& c : text) {
    if (c == '_') c = ' ';
  }
  text.resize(std::max<std::size_t>(text.size(), 16), ' ');
  return text;
}

std::string limits_text(const BenchLimits& limits) {
  if (limits.int8_gops <= 0) return {};
  return "limits     f32 " + decimal(limits.f32_gflops, 0) + ", bf16 " + decimal(limits.bf16_gflops, 0) +
         ", int8 " + decimal(limits.int8_gops, 0) + " GFLOP/s a core; memory " +
         decimal(limits.read_gb_s, 1) + " GB/s\n";
}

std::string report_text(const BenchReport& report) {
  const ModelInfo& model = report.model;
  std::string text = "model      " + printable(model.name) + " (" + model.variant + "), " +
                     grouped(model.parameters) + " parameters, " + human_bytes(model.weight_bytes) + "\n";
  text += "machine    " + report.cpu + "; " + model.isa + ", " + std::to_string(model.threads) +
          (model.threads == 1 ? " thread" : " threads") + ", pages of " + human_bytes(report.page_bytes) +
          "\n";
  text += "mode       " + model.mode + " (" + model.mode_reason + ")\n";
  text += limits_text(report.limits) + "\n";
  text += "stage            median ms       min       max   tokens/s   of limit\n";
  for (const BenchStage& stage : report.stages) {
    text += title(stage.name) + padded(decimal(stage.median_ms, 1), 10) +
            padded(decimal(stage.min_ms, 1), 10) + padded(decimal(stage.max_ms, 1), 10) +
            padded(stage.tokens_per_s > 0 ? decimal(stage.tokens_per_s, 1) : "", 11) +
            padded(stage.share > 0 ? decimal(stage.share * 100, 1) + " %" : "", 11);
    if (stage.disturbed > 0) text += "   " + std::to_string(stage.disturbed) + " disturbed runs left out";
    while (text.back() == ' ') text.pop_back();
    text += "\n";
  }
  return text + "\npeak memory " + human_bytes(report.peak_bytes) + "\n";
}

std::string report_json(const BenchReport& report) {
  nlohmann::json stages = nlohmann::json::object();
  for (const BenchStage& stage : report.stages) {
    nlohmann::json row = {{"median_ms", stage.median_ms},
                          {"min_ms", stage.min_ms},
                          {"max_ms", stage.max_ms},
                          {"runs", stage.runs},
                          {"disturbed", stage.disturbed}};
    if (stage.tokens_per_s > 0) row["tokens_per_s"] = stage.tokens_per_s;
    if (stage.share > 0) row["share"] = stage.share;
    stages[stage.name] = row;
  }
  const ModelInfo& model = report.model;
  const nlohmann::json json = {{"model", model.name},
                               {"variant", model.variant},
                               {"dtype", model.dtype},
                               {"mode", model.mode},
                               {"isa", model.isa},
                               {"threads", model.threads},
                               {"adapter", model.adapter},
                               {"cpu", report.cpu},
                               {"page_bytes", report.page_bytes},
                               {"weight_bytes", model.weight_bytes},
                               {"peak_bytes", report.peak_bytes},
                               {"version", version()},
                               {"commit", report.commit},
                               {"limits",
                                {{"f32_gflops", report.limits.f32_gflops},
                                 {"bf16_gflops", report.limits.bf16_gflops},
                                 {"int8_gops", report.limits.int8_gops},
                                 {"read_gb_s", report.limits.read_gb_s}}},
                               {"stages", stages}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

int run_bench(const Options& options) {
  const std::string model = options.model.model.empty() ? default_model() : options.model.model;
  Status status(shows_progress(options.output));
  BenchOptions bench;
  bench.load = load_options(options.model);
  bench.repeat = options.bench.repeat;
  bench.limits = !options.bench.no_limits;
  bench.on_stage = [&](const std::string& what) {
    status.begin_picture(0, what);
    return status.update({});
  };
  const BenchReport report = with_known(model, [&] { return moonbeam::run_bench(model, bench); });
  status.clear();
  if (!options.output.quiet) say_warnings(report.model);
  StdoutSink sink;
  if (!options.output.json) sink.write(report_text(report));
  sink.write(report_json(report));
  return kExitOk;
}

}  // namespace moonbeam::cli
