// The CLI11 tree: one function a group of options, one table row a verb. Parsing is args.cc.
#include <algorithm>
#include <array>
#include <functional>

#include "cli/args.h"
#include "cli/errors.h"
#include "cli/serve_args.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

constexpr std::array kVerbs = std::to_array<VerbInfo>({
    {"caption", "IMAGE... [OPTIONS]", "Describe pictures",
     "moonbeam caption photo.jpg\n"
     "moonbeam caption --length short *.jpg\n"
     "moonbeam caption -r photos --json -o captions.jsonl --resume\n"
     "curl -s https://example.org/cat.jpg | moonbeam caption -\n"
     "moonbeam caption photo.jpg --remote http://server:2020"},
    {"query", "IMAGE... QUESTION [OPTIONS]", "Answer questions about pictures",
     "moonbeam query photo.jpg \"What is on the table?\"\n"
     "moonbeam query photo.jpg -q \"How many people?\" -q \"Is it day?\"\n"
     "moonbeam query street.png --ref 0.4,0.5 \"What is this?\"\n"
     "moonbeam query \"Why is the sky blue?\""},
    {"detect", "IMAGE... OBJECT [OPTIONS]", "Find objects, as boxes",
     "moonbeam detect photo.jpg dog\n"
     "moonbeam detect photo.jpg \"red car\" --draw out.png\n"
     "moonbeam detect photos --object face --object hand --draw boxes/ --json\n"
     "moonbeam detect -r val2017 person --format coco -o detections.json"},
    {"point", "IMAGE... OBJECT [OPTIONS]", "Find objects, as points",
     "moonbeam point photo.jpg \"door handle\"\n"
     "moonbeam point sheep.jpg sheep --json | jq .count"},
    {"gaze", "IMAGE X,Y [OPTIONS]", "Find where a person looks",
     "moonbeam gaze photo.jpg 0.41,0.22\n"
     "moonbeam gaze photo.jpg --face 0.35,0.1,0.48,0.35 --draw out.png"},
    {"chat", "[IMAGE] [OPTIONS]", "Talk about a picture, line by line",
     "moonbeam chat photo.jpg\n"
     "printf '%s\\n' 'Is there a dog?' '/detect dog' | moonbeam chat photo.jpg"},
    {"inspect", "[MODEL] [OPTIONS]", "Show what a model file holds",
     "moonbeam inspect\n"
     "moonbeam inspect model.safetensors --tensors\n"
     "moonbeam inspect moondream2/ --verify --json"},
    {"convert", "IN OUT [OPTIONS]", "Change a model's container or plain type, or join parts to a new one",
     "moonbeam convert moondream2/ moondream2.gguf\n"
     "moonbeam convert moondream2.gguf folder/ --dtype f16\n"
     "moonbeam convert tiny tuned.gguf --adapter adapter.safetensors\n"
     "moonbeam convert --vision siglip-so400m-patch14-384/ --text phi-1_5/ fused/"},
    {"quantize", "IN OUT.gguf [OPTIONS]", "Pack a model's weights in 8 or 4 bits",
     "moonbeam quantize moondream2/ moondream2-int8.gguf\n"
     "moonbeam quantize moondream2.gguf moondream2-int4.gguf --mode int4\n"
     "moonbeam quantize --print-recipe --mode int4 > recipe.txt\n"
     "moonbeam quantize moondream2/ mine.gguf --recipe recipe.txt"},
    {"weights", "synth VARIANT OUT", "Make model files without training",
     "moonbeam weights synth moondream2 synth.gguf"},
    {"weights synth", "VARIANT OUT [OPTIONS]", "Write the seeded weights that tests and benchmarks use",
     "moonbeam weights synth moondream2 synth.gguf --dtype bf16"},
    {"data", "scenes|atlas", "Make what models are trained with",
     "moonbeam data scenes --n 1000 --out scenes\n"
     "moonbeam data atlas node_modules atlas.tar"},
    {"data scenes", "--out DIR [OPTIONS]", "Draw scenes with their truth, questions and answers",
     "moonbeam data scenes --n 1000 --out scenes\n"
     "moonbeam data scenes --n 50000 --split train --format webdataset --out shards --resume\n"
     "moonbeam data scenes --n 5000 --noisy --format coco,narratives,alttext --out noisy\n"
     "moonbeam data scenes --sheet sheet.png"},
    {"data atlas", "SOURCES OUT.tar [OPTIONS]", "Rasterise the drawings that scenes are drawn with",
     "moonbeam data atlas node_modules data/atlas.tar\n"
     "moonbeam data atlas packages data/assets/atlas-style.tar --tier c"},
    {"eval", "scenes", "Measure how well a model sees", "moonbeam eval scenes"},
    {"eval scenes", "[OPTIONS]", "Ask a model about drawn scenes whose truth is known",
     "moonbeam eval scenes\n"
     "moonbeam eval scenes -m models/tiny --split val-seed --split val-style -o acceptance.json\n"
     "moonbeam eval scenes --n 200 --classes 20 --plain --json"},
    {"serve", "[OPTIONS]", "Answer over HTTP what clients of Moondream ask",
     "moonbeam serve\n"
     "moonbeam serve -m tiny --port 8080\n"
     "moonbeam serve --host 0.0.0.0 --api-key-file keys.txt --allowed-host vision.lan"},
    {"live", "[OPTIONS]", "Serve, and show a page that says what a camera sees",
     "moonbeam live --open\n"
     "moonbeam live --source photos\n"
     "moonbeam live --source camera:/dev/video0 -m tiny --port 8080"},
    {"train", "RECIPE --out RUN [OPTIONS]", "Train a model; the trainer is a program beside this one",
     "moonbeam train train/recipes/tiny.toml --out run\n"
     "moonbeam train --resume run --minutes 8\n"
     "moonbeam train report run\n"
     "moonbeam train tokenizer --help"},
    {"train tokenizer", "--input FILE... --out tokenizer.json [OPTIONS]",
     "Learn a tokenizer from text, each line by itself",
     "moonbeam train tokenizer --input questions.txt words.txt --vocab 2048 --out tokenizer.json"},
    {"mockllm", "[OPTIONS]", "Serve a mock of a language model, for tests of what asks one",
     "moonbeam mockllm --port 8001\n"
     "moonbeam mockllm --fault 429=0.05,retry_after=1 --fault reset=0.02 --fault hallucinate=0.05,stage=S3\n"
     "moonbeam mockllm --truth scenes --truth-error 0.02"},
    {"bench", "[OPTIONS]", "Measure how fast a model runs here",
     "moonbeam bench\n"
     "moonbeam bench -m synth:moondream2 --mode int8 -t 2 --repeat 9 --json"},
    {"mcp", "[OPTIONS]", "Give agents eyes: a server of the Model Context Protocol",
     "moonbeam mcp --root ~/Pictures\n"
     "moonbeam mcp -m moondream2 --root photos --root scans"},
    {"pull", "[MODEL] [OPTIONS]", "Download a model",
     "moonbeam pull moondream2\n"
     "moonbeam pull moondream2@2025-01-09\n"
     "moonbeam pull moondream2:int4\n"
     "moonbeam pull hf:OWNER/NAME --revision main\n"
     "moonbeam pull moondream2 --from https://mirror.example.org/models\n"
     "moonbeam pull --list"},
    {"list", "[OPTIONS]", "List the models found", "moonbeam list\nmoonbeam list --json"},
    {"rm", "MODEL [OPTIONS]", "Remove a model that was downloaded", "moonbeam rm moondream2@2025-01-09"},
    {"doctor", "[OPTIONS]", "Check settings, machine and models",
     "moonbeam doctor\n"
     "moonbeam doctor -m model.gguf -t 4"},
    {"completion", "bash|zsh|fish", "Print a shell's completions",
     "source <(moonbeam completion bash)\n"
     "moonbeam completion zsh > ~/.zfunc/_moonbeam\n"
     "moonbeam completion fish > ~/.config/fish/completions/moonbeam.fish"},
    {"version", "[OPTIONS]", "Print the version", "moonbeam version"},
});

