// Parsing: from argument strings to options, with a hint for every slip. The grammar is in grammar/.
#include "cli/args.h"

#include <algorithm>
#include <filesystem>

#include "cli/errors.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

std::vector<std::string> all_verbs() {
  std::vector<std::string> names = {"help"};
  for (const VerbInfo& verb : verb_table()) {
    if (verb.name.find(' ') == std::string_view::npos) names.emplace_back(verb.name);
  }
  return names;
}

std::string hint_for(const CLI::App& app) {
  const std::string verb = verb_name(app);
  return "; 'moonbeam " + (verb.empty() ? "" : verb + " ") + "--help' shows how";
}

[[noreturn]] void fail_usage(const CLI::App& app, const std::string& problem) {
  const std::string verb = verb_name(app);
  throw Error(ErrorCode::kInvalidArgument, (verb.empty() ? "" : verb + ": ") + problem + hint_for(app));
}

/// The deepest verb that was named.
CLI::App& chosen_verb(CLI::App& app) {
  CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

[[noreturn]] void fail_parse(CLI::App& verb, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> rest = verb.remaining(true);
    std::string first = rest.empty() ? std::string() : rest.front();
    if (!first.starts_with('-')) fail_usage(verb, "one argument too many: '" + first + "'");
    first = first.substr(0, first.find('='));
    if (first == "--remote" && verb.get_option_no_throw("--model") != nullptr) {
      throw Error(ErrorCode::kUnsupported,
                  verb_name(verb) +
                      ": no server does that; --remote goes with caption, query, detect, point and mcp");
    }
    const auto absent = absent_flags();
    if (verb.get_option_no_throw("--model") != nullptr &&
        std::find(absent.begin(), absent.end(), first) != absent.end()) {
      throw Error(ErrorCode::kUnsupported, verb_name(verb) + ": " + first + ": this build does not have it");
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : verb.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    const std::optional<std::string> meant = near_miss(first, known);
    fail_usage(verb, "unknown option '" + first + "'" + (meant ? "; did you mean '" + *meant + "'?" : ""));
  }
  std::string problem = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    problem = problem.substr(0, problem.find(": ")) + ": expected a value after it";
  }
  fail_usage(verb, problem);
}

bool is_file(const std::string& text) {
  std::error_code ignored;
  return std::filesystem::exists(text, ignored);
}

/// "For query, detect and point the last argument is the text, unless -q or --object is given."
void split_text_off(const CLI::App& verb, Options& o) {
  const bool query = o.verb == "query", gaze = o.verb == "gaze";
  if (!query && !gaze && o.verb != "detect" && o.verb != "point") return;
  std::vector<std::string>& images = o.pictures.images;
  std::vector<std::string>& texts = query ? o.ask.questions : o.ask.objects;
  const char* what = query ? "question" : gaze ? "place of the eyes (X,Y)" : "object";
  const bool given = gaze ? !o.ask.face.empty() : !texts.empty();
  if (!given && images.empty())
    fail_usage(verb, std::string("expected an IMAGE and the ") + what + ", got neither");
  if (!given) {
    const std::string last = images.back();
    const bool alone = images.size() == 1;
    if (alone && is_file(last)) fail_usage(verb, "'" + last + "' is a picture; its " + what + " is missing");
    if (is_file(last))
      complain("note: '" + last + "' is taken as the " + what + ", though a file of this name exists");
    images.pop_back();
    (gaze ? o.ask.eye : texts.emplace_back()) = last;
  }
  for (const std::string& text : texts) {
    if (trim(text).empty()) fail_usage(verb, std::string("the ") + what + " is empty");
  }
  if (images.empty() && !query)
    fail_usage(verb, "expected an IMAGE before the " + std::string(what) + ", got none");
}

/// convert --vision --text: OUT is the one path then, whichever place it was written in.
void check_fusion(const CLI::App& verb, Options& o) {
  if (o.files.vision.empty() || o.files.text.empty())
    fail_usage(verb, "expected --vision DIR and --text DIR, got one");
  if (o.files.out.empty()) std::swap(o.files.in, o.files.out);
  if (o.files.out.empty() || !o.files.in.empty())
    fail_usage(verb, "expected one path, OUT, beside --vision and --text");
  for (const char* name : {"--layout", "--variant", "--adapter"}) {
    if (verb.get_option(name)->count() > 0)
      fail_usage(verb, std::string(name) + " does not go with --vision and --text");
  }
}

