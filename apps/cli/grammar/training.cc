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

void add_eval(CLI::App& app, Options& o) {
  Builder scenes(add_verb(add_verb_of_verbs(app, "eval"), "eval scenes"), o);
  scenes.repeated("Scenes", "--split", o.scenes.splits, "NAME",
                  "train, val-seed, val-bg, val-style or val-photo (repeatable) [val-seed]");
  add_scene_options(scenes, o.scenes);
  scenes.flag("Scenes", "--plain", o.scenes.plain, "Ask without the words that want a short answer");
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
  add_data_atlas(data, o);
  add_eval(app, o);
  add_tokenizer_training(add_verb_of_verbs(app, "train"), o);
}

}  // namespace moonbeam::cli