constexpr std::array kAbsent = std::to_array<AbsentVerb>({
    {"batch", "batch files"},
});

constexpr std::array<std::string_view, 2> kAbsentFlags = {"--allow-url", "--dtype"};

/// Checks a number and says in words what was expected.
template <typename T>
CLI::Validator number(std::optional<T> (*parse_number)(std::string_view), bool (*good)(T),
                      std::string expected) {
  return CLI::Validator(
      [=](std::string& text) {
        const std::optional<T> value = parse_number(text);
        if (value && good(*value)) return std::string();
        return "expected " + expected + ", got '" + printable(text) + "'";
      },
      "");
}

/// Adds options to one verb; each returns the option for a default or a check.
class Builder {
 public:
  Builder(CLI::App& app, Options& options) : app_(app), o_(options) {
    app_.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
    app_.add_option("--config", o_.config, "Read settings from this file too")
        ->option_text("FILE")
        ->group("Other");
  }

  template <typename T>
  CLI::Option* value(const char* group, const char* names, T& field, const char* argument, const char* help) {
    return app_.add_option(names, field, help)
        ->option_text(argument)
        ->group(group)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  CLI::Option* flag(const char* group, const char* names, bool& field, const char* help) {
    return app_.add_flag(names, field, help)->group(group);
  }
  CLI::Option* repeated(const char* group, const char* names, std::vector<std::string>& field,
                        const char* argument, const char* help) {
    return app_.add_option(names, field, help)
        ->option_text(argument)
        ->group(group)
        ->take_all()
        ->allow_extra_args(false);
  }
  CLI::Option* choice(const char* group, const char* names, std::string& field, const char* argument,
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
  void positional(const char* name, std::string& field, const char* help) {
    app_.add_option(name, field, help);
  }

  void pictures(const char* help) {
    app_.add_option("IMAGE", o_.positionals, help);
    const char* group = "Pictures";
    flag(group, "-r,--recursive", o_.pictures.recursive, "Look into subfolders of folders");
    flag(group, "--no-orientation,--no-exif", o_.pictures.no_orientation,
         "Do not turn photos as their EXIF data says");
    flag(group, "--fail-fast", o_.pictures.fail_fast, "Stop at the first picture that fails");
  }

  void model() {
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
  void remote() {
    const char* group = "Server";
    value(group, "--remote", o_.remote.url, "URL", "Ask a server instead of loading a model");
    value(group, "--api-key", o_.remote.key, "KEY", "Its key; other users see it while this runs");
    value(group, "--api-key-file", o_.remote.key_file, "FILE",
          "File with the key; else MOONBEAM_API_KEY or MOONDREAM_API_KEY");
  }
  void threads() {
    value("Model", "-t,--threads", o_.model.threads, "N", "Threads; 0 for all cores this process may use")
        ->default_str("0")
        ->check(number<std::int64_t>(
            parse_int, [](std::int64_t n) { return n >= 0 && n <= 4096; }, "0 to 4096"));
  }

  void sampling() {
    const char* group = "Text";
    value(group, "--temperature", o_.sampling.temperature, "X",
          "0 takes the likeliest token, more adds chance")
        ->default_str("0")
        ->check(number<double>(
            parse_double, [](double x) { return x >= 0; }, "a number from 0"));
    value(group, "--top-p", o_.sampling.top_p, "X",
          "Draw from the likeliest tokens of this total probability")
        ->default_str("1")
        ->check(number<double>(
            parse_double, [](double x) { return x > 0 && x <= 1; }, "a number above 0, at most 1"));
    value(group, "--max-tokens", o_.sampling.max_tokens, "N", "Longest answer")
        ->default_str("768")
        ->check(number<std::int64_t>(
            parse_int, [](std::int64_t n) { return n >= 1 && n <= 1'000'000; }, "1 to 1000000"));
    value(group, "--seed", o_.sampling.seed, "N", "Same seed, same draws")
        ->default_str("0")
        ->check(number<std::int64_t>(
            parse_int, [](std::int64_t n) { return n >= 0; }, "a whole number from 0"));
    repeated(group, "--stop", o_.sampling.stop, "TEXT", "End the answer before this text (repeatable)");
    flag(group, "--stream", o_.output.stream, "Print text as it is made (default on a terminal)");
    flag(group, "--no-stream", o_.output.no_stream, "Print text when it is whole");
  }

  void objects() {
    repeated("Objects", "--object", o_.ask.objects, "NAME",
             "Object to find; then every argument is a picture (repeatable)");
    value("Objects", "--max-objects", o_.ask.max_objects, "N", "Stop after this many")
        ->default_str("50")
        ->check(number<std::int64_t>(
            parse_int, [](std::int64_t n) { return n >= 1 && n <= 100'000; }, "1 to 100000"));
    flag("Objects", "--clamp", o_.ask.clamp, "Cut coordinates to the picture, 0 to 1");
  }

  void draw() {
    value("Objects", "--draw", o_.ask.draw, "FILE|DIR",
          "Draw what was found: a .png or .jpg, or into a folder");
  }

  void output(const char* formats) {
    const char* group = "Output";
    flag(group, "--json", o_.output.json, "One JSON object a picture, each on one line");
    choice(group, "--format", o_.output.format, formats, "What to print")->default_str("text");
    value(group, "-o,--output", o_.output.out, "FILE",
          "Write there instead of standard output, whole or not at all");
    flag(group, "--resume", o_.output.resume, "With --json -o: add to FILE, skip pictures that it answers");
    flag(group, "--stats", o_.output.stats, "Print times and peak memory to standard error");
    common_output();
  }
  void common_output() {
    const char* group = "Output";
    flag(group, "--quiet", o_.output.quiet, "No notes and no progress, errors only");
    flag(group, "-v,--verbose", o_.output.verbose, "Say more about the model and each picture");
    choice(group, "--color", o_.output.color, "auto|always|never", "Colours on standard error")
        ->default_str("auto");
  }

 private:
  CLI::App& app_;
  Options& o_;
};

CLI::App& add_verb(CLI::App& parent, std::string_view name) {
  const VerbInfo* info = find_verb(name);
  const std::string last(name.substr(name.rfind(' ') + 1));  // npos + 1 is 0
  return *parent.add_subcommand(last, std::string(info->summary));
}

void add_tasks(CLI::App& app, Options& o) {
  constexpr const char* kImages = "Files, folders, globs, @LIST, data: URIs, or - for standard input";
  Builder caption(add_verb(app, "caption"), o);
  caption.pictures(kImages);
  caption.choice("Text", "--length", o.ask.length, "short|normal|long", "Length of the caption")
      ->default_str("normal");
  caption.sampling(), caption.model(), caption.remote(), caption.output("text|json|csv|coco");

  Builder query(add_verb(app, "query"), o);
  query.pictures(kImages);
  query.repeated("Text", "-q,--question", o.ask.questions, "TEXT",
                 "Question; then every argument is a picture (repeatable)");
  query.flag("Text", "--reasoning", o.ask.reasoning, "Think first, where the model can");
  query.repeated("Text", "--ref", o.ask.refs, "X,Y|X0,Y0,X1,Y1",
                 "Place the question is about, 0 to 1 (repeatable)");
  query.value("Text", "--schema", o.ask.schema, "FILE|JSON", "Answer in JSON after this JSON schema");
  query.sampling(), query.model(), query.remote(), query.output("text|json|csv");

  for (const char* name : {"detect", "point"}) {
    Builder verb(add_verb(app, name), o);
    verb.pictures(kImages);
    verb.objects(), verb.draw(), verb.model(), verb.remote();
    verb.output(std::string_view(name) == "detect" ? "text|json|csv|coco" : "text|json|csv");
  }

  Builder gaze(add_verb(app, "gaze"), o);
  gaze.pictures("A picture, then where the eyes are: X,Y from 0 to 1");
  gaze.value("Objects", "--face", o.ask.face, "X0,Y0,X1,Y1",
             "The face's box, instead of X,Y: slower, steadier");
  gaze.flag("Objects", "--force", o.ask.force, "Give a point even where the model sees none");
  gaze.flag("Objects", "--clamp", o.ask.clamp, "Cut coordinates to the picture, 0 to 1");
  gaze.draw(), gaze.model(), gaze.output("text|json|csv");

  Builder chat(add_verb(app, "chat"), o);
  chat.pictures("The picture to talk about");
  chat.choice("Text", "--length", o.ask.length, "short|normal|long", "Length of captions")
      ->default_str("normal");
  chat.sampling(), chat.objects(), chat.model(), chat.common_output();
  chat.flag("Output", "--stats", o.output.stats, "Print times after each answer");
}

/// What scenes are drawn with, for data and for evaluation.
void add_scene_options(Builder& verb, ScenesArgs& scenes) {
  const char* group = "Scenes";
  verb.value(group, "-n,--n", scenes.count, "N", "Scenes")
      ->default_str(std::to_string(scenes.count))
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 1 && n <= 1'000'000'000; }, "1 to 1000000000"));
  verb.value(group, "--seed", scenes.seed, "N", "Same seed, same scenes")
      ->default_str("0")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 0; }, "a whole number from 0"));
  verb.value(group, "--classes", scenes.classes, "N", "Things drawn: the first N of the label table")
      ->default_str("100")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 1 && n <= 4096; }, "1 to 4096"));
  verb.value(group, "--size", scenes.size, "WxH", "Pixels of a picture")->default_str("196x196");
  verb.value(group, "--max-objects", scenes.max_objects, "N", "Most things in a scene")
      ->default_str("6")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 1 && n <= 12; }, "1 to 12"));
  verb.value(group, "--clutter", scenes.clutter, "X", "0 plain backgrounds to 1 everything")
      ->default_str("1")
      ->check(number<double>(
          parse_double, [](double x) { return x >= 0 && x <= 1; }, "a number from 0 to 1"));
  verb.flag(group, "--occlusion", scenes.occlusion, "Things hide up to 60 % of others");
  verb.flag(group, "--reading", scenes.reading, "Signs with text, and questions about it");
  verb.flag(group, "--no-degrade", scenes.no_degrade, "No noise, no JPEG damage, no blur");
}