/// Whether the user wrote an option, as far as settings have not been applied yet.
bool is_typed(const CLI::App& verb, const char* name) {
  const CLI::Option* option = verb.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

/// --remote, typed or from a setting: `typed` are the options of a model of this process that were typed.
void check_remote(const CLI::App& verb, Options& o, const std::vector<std::string>& typed, bool model_typed) {
  if (o.remote.url.empty()) return;
  if (!typed.empty()) fail_usage(verb, typed.front() + " is for a model of this process, not for --remote");
  if (!model_typed) o.model.model.clear();  // a setting means a file of this machine
}

void check_combinations(const CLI::App& verb, Options& o) {
  OutputArgs& out = o.output;
  if (out.json) out.format = "json";
  if (out.stream && out.no_stream) fail_usage(verb, "--stream and --no-stream exclude each other");
  if (out.stream && out.format != "text" && o.verb != "doctor") {
    const CLI::Option* stream = verb.get_option_no_throw("--stream");
    if (stream != nullptr && stream->count() > 0)
      fail_usage(verb, "--stream goes with text, not with " + out.format);
  }
  if (out.resume && o.verb != "data scenes" && (out.format != "json" || out.out.empty()))
    fail_usage(verb, "--resume needs --json and -o FILE");
  if (o.verb == "caption" && o.pictures.images.empty()) fail_usage(verb, "expected an IMAGE, got none");
  if (o.verb == "chat" && o.pictures.images.size() > 1) fail_usage(verb, "expected at most one IMAGE");
  if (o.verb == "convert" || o.verb == "weights synth") {
    if (!o.files.vision.empty() || !o.files.text.empty()) {
      check_fusion(verb, o);
    } else if (o.files.out.empty()) {
      fail_usage(verb, o.verb == "convert" ? "expected IN and OUT" : "expected VARIANT and OUT");
    }
  }
  if (o.verb == "train tokenizer" && (o.tokenizer.inputs.empty() || o.files.out.empty()))
    fail_usage(verb, "expected --input FILE... and --out FILE");
  if (o.verb == "rm" && o.pull.model.empty()) fail_usage(verb, "expected a MODEL, got none");
  if (o.verb == "quantize" && o.files.out.empty() && !o.files.print_recipe)
    fail_usage(verb, "expected IN and OUT.gguf");
  if (o.verb == "data scenes" && o.scenes.out.empty() && o.scenes.sheet.empty()) {
    fail_usage(verb, "expected --out DIR, --sheet FILE.png or both");
  }
  if (o.output.resume && o.scenes.force) fail_usage(verb, "--resume or --force, not both");
  if (o.verb == "data atlas" && o.data.out.empty()) fail_usage(verb, "expected SOURCES and OUT.tar");
  if (o.verb == "completion" && o.files.shell != "bash" && o.files.shell != "zsh" &&
      o.files.shell != "fish") {
    fail_usage(verb, o.files.shell.empty() ? "expected bash, zsh or fish"
                                           : "expected bash, zsh or fish, got '" + o.files.shell + "'");
  }
}

/// A first word that is no verb: of another release, a picture, or a slip.
[[noreturn]] void fail_verb(const CommandLine& line, const std::string& word) {
  for (const AbsentVerb& absent : absent_verbs()) {
    if (word != absent.name) continue;
    throw Error(ErrorCode::kUnsupported, word + ": this build does not have " + std::string(absent.what));
  }
  if (word.starts_with('-')) fail_usage(line.app, "expected a verb before '" + word + "'");
  const std::optional<std::string> meant = near_miss(word, all_verbs());
  if (meant) fail_usage(line.app, "unknown verb '" + word + "'; did you mean '" + *meant + "'?");
  if (is_file(word))
    fail_usage(line.app, "unknown verb '" + word + "'; did you mean 'moonbeam caption " + word + "'?");
  fail_usage(line.app, "unknown verb '" + word + "'");
}

// CLI11 takes an argument [a,b] for a list; a leading mark, removed after parsing, keeps it one argument.
constexpr char kMark = '\x01';
std::string marked(const std::string& argument) {
  return argument.starts_with('[') && argument.ends_with(']') ? kMark + argument : argument;
}
void unmark(std::string& text) {
  if (text.starts_with(kMark)) text.erase(0, 1);
}

}  // namespace

std::optional<std::string> parse(CommandLine& line, const std::vector<std::string>& arguments,
                                 const Environment* env) {
  std::vector<std::string> args = arguments;
  if (args.empty()) fail_usage(line.app, "expected a verb, got nothing");
  if (args[0] == "help") {  // help VERB is VERB --help
    args.erase(args.begin());
    args.push_back("--help");
  }
  if (args[0] == "--version" || args[0] == "-V") args[0] = "version";
  const std::vector<std::string> verbs = all_verbs();
  const bool known = args[0] == "man" || std::find(verbs.begin(), verbs.end(), args[0]) != verbs.end();
  if (!known && args[0] != "--help" && args[0] != "-h") fail_verb(line, args[0]);

  std::reverse(args.begin(), args.end());  // as CLI11 wants them
  for (std::string& argument : args) argument = marked(argument);
  try {
    line.app.parse(args);
  } catch (const CLI::CallForHelp&) {
    return help_text(chosen_verb(line.app));
  } catch (const CLI::ParseError& error) {
    fail_parse(chosen_verb(line.app), error);
  }
  CLI::App& verb = chosen_verb(line.app);
  Options& o = line.options;
  o.verb = verb_name(verb);
  for (std::string& positional : o.positionals) unmark(positional);
  for (std::string* field : {&o.files.in, &o.files.out, &o.files.shell}) unmark(*field);
  o.pictures.images = o.positionals;
  const bool has_settings = std::any_of(settable().begin(), settable().end(), [&](const std::string& name) {
    return verb.get_option_no_throw("--" + name) != nullptr;
  });
  std::vector<std::string> local;
  for (const char* name : {"--adapter", "--variant", "--mode", "--isa", "--threads", "--mmap", "--stop",
                           "--schema", "--offline"}) {
    if (is_typed(verb, name)) local.emplace_back(name);
  }
  const bool model_typed = is_typed(verb, "--model");
  const bool own_key_file = is_typed(verb, "--api-key-file") && !is_typed(verb, "--api-key");
  if (env != nullptr && has_settings) {
    line.settings = apply_layers(verb, o.verb, Layers(*env, o.config));
    if (verb.get_option_no_throw("--no-stream") != nullptr && verb.get_option("--no-stream")->count() > 0 &&
        verb.get_option("--stream")->count() > 0 &&
        arguments.end() == std::find(arguments.begin(), arguments.end(), "--stream")) {
      o.output.stream = false;  // the flag beats a setting
    }
  }
  if (own_key_file) o.remote.key.clear();  // MOONBEAM_API_KEY, which a flag beats
  check_combinations(verb, o);
  check_remote(verb, o, local, model_typed);
  split_text_off(verb, o);
  return {};
}

}  // namespace moonbeam::cli
