// Verbs about model files: what they hold, changing them, fetching and removing them.
#include "cli/grammar/builder.h"

namespace moonbeam::cli {

namespace {

/// What a model is written as.
void add_container(Builder& verb, FileArgs& files) {
  verb.choice(
      "Model", "--dtype", files.dtype, "f32|f16|bf16|q8_0|q4_0",
      "Type of the weights; each tensor's own if left out; the last two with --layout llama.cpp only");
  verb.choice("Model", "--layout", files.layout, "llama.cpp",
              "Write llama.cpp's two files into the folder OUT; for models of one crop");
}

void add_inspect(CLI::App& app, Options& o) {
  Builder inspect(add_verb(app, "inspect"), o);
  inspect.positional("MODEL", o.files.in, "File, folder or name; the default model if left out");
  inspect.flag("Output", "--tensors", o.files.tensors, "List every tensor");
  inspect.flag("Output", "--verify", o.files.verify, "Read every value and refuse NaN and infinity");
  inspect.flag("Output", "--json", o.output.json, "Print one JSON object");
  inspect.common_output();
}

void add_convert(CLI::App& app, Options& o) {
  Builder convert(add_verb(app, "convert"), o);
  convert.positional("IN", o.files.in, "Model to read");
  convert.positional("OUT", o.files.out,
                     "NAME.gguf for one file, NAME/ for a folder in the published layout; there is no other");
  add_container(convert, o.files);
  convert.value("Parts", "--vision", o.files.vision, "DIR",
                "SigLIP image encoder of a new model: config.json and safetensors; IN is left out then");
  convert.value("Parts", "--text", o.files.text, "DIR",
                "Phi text model of a new model, with its tokenizer.json");
  convert
      .value("Parts", "--seed", o.files.seed, "N",
             "Of the projector and region heads, which have learnt nothing")
      ->default_str("0")
      ->check(whole_from_zero());
  convert.value("Output", "-o,--out", o.files.out, "OUT", "The same as OUT");
  convert.value("Model", "--variant", o.model.variant, "NAME", "Variant, where the file does not tell it");
  convert.value("Model", "--adapter", o.model.adapter, "FILE",
                "LoRA adapter to merge into the weights, which stay f32, f16 or bf16");
  convert.value("Model", "--tokenizer", o.files.tokenizer, "FILE",
                "tokenizer.json to use instead of the one found");
  convert.value("Model", "--licence", o.files.licence, "ID",
                "SPDX identifier to state in the file instead of the source's");
  convert.common_output();
}

void add_quantize(CLI::App& app, Options& o) {
  Builder quantize(add_verb(app, "quantize"), o);
  quantize.positional("IN", o.files.in, "Model to read, of any container and type");
  quantize.positional("OUT", o.files.out, "NAME.gguf to write");
  quantize
      .choice("Model", "--mode", o.files.mode, "bf16|int8|int4", "Arithmetic that the file is packed for")
      ->default_str("int8");
  quantize.value("Model", "--recipe", o.files.recipe, "FILE",
                 "Types by the names of tensors, instead of the mode's own recipe");
  quantize.flag("Model", "--print-recipe", o.files.print_recipe, "Print the recipe, read and write nothing");
  quantize.flag("Model", "--no-measure", o.files.no_measure,
                "Do not measure the errors, which runs the model in f32 too");
  quantize.value("Model", "--adapter", o.model.adapter, "FILE",
                 "LoRA adapter to merge into the weights first, which are f32, f16 or bf16");
  quantize.value("Model", "--variant", o.model.variant, "NAME", "Variant, where the file does not tell it");
  quantize.value("Model", "--tokenizer", o.files.tokenizer, "FILE",
                 "tokenizer.json to use instead of the one found");
  quantize.value("Model", "--licence", o.files.licence, "ID",
                 "SPDX identifier to state in the file instead of the source's");
  quantize.threads();
  quantize.common_output();
}

void add_weights(CLI::App& app, Options& o) {
  CLI::App& weights = add_verb_of_verbs(app, "weights");
  Builder synth(add_verb(weights, "weights synth"), o);
  synth.positional("VARIANT", o.files.in, "A variant's name, as after synth: in --model");
  synth.positional("OUT", o.files.out, "NAME.gguf for one file, NAME/ for a folder in the published layout");
  add_container(synth, o.files);
  synth.common_output();
}

void add_downloads(CLI::App& app, Options& o) {
  Builder pull(add_verb(app, "pull"), o);
  pull.positional("MODEL", o.pull.model,
                  "NAME[@REVISION][:DTYPE] or hf:OWNER/NAME[@REVISION]; the newest Moondream 2 if left out");
  pull.value("Model", "--revision", o.pull.revision, "R",
             "Branch, tag or commit, instead of one in the name");
  pull.value("Model", "--from", o.pull.from, "URL|DIR",
             "Mirror: a server with the hub's API, or a folder, here or at a URL, with manifest.json");
  pull.flag("Model", "--offline", o.model.offline, "Refuse to use the network");
  pull.flag("Output", "--list", o.pull.list,
            "Show what can be downloaded; with MODEL its files. Downloads nothing");
  pull.flag("Output", "--json", o.output.json, "One JSON object");
  pull.common_output();

  Builder list(add_verb(app, "list"), o);
  list.flag("Output", "--json", o.output.json, "One JSON object a model, each on one line");
  list.flag("Output", "--names", o.files.names, "Names only, one a line");

  Builder remove(add_verb(app, "rm"), o);
  remove.positional("MODEL", o.pull.model, "Name as list shows it");
  remove.common_output();
}

}  // namespace

void add_model_verbs(CLI::App& app, Options& o) {
  add_downloads(app, o);
  add_inspect(app, o);
  add_convert(app, o);
  add_quantize(app, o);
  add_weights(app, o);
}

}  // namespace moonbeam::cli