constexpr const char* kSplits = "train|val-seed|val-bg|val-style|val-photo";

void add_mockllm(CLI::App& app, Options& o) {
  MockArgs& mock = o.mock;
  Builder verb(add_verb(app, "mockllm"), o);
  const auto positive = number<double>(
      parse_double, [](double x) { return x >= 0; }, "a number from 0");
  const auto share = number<double>(
      parse_double, [](double x) { return x >= 0 && x <= 1; }, "a number from 0 to 1");
  verb.value("Server", "--host", mock.host, "ADDRESS", "Address to listen on")->default_str("127.0.0.1");
  verb.value("Server", "--port", mock.port, "N", "Port; 0 for a free one, which is printed")
      ->default_str("0")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 0 && n <= 65535; }, "0 to 65535"));
  verb.value("Server", "--key-env", mock.key_env, "NAME",
             "Ask for the key that this environment variable holds");
  verb.repeated("Server", "--model", mock.models, "NAME", "Know only this model (repeatable)");
  verb.repeated("Server", "--dialect", mock.dialects, "NAME",
                "Heed schemas in this form: json_schema, structured_outputs, guided_json, llama_schema, "
                "json_object (repeatable)");
  verb.value("Answers", "--seed", mock.seed, "N", "Same seed, same answers to the same requests")
      ->default_str("0")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 0; }, "a whole number from 0"));
  verb.value("Answers", "--truth", mock.truth, "DIR",
             "Answer questions about pictures by the truth of this set of 'data scenes'");
  verb.value("Answers", "--truth-error", mock.truth_error, "X", "Share of them that is answered wrongly")
      ->default_str("0")
      ->check(share);
  verb.repeated("Faults", "--fault", mock.faults, "NAME=SHARE[,OPTION=VALUE...]",
                "What goes wrong, and how often (repeatable; docs/data.md lists them)");
  verb.value("Faults", "--faults", mock.faults_file, "FILE", "The same, one a line");
  verb.value("Faults", "--latency", mock.latency_ms, "MS", "Wait before each answer")
      ->default_str("0")
      ->check(positive);
  verb.value("Faults", "--token-time", mock.token_ms, "MS", "And for each token of it")
      ->default_str("0")
      ->check(positive);
  verb.value("Faults", "--capacity", mock.capacity, "N",
             "Send away with 429 what is more at a time; 0: nothing")
      ->default_str("0")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 0 && n <= 1'000'000; }, "0 to 1000000"));
  verb.value("Faults", "--per-minute", mock.per_minute, "N", "And what is more a minute; 0: nothing")
      ->default_str("0")
      ->check(positive);
  verb.common_output();
}

