// Verbs that make what models are trained with, train them, and measure how well they see.
#include "cli/grammar/builder.h"

namespace moonbeam::cli {

namespace {

/// What scenes are drawn with, for data and for evaluation.
void add_scene_options(Builder& verb, ScenesArgs& scenes) {
  const char* group = "Scenes";
  verb.value(group, "-n,--n", scenes.count, "N", "Scenes")
      ->default_str(std::to_string(scenes.count))
      ->check(whole(1, 1'000'000'000));
  verb.value(group, "--seed", scenes.seed, "N", "Same seed, same scenes")
      ->default_str("0")
      ->check(whole_from_zero());
  verb.value(group, "--classes", scenes.classes, "N", "Things drawn: the first N of the label table")
      ->default_str("100")
      ->check(whole(1, 4096));
  verb.value(group, "--size", scenes.size, "WxH", "Pixels of a picture")->default_str("196x196");
  verb.value(group, "--max-objects", scenes.max_objects, "N", "Most things in a scene")
      ->default_str("6")
      ->check(whole(1, 12));
  verb.value(group, "--clutter", scenes.clutter, "X", "0 plain backgrounds to 1 everything")
      ->default_str("1")
      ->check(zero_to_one());
  verb.flag(group, "--occlusion", scenes.occlusion, "Things hide up to 60 % of others");
  verb.flag(group, "--reading", scenes.reading, "Signs with text, and questions about it");
  verb.value(group, "--restyled", scenes.restyled, "X", "Share of drawings redrawn as by another hand")
      ->default_str("0")
      ->check(zero_to_one());
  verb.flag(group, "--no-degrade", scenes.no_degrade, "No noise, no JPEG damage, no blur");
}

constexpr const char* kSplits = "train|val-seed|val-bg|val-style|val-photo";
void add_data_scenes(CLI::App& data, Options& o) {
  Builder scenes(add_verb(data, "data scenes"), o);
  ScenesArgs& args = o.scenes;
  scenes.choice("Scenes", "--split", args.split, kSplits, "Which scenes")->default_str("val-seed");
  add_scene_options(scenes, args);
  scenes.value("Scenes", "--questions", args.questions, "N", "Most questions of a scene")
      ->default_str("12")
      ->check(whole(0, 99));
  scenes.flag("Scenes", "--user-noise", args.user_noise, "Three questions in ten as users type them");
  scenes.threads();
  scenes.value("Output", "-o,--out", args.out, "DIR", "Folder to write, new or empty");
  scenes.repeated("Output", "--format", args.formats, "LIST",
                  "coco, narratives, vqav2, gqa, textvqa, pope, refcoco, tallyqa, llava, alttext, canonical, "
                  "webdataset; all if left out");
  scenes.flag("Output", "--noisy", args.noisy, "Annotators' mistakes; the truth goes below truth/");
  scenes.value("Output", "--sheet", args.sheet, "FILE.png",
               "Draw the first 20 scenes with boxes and a question");
  scenes.flag("Output", "--resume", o.output.resume, "Go on with a folder that a stopped run left");
  scenes.flag("Output", "--force", args.force, "Replace what an earlier run wrote there");
  scenes.flag("Output", "--json", o.output.json, "Print one JSON object at the end");
  scenes.common_output();
}

void add_data_atlas(CLI::App& data, Options& o) {
  Builder atlas(add_verb(data, "data atlas"), o);
  atlas.positional("SOURCES", o.data.in,
                   "Folder with unpacked npm packages of Iconify, such as node_modules, or of stamps");
  atlas.positional("OUT", o.data.out, "NAME.tar to write");
  atlas
      .choice("Drawings", "--tier", o.data.tier, "a|b|c|photo",
              "Sets by licence: permissive, attribution, share alike; or Tux Paint's photographs")
      ->default_str("a");
  atlas.value("Drawings", "--side", o.data.side, "N", "Long side of each drawing in pixels")
      ->default_str("96")
      ->check(whole(16, 1024));
  atlas.value("Drawings", "--labels", o.data.labels, "FILE",
              "Label table to use instead of the installed one");
  atlas.common_output();
}

void add_work_folder(Builder& verb, PipelineArgs& args) {
  verb.value("Run", "-w,--work", args.work, "DIR", "Work folder of the run")->required();
}

void add_data_run(CLI::App& data, Options& o) {
  Builder run(add_verb(data, "data run"), o);
  PipelineArgs& args = o.pipeline;
  run.positional("RECIPE", args.recipe, "What to make of which annotations, with which models");
  add_work_folder(run, args);
  run.value("Run", "--workers", args.workers, "N", "Processes")->default_str("1")->check(whole(1, 1024));
  run.value("Run", "--batch", args.batch, "DIR", "Ask nobody; write what would be asked to files there");
  run.flag("Run", "--again", args.again, "Try pictures again that have failed in an earlier run");
  run.flag("Run", "--no-finish", args.no_finish, "Leave the training shards to 'data finish'");
  run.flag("Output", "--json", o.output.json, "Print one JSON object at the end");
  run.common_output();
}

void add_data_work(CLI::App& data, Options& o) {
  Builder work(add_verb(data, "data work"), o);
  PipelineArgs& args = o.pipeline;
  add_work_folder(work, args);
  work.value("Run", "--rank", args.rank, "I", "Number of this worker, from 0")
      ->default_str("0")
      ->check(whole(0, 1'000'000));
  work.value("Run", "--of", args.of, "N", "Workers in all")->default_str("1")->check(whole(1, 1'000'000));
  work.flag("Run", "--no-wait", args.no_wait, "End when only shards of other workers are left");
  work.value("Run", "--batch", args.batch, "DIR", "Ask nobody; write what would be asked to files there");
  work.common_output();
}

void add_data_submit(CLI::App& data, Options& o) {
  Builder submit(add_verb(data, "data submit"), o);
  PipelineArgs& args = o.pipeline;
  submit.positional("RECIPE", args.recipe, "What to make of which annotations, with which models");
  add_work_folder(submit, args);
  submit.flag("Run", "--slurm", args.slurm, "As an array of Slurm jobs, the only way there is");
  submit.value("Run", "--tasks", args.tasks, "N", "Workers; as many as shards are missing if left out")
      ->check(whole(1, 1'000'000));
  submit
      .value("Run", "--max-array", args.most_array, "N", "Tasks of one array; the site's limit if left out")
      ->check(whole(1, 10'000'000));
  submit.repeated("Run", "--sbatch", args.sbatch, "OPTION", "Option for sbatch (repeatable)");
  submit.flag("Run", "--no-finish", args.no_finish, "Leave the training shards to 'data finish'");
  submit.flag("Output", "--print", args.print, "Print the commands and submit nothing");
  submit.common_output();
}

void add_data_finish(CLI::App& data, Options& o) {
  Builder finish(add_verb(data, "data finish"), o);
  add_work_folder(finish, o.pipeline);
  finish.threads();
  finish.flag("Output", "--json", o.output.json, "Print one JSON object at the end");
  finish.common_output();
}

void add_data_report(CLI::App& data, Options& o) {
  Builder report(add_verb(data, "data report"), o);
  add_work_folder(report, o.pipeline);
  report.value("Report", "--reference", o.pipeline.reference, "FILE",
               "What an earlier run printed with --json: drops against it are alerts too");
  report.threads();
  report.value("Output", "-o,--html", o.pipeline.html, "FILE.html", "Page to write [WORK/report.html]");
  report.flag("Output", "--json", o.output.json, "Print one JSON object");
  report.common_output();
}

void add_data_explain(CLI::App& data, Options& o) {
  Builder explain(add_verb(data, "data explain"), o);
  explain.positional("SAMPLE", o.pipeline.sample, "Id of a sample, or key of a picture");
  add_work_folder(explain, o.pipeline);
  explain.flag("Output", "--json", o.output.json, "Print one JSON object");
  explain.common_output();
}

void add_data_stage(CLI::App& data, Options& o) {
  Builder stage(add_verb(data, "data stage"), o);
  PipelineArgs& args = o.pipeline;
  stage.positional("STAGE", args.stage, "S0 to S12");
  stage.positional("PICTURE", args.sample, "Key of a picture, or id of one of its samples");
  add_work_folder(stage, args);
  stage.value("Stage", "--recipe", args.recipe, "FILE",
              "Thresholds, prompts and models of this recipe instead of the run's");
  stage.flag("Stage", "--chunk", args.chunk, "All pictures of the chunk that holds this one");
  stage.flag("Stage", "--call", args.call, "Ask the servers for answers that the run has not stored");
  stage.flag("Output", "--compare", args.compare,
             "Say whether it equals what is stored; status 1 where it does not");
  stage.flag("Output", "--json", o.output.json, "Print one JSON object a line");
  stage.common_output();
}

void add_data_estimate(CLI::App& data, Options& o) {
  Builder estimate(add_verb(data, "data estimate"), o);
  estimate.positional("RECIPE", o.pipeline.recipe, "What to make of which annotations, with which models");
  estimate.flag("Output", "--json", o.output.json, "Print one JSON object");
  estimate.common_output();
}

void add_data_answers(CLI::App& data, Options& o) {
  Builder answers(add_verb(data, "data answers"), o);
  PipelineArgs& args = o.pipeline;
  answers.positional("RESULTS", args.results, "What the service gave back");
  answers.positional("CALLS", args.calls, "NAME.calls.jsonl, which lies beside the batch file");
  add_work_folder(answers, args);
  answers.flag("Output", "--json", o.output.json, "Print one JSON object");
  answers.common_output();
}

void add_eval(CLI::App& app, Options& o) {
  Builder scenes(add_verb(add_verb_of_verbs(app, "eval"), "eval scenes"), o);
  scenes.repeated("Scenes", "--split", o.scenes.splits, "NAME",
                  "train, val-seed, val-bg, val-style, val-photo or val-real (repeatable) [val-seed]");
  add_scene_options(scenes, o.scenes);
  scenes.flag("Scenes", "--plain", o.scenes.plain, "Ask without the words that want a short answer");
  scenes.flag("Scenes", "--user-noise", o.scenes.user_noise, "Three questions in ten as users type them");
  scenes.model();
  scenes.value("Output", "-o,--output", o.output.out, "FILE", "Write acceptance.json there");
  scenes.value("Output", "--answers", o.scenes.answers, "FILE",
               "Write every question and answer there, JSON lines");
  scenes.flag("Output", "--json", o.output.json, "One JSON object a split, each on one line");
  scenes.common_output();
}

void add_tokenizer_training(CLI::App& train, Options& o) {
  CLI::App& app = add_verb(train, "train tokenizer");
  Builder tokenizer(app, o);
  app.add_option("--input", o.tokenizer.inputs, "Text to learn from, a line at a time (repeatable)")
      ->option_text("FILE...")
      ->group("Text")
      ->take_all();
  tokenizer.value("Text", "--vocab", o.tokenizer.vocab, "N", "Ids in all")
      ->default_str("2048")
      ->check(whole(257, 1 << 20));
  tokenizer.value("Text", "--special", o.tokenizer.special, "N", "Control tokens, the first ids")
      ->default_str("10")
      ->check(whole(1, 1024));
  tokenizer.value("Output", "-o,--out", o.files.out, "FILE", "tokenizer.json to write, whole or not at all");
  tokenizer.common_output();
}

}  // namespace

void add_training_verbs(CLI::App& app, Options& o) {
  CLI::App& data = add_verb_of_verbs(app, "data");
  add_data_scenes(data, o);
  add_data_run(data, o);
  add_data_work(data, o);
  add_data_submit(data, o);
  add_data_finish(data, o);
  add_data_report(data, o);
  add_data_explain(data, o);
  add_data_stage(data, o);
  add_data_estimate(data, o);
  add_data_answers(data, o);
  add_data_atlas(data, o);
  add_eval(app, o);
  add_tokenizer_training(add_verb_of_verbs(app, "train"), o);
}

}  // namespace moonbeam::cli
