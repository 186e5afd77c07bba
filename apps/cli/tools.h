// Verbs about models and the program itself; each returns an exit status.
#pragma once

#include <moonbeam/weights.h>

#include <string>
#include <vector>

#include "cli/args.h"

namespace moonbeam::cli {

int run_inspect(const Options& options);
int run_convert(const Options& options);
int run_bench(const Options& options);
int run_quantize(const Options& options);
int run_data_atlas(const Options& options);
int run_data_scenes(const Options& options);
int run_data_run(const Options& options);
int run_data_work(const Options& options);
int run_data_submit(const Options& options);
int run_data_finish(const Options& options);
int run_data_report(const Options& options);
int run_data_explain(const Options& options);
int run_data_stage(const Options& options);
int run_data_estimate(const Options& options);
int run_data_answers(const Options& options);
int run_eval_scenes(const Options& options);
int run_serve(const Options& options);
int run_mockllm(const Options& options);
int run_list(const Options& options);
int run_mcp(const Options& options);
int run_pull(const Options& options);
int run_rm(const Options& options);
int run_train_tokenizer(const Options& options);
int run_doctor(const CommandLine& line);
int run_version(const Options& options);

/// Starts the trainer, a program of its own, in place of this one with what stands behind `train`.
/// @throws Error kUnsupported, saying how to build it, where it is neither beside this program nor on PATH.
[[noreturn]] void run_trainer(const std::vector<std::string>& arguments);

/// For people; `tensors`: with a line for each.
std::string summary_text(const ModelSummary& summary, bool tensors);
/// A table, a line a stage.
std::string accuracy_text(const ModelAccuracy& accuracy);
/// One line of JSON.
std::string summary_json(const ModelSummary& summary, bool tensors);

struct FoundModel {
  std::string name, path;
  std::int64_t bytes = 0;
};
/// Models in `folders` as -m knows them: NAME.gguf and NAME.safetensors, folders NAME with such files, and
/// NAME@REVISION for folders of folders. Of one name only the first, as names are looked up.
std::vector<FoundModel> find_models(const std::vector<std::string>& folders);

}  // namespace moonbeam::cli