void add_data_scenes(CLI::App& data, Options& o) {
  Builder scenes(add_verb(data, "data scenes"), o);
  ScenesArgs& args = o.scenes;
  scenes.choice("Scenes", "--split", args.split, kSplits, "Which scenes")->default_str("val-seed");
  add_scene_options(scenes, args);
  scenes.value("Scenes", "--questions", args.questions, "N", "Most questions of a scene")
      ->default_str("12")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 0 && n <= 99; }, "0 to 99"));
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

void add_eval(CLI::App& app, Options& o) {
  CLI::App& eval = add_verb(app, "eval");
  eval.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  eval.require_subcommand(1);
  Builder scenes(add_verb(eval, "eval scenes"), o);
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
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 257 && n <= 1 << 20; }, "257 to 1048576"));
  tokenizer.value("Text", "--special", o.tokenizer.special, "N", "Control tokens, the first ids")
      ->default_str("10")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 1 && n <= 1024; }, "1 to 1024"));
  tokenizer.value("Output", "-o,--out", o.files.out, "FILE", "tokenizer.json to write, whole or not at all");
  tokenizer.common_output();
}

void add_tools(CLI::App& app, Options& o) {
  Builder inspect(add_verb(app, "inspect"), o);
  inspect.positional("MODEL", o.files.in, "File, folder or name; the default model if left out");
  inspect.flag("Output", "--tensors", o.files.tensors, "List every tensor");
  inspect.flag("Output", "--verify", o.files.verify, "Read every value and refuse NaN and infinity");
  inspect.flag("Output", "--json", o.output.json, "Print one JSON object");
  inspect.common_output();

  Builder convert(add_verb(app, "convert"), o);
  convert.positional("IN", o.files.in, "Model to read");
  convert.positional("OUT", o.files.out,
                     "NAME.gguf for one file, NAME/ for a folder in the published layout; there is no other");
  convert.choice(
      "Model", "--dtype", o.files.dtype, "f32|f16|bf16|q8_0|q4_0",
      "Type of the weights; each tensor's own if left out; the last two with --layout llama.cpp only");
  convert.choice("Model", "--layout", o.files.layout, "llama.cpp",
                 "Write llama.cpp's two files into the folder OUT; for models of one crop");
  convert.value("Parts", "--vision", o.files.vision, "DIR",
                "SigLIP image encoder of a new model: config.json and safetensors; IN is left out then");
  convert.value("Parts", "--text", o.files.text, "DIR",
                "Phi text model of a new model, with its tokenizer.json");
  convert
      .value("Parts", "--seed", o.files.seed, "N",
             "Of the projector and region heads, which have learnt nothing")
      ->default_str("0")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 0; }, "a whole number from 0"));
  convert.value("Output", "-o,--out", o.files.out, "OUT", "The same as OUT");
  convert.value("Model", "--variant", o.model.variant, "NAME", "Variant, where the file does not tell it");
  convert.value("Model", "--adapter", o.model.adapter, "FILE",
                "LoRA adapter to merge into the weights, which stay f32, f16 or bf16");
  convert.value("Model", "--tokenizer", o.files.tokenizer, "FILE",
                "tokenizer.json to use instead of the one found");
  convert.value("Model", "--licence", o.files.licence, "ID",
                "SPDX identifier to state in the file instead of the source's");
  convert.common_output();

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
  quantize.value("Model", "--variant", o.model.variant, "NAME", "Variant, where the file does not tell it");
  quantize.value("Model", "--tokenizer", o.files.tokenizer, "FILE",
                 "tokenizer.json to use instead of the one found");
  quantize.value("Model", "--licence", o.files.licence, "ID",
                 "SPDX identifier to state in the file instead of the source's");
  quantize.threads();
  quantize.common_output();

  CLI::App& weights = add_verb(app, "weights");
  weights.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  weights.require_subcommand(1);
  Builder synth(add_verb(weights, "weights synth"), o);
  synth.positional("VARIANT", o.files.in, "A variant's name, as after synth: in --model");
  synth.positional("OUT", o.files.out, "NAME.gguf for one file, NAME/ for a folder in the published layout");
  synth.choice(
      "Model", "--dtype", o.files.dtype, "f32|f16|bf16|q8_0|q4_0",
      "Type of the weights; each tensor's own if left out; the last two with --layout llama.cpp only");
  synth.choice("Model", "--layout", o.files.layout, "llama.cpp",
               "Write llama.cpp's two files into the folder OUT; for models of one crop");
  synth.common_output();

  CLI::App& data = add_verb(app, "data");
  data.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  data.require_subcommand(1);
  add_data_scenes(data, o);
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
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 16 && n <= 1024; }, "16 to 1024"));
  atlas.value("Drawings", "--labels", o.data.labels, "FILE",
              "Label table to use instead of the installed one");
  atlas.common_output();

  add_eval(app, o);

  CLI::App& train = add_verb(app, "train");
  train.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  train.require_subcommand(1);
  add_tokenizer_training(train, o);

  add_mockllm(app, o);

  Builder bench(add_verb(app, "bench"), o);
  bench.model();
  bench.value("Measuring", "--repeat", o.bench.repeat, "N", "Runs of each stage")
      ->default_str("5")
      ->check(number<std::int64_t>(
          parse_int, [](std::int64_t n) { return n >= 1 && n <= 10000; }, "1 to 10000"));
  bench.flag("Measuring", "--no-limits", o.bench.no_limits, "Do not measure the machine itself");
  bench.flag("Output", "--json", o.output.json, "Print the line of JSON alone");
  bench.common_output();

  Builder serve(add_verb(app, "serve"), o);
  serve.model();
  add_serve_options(*app.get_subcommand("serve"), o.serve);
  serve.common_output();

  Builder mcp(add_verb(app, "mcp"), o);
  mcp.repeated("Pictures", "--root", o.mcp.roots, "DIR",
               "Folder whose pictures may be read (repeatable) [the working directory]");
  mcp.model(), mcp.remote(), mcp.common_output();

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

  Builder live(add_verb(app, "live"), o);
  live.value("Page", "--source", o.serve.source, "camera:DEVICE|DIR|VIDEO",
             "What the server itself looks at; without, the page shows it something");
  live.flag("Page", "--open", o.serve.open, "Open the page in this machine's browser");
  live.model();
  add_serve_options(*app.get_subcommand("live"), o.serve);
  live.common_output();

  Builder list(add_verb(app, "list"), o);
  list.flag("Output", "--json", o.output.json, "One JSON object a model, each on one line");
  list.flag("Output", "--names", o.files.names, "Names only, one a line");

  Builder remove(add_verb(app, "rm"), o);
  remove.positional("MODEL", o.pull.model, "Name as list shows it");
  remove.common_output();

  Builder doctor(add_verb(app, "doctor"), o);
  doctor.choice("Text", "--length", o.ask.length, "short|normal|long", "Length of captions")
      ->default_str("normal");
  doctor.sampling(), doctor.objects(), doctor.model();
  doctor.flag("Pictures", "-r,--recursive", o.pictures.recursive, "Look into subfolders of folders");
  doctor.flag("Pictures", "--no-orientation,--no-exif", o.pictures.no_orientation,
              "Do not turn photos as their EXIF data says");
  doctor.flag("Pictures", "--fail-fast", o.pictures.fail_fast, "Stop at the first picture that fails");
  doctor.output("text|json|csv|coco");

  CLI::App& completion_app = add_verb(app, "completion");
  Builder completion(completion_app, o);
  completion.positional("SHELL", o.files.shell, "bash, zsh or fish");

  Builder version(add_verb(app, "version"), o);
  version.flag("Output", "--json", o.output.json, "Print one JSON object");

  CLI::App* man =
      app.add_subcommand("man", "Print the manual page")->group("");  // for the build, not in help
  man->set_help_flag();
}

}  // namespace

std::span<const VerbInfo> verb_table() {
  return kVerbs;
}
std::span<const AbsentVerb> absent_verbs() {
  return kAbsent;
}
std::span<const std::string_view> absent_flags() {
  return kAbsentFlags;
}

const VerbInfo* find_verb(std::string_view name) {
  const auto found =
      std::find_if(kVerbs.begin(), kVerbs.end(), [&](const VerbInfo& verb) { return verb.name == name; });
  return found == kVerbs.end() ? nullptr : &*found;
}

CommandLine::CommandLine()
    : app("Look at pictures with a Moondream model on this machine's CPU.", "moonbeam") {
  app.set_help_flag("-h,--help", "Print this help and exit")->group("Other");
  app.require_subcommand(1);
  add_tasks(app, options);
  add_tools(app, options);
}

std::string verb_name(const CLI::App& app) {
  if (app.get_parent() == nullptr) return {};
  const std::string above = verb_name(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::vector<std::string> choices(const CLI::Option& option) {
  const std::string& argument = option.get_option_text();
  const bool is_list = argument.find('|') != std::string::npos &&
                       argument.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
  return is_list ? split(argument, '|') : std::vector<std::string>();
}

}  // namespace moonbeam::cli
