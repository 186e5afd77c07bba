#include "cli/grammar/builder.h"

#include <algorithm>

#include "cli/args.h"
#include "cli/text.h"

namespace moonbeam::cli {

CLI::App& add_verb(CLI::App& parent, std::string_view name) {
  const VerbInfo* info = find_verb(name);
  const std::string last(name.substr(name.rfind(' ') + 1));  // npos + 1 is 0
  return *parent.add_subcommand(last, std::string(info->summary));
}

CLI::App& add_verb_of_verbs(CLI::App& parent, std::string_view name) {
  CLI::App& verb = add_verb(parent, name);
  verb.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  verb.require_subcommand(1);
  return verb;
}

Builder::Builder(CLI::App& app, Options& options) : app_(app), o_(options) {
  app_.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  app_.add_option("--config", o_.config, "Read settings from this file too")
      ->option_text("FILE")
      ->group("Other");
}

CLI::Option* Builder::flag(const char* group, const char* names, bool& field, const char* help) {
  return app_.add_flag(names, field, help)->group(group);
}

CLI::Option* Builder::repeated(const char* group, const char* names, std::vector<std::string>& field,
                               const char* argument, const char* help) {
  return app_.add_option(names, field, help)
      ->option_text(argument)
      ->group(group)
      ->take_all()
      ->allow_extra_args(false);
}

CLI::Option* Builder::choice(const char* group, const char* names, std::string& field, const char* argument,
                             const char* help) {
  const std::vector<std::string> allowed = split(argument, '|');
  std::string listed;
  for (const std::string& one : allowed) listed += (listed.empty() ? "" : ", ") + one;
  return value(group, names, field, argument, help)
      ->check(CLI::Validator(
          [=](std::string& text) {
            if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return std::string();
            return "expected one of " + listed + ", got '" + printable(text) + "'";
          },
          ""));
}

void Builder::positional(const char* name, std::string& field, const char* help) {
  app_.add_option(name, field, help);
}

void Builder::pictures(const char* help) {
  app_.add_option("IMAGE", o_.positionals, help);
  picture_options();
}

void Builder::picture_options() {
  const char* group = "Pictures";
  flag(group, "-r,--recursive", o_.pictures.recursive, "Look into subfolders of folders");
  flag(group, "--no-orientation,--no-exif", o_.pictures.no_orientation,
       "Do not turn photos as their EXIF data says");
  flag(group, "--fail-fast", o_.pictures.fail_fast, "Stop at the first picture that fails");
}

void Builder::model() {
  const char* group = "Model";
  value(group, "-m,--model", o_.model.model, "MODEL", "File, folder, name of a model, or synth:VARIANT");
  value(group, "--variant", o_.model.variant, "NAME", "Variant, where the file does not tell it");
  value(group, "--adapter", o_.model.adapter, "FILE", "LoRA adapter of the text model: a safetensors file");
  choice(group, "--mode", o_.model.mode, "auto|f32|bf16|int8|int4", "Arithmetic")->default_str("auto");
  threads();
  choice(group, "--isa", o_.model.isa,
         "scalar|avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon|neon_dotprod|neon_i8mm",
         "Kernels to use instead of the best for the CPU");
  flag(group, "--offline", o_.model.offline, "Fetch nothing; pull alone ever does");
  flag(group, "--mmap", o_.model.mmap,
       "Leave a quantised file's weights mapped: less memory, slower decoding");
}

void Builder::remote() {
  const char* group = "Server";
  value(group, "--remote", o_.remote.url, "URL", "Ask a server instead of loading a model");
  value(group, "--api-key", o_.remote.key, "KEY", "Its key; other users see it while this runs");
  value(group, "--api-key-file", o_.remote.key_file, "FILE",
        "File with the key; else MOONBEAM_API_KEY or MOONDREAM_API_KEY");
  value(group, "--cacert", o_.remote.ca_file, "FILE",
        "Certificates in PEM to know an https server by, in place of the system's");
}

void Builder::threads() {
  value("Model", "-t,--threads", o_.model.threads, "N", "Threads; 0 for all cores this process may use")
      ->default_str("0")
      ->check(whole(0, 4096));
}

void Builder::sampling() {
  const char* group = "Text";
  value(group, "--temperature", o_.sampling.temperature, "X", "0 takes the likeliest token, more adds chance")
      ->default_str("0")
      ->check(real_from_zero());
  value(group, "--top-p", o_.sampling.top_p, "X", "Draw from the likeliest tokens of this total probability")
      ->default_str("1")
      ->check(above_zero_to_one());
  value(group, "--max-tokens", o_.sampling.max_tokens, "N", "Longest answer")
      ->default_str("768")
      ->check(whole(1, 1'000'000));
  value(group, "--seed", o_.sampling.seed, "N", "Same seed, same draws")
      ->default_str("0")
      ->check(whole_from_zero());
  repeated(group, "--stop", o_.sampling.stop, "TEXT", "End the answer before this text (repeatable)");
  flag(group, "--stream", o_.output.stream, "Print text as it is made (default on a terminal)");
  flag(group, "--no-stream", o_.output.no_stream, "Print text when it is whole");
}

void Builder::objects() {
  repeated("Objects", "--object", o_.ask.objects, "NAME",
           "Object to find; then every argument is a picture (repeatable)");
  value("Objects", "--max-objects", o_.ask.max_objects, "N", "Stop after this many")
      ->default_str("50")
      ->check(whole(1, 100'000));
  flag("Objects", "--clamp", o_.ask.clamp, "Cut coordinates to the picture, 0 to 1");
}

void Builder::draw() {
  value("Objects", "--draw", o_.ask.draw, "FILE|DIR",
        "Draw what was found: a .png or .jpg, or into a folder");
}

void Builder::output(const char* formats) {
  const char* group = "Output";
  flag(group, "--json", o_.output.json, "One JSON object a picture, each on one line");
  choice(group, "--format", o_.output.format, formats, "What to print")->default_str("text");
  value(group, "-o,--output", o_.output.out, "FILE",
        "Write there instead of standard output, whole or not at all");
  flag(group, "--resume", o_.output.resume, "With --json -o: add to FILE, skip pictures that it answers");
  flag(group, "--stats", o_.output.stats, "Print times and peak memory to standard error");
  common_output();
}

void Builder::common_output() {
  const char* group = "Output";
  flag(group, "--quiet", o_.output.quiet, "No notes and no progress, errors only");
  flag(group, "-v,--verbose", o_.output.verbose, "Say more about the model and each picture");
  choice(group, "--color", o_.output.color, "auto|always|never", "Colours on standard error")
      ->default_str("auto");
}

}  // namespace moonbeam::cli
