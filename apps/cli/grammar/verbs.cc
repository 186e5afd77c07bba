// What each verb is called, does and looks like in use: a row a verb. Their options are built beside this
// file.
#include <algorithm>
#include <array>

#include "cli/args.h"

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
    {"data", "VERB ...", "Make what models are trained with",
     "moonbeam data scenes --n 1000 --out scenes\n"
     "moonbeam data run recipe.toml --work work --workers 4\n"
     "moonbeam data atlas node_modules atlas.tar"},
    {"data run", "RECIPE --work DIR [OPTIONS]",
     "Make training data of annotated pictures with language models, on this machine",
     "moonbeam data run recipe.toml --work work --workers 4\n"
     "moonbeam data run recipe.toml --work work --batch batches    # for a service that answers overnight"},
    {"data work", "--work DIR [OPTIONS]", "One worker of a run: what 'data run' and 'data submit' start",
     "moonbeam data work --work /shared/work --rank 3 --of 16"},
    {"data submit", "RECIPE --work DIR --slurm [OPTIONS]",
     "Submit what a run still lacks as an array of Slurm jobs",
     "moonbeam data submit recipe.toml --work /shared/work --slurm --tasks 64\n"
     "moonbeam data submit recipe.toml --work /shared/work --slurm --sbatch=--partition=gpu --print"},
    {"data finish", "--work DIR [OPTIONS]", "Dedupe, balance and write the training shards of a whole run",
     "moonbeam data finish --work work"},
    {"data report", "--work DIR [OPTIONS]",
     "Measure what a run made: one page; status 1 where a limit is passed",
     "moonbeam data report --work work -o report.html\n"
     "moonbeam data report --work work --reference last.json --json > this.json"},
    {"data explain", "SAMPLE --work DIR", "Print where a sample comes from: picture, claims, verdicts, calls",
     "moonbeam data explain coco-7#query:count:0 --work work"},
    {"data stage", "STAGE PICTURE --work DIR [OPTIONS]",
     "Replay one stage of a picture from stored answers and print what it makes",
     "moonbeam data stage S3 coco-7 --work work --compare\n"
     "moonbeam data stage S12 coco-7 --work work --chunk --json\n"
     "moonbeam data stage S6 coco-7 --work work --recipe other.toml --call"},
    {"data estimate", "RECIPE [OPTIONS]", "Calls, tokens, money and hours of a run that has not begun",
     "moonbeam data estimate recipe.toml"},
    {"data answers", "RESULTS CALLS --work DIR", "Take in what a service answered to a batch file",
     "moonbeam data answers results.jsonl batches/worker-0-00000.calls.jsonl --work work"},
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

}  // namespace moonbeam::cli
