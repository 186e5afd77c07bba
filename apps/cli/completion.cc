// Completion scripts for bash, zsh and fish. Model names are asked from the program when they are needed.
#include "cli/completion.h"

#include <functional>

#include "cli/text.h"

namespace moonbeam::cli {

namespace {

/// What may follow an option or stand as an argument.
enum class Value { kNone, kChoice, kModel, kPath, kAny };

Value value_of(const CLI::Option& option) {
  const std::string& argument = option.get_option_text();
  if (option.get_items_expected_max() == 0) return Value::kNone;
  if (!choices(option).empty()) return Value::kChoice;
  if (argument == "MODEL") return Value::kModel;
  return argument.find("FILE") != std::string::npos ? Value::kPath : Value::kAny;
}

std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

/// Verbs that --help shows, in its order, verbs of verbs after their parent.
std::vector<const CLI::App*> verbs_of(const CLI::App& root) {
  std::vector<const CLI::App*> verbs;
  for (const CLI::App* verb :
       root.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    verbs.push_back(verb);
    for (const CLI::App* inner : verb->get_subcommands([](const CLI::App*) { return true; }))
      verbs.push_back(inner);
  }
  return verbs;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// "-m --model"
std::string names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return joined(names);
}

/// Fixed words that a verb takes as its argument.
std::string argument_words(const CLI::App& verb) {
  if (verb_name(verb) == "completion") return "bash zsh fish";
  std::vector<std::string> inner;
  for (const CLI::App* sub : verb.get_subcommands([](const CLI::App*) { return true; }))
    inner.push_back(sub->get_name());
  return joined(inner);
}

bool takes_model(const CLI::App& verb) {
  return verb_name(verb) == "inspect" || verb_name(verb) == "convert" || verb_name(verb) == "quantize" ||
         verb_name(verb) == "rm";
}

std::string top_verbs(const CLI::App& root) {
  std::vector<std::string> names;
  for (const CLI::App* verb :
       root.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    names.push_back(verb->get_name());
  }
  names.emplace_back("help");
  return joined(names);
}

std::string bash_script(const CLI::App& root) {
  std::string script =
      "# bash completion for moonbeam\n"
      "_moonbeam() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} flags= "
      "words=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '" +
      top_verbs(root) +
      " --help --version' -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  if [ \"$verb\" = weights ] && [ \"$COMP_CWORD\" -gt 2 ]; then verb=\"weights ${COMP_WORDS[2]}\"; "
      "fi\n"
      "  case \"$verb\" in\n"
      "    help) words='" +
      top_verbs(root) + "' ;;\n";
  for (const CLI::App* verb : verbs_of(root)) {
    std::string flags, by_value;
    for (const CLI::Option* option : flags_of(*verb)) {
      flags += (flags.empty() ? "" : " ") + names_of(*option);
      std::string pattern = names_of(*option);
      for (std::size_t at = 0; (at = pattern.find(' ', at)) != std::string::npos;)
        pattern.replace(at, 1, "|");
      const Value value = value_of(*option);
      if (value == Value::kChoice) {
        by_value += "        " + pattern + ") COMPREPLY=($(compgen -W '" + joined(choices(*option)) +
                    "' -- \"$cur\")); return ;;\n";
      } else if (value == Value::kModel) {
        by_value += "        " + pattern +
                    ") COMPREPLY=($(compgen -f -W \"$(moonbeam list --names 2>/dev/null)\" -- \"$cur\")); "
                    "return ;;\n";
      } else if (value == Value::kPath) {
        by_value += "        " + pattern + ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n";
      } else if (value == Value::kAny) {
        by_value += "        " + pattern + ") return ;;\n";
      }
    }
    script += "    '" + verb_name(*verb) + "')\n      case \"$prev\" in\n" + by_value +
              "      esac\n      flags='" + flags + "' words='" + argument_words(*verb) + "'\n";
    if (takes_model(*verb)) script += "      words=$(moonbeam list --names 2>/dev/null)\n";
    script += "      ;;\n";
  }
  return script +
         "  esac\n"
         "  case \"$cur\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
         "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o bashdefault -o default -F _moonbeam moonbeam\n";
}

/// For a zsh or fish string in single quotes.
std::string quoted(std::string_view text, const char* quote) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string(quote) : std::string(1, c);
  return out + "'";
}

std::string zsh_option(const CLI::Option& option) {
  std::string help;
  for (const char c : option.get_description())
    help += c == '[' || c == ']' || c == ':' ? std::string("\\") + c : std::string(1, c);
  std::string action;
  switch (value_of(option)) {
    case Value::kNone:
      break;
    case Value::kChoice:
      action = ":value:(" + joined(choices(option)) + ")";
      break;
    case Value::kModel:
      action = ":model:_moonbeam_models";
      break;
    case Value::kPath:
      action = ":file:_files";
      break;
    case Value::kAny:
      action = ":value:";
      break;
  }
  std::string lines;
  for (const std::string& name : split(names_of(option), ' ')) {
    lines += "        " + quoted("*" + name + "[" + help + "]" + action, "'\\''") + " \\\n";
  }
  return lines;
}

std::string zsh_script(const CLI::App& root) {
  std::string script =
      "#compdef moonbeam\n"
      "_moonbeam_models() {\n"
      "  local -a names\n"
      "  names=(${(f)\"$(moonbeam list --names 2>/dev/null)\"})\n"
      "  compadd -a names\n"
      "  _files\n"
      "}\n"
      "_moonbeam() {\n"
      "  local -a verbs\n"
      "  verbs=(\n";
  for (const CLI::App* verb :
       root.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    script += "    " + quoted(verb->get_name() + ":" + verb->get_description(), "'\\''") + "\n";
  }
  script +=
      "    'help:Show the help of a verb'\n"
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe verb verbs\n"
      "    return\n"
      "  fi\n"
      "  local verb=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n"
      "  if [[ $verb == weights ]] && (( CURRENT > 2 )); then\n"
      "    verb=\"weights $words[2]\"\n"
      "    shift words; (( CURRENT-- ))\n"
      "  fi\n"
      "  case \"$verb\" in\n"
      "    help) _describe verb verbs ;;\n";
  for (const CLI::App* verb : verbs_of(root)) {
    script += "    '" + verb_name(*verb) + "')\n      _arguments \\\n";
    for (const CLI::Option* option : flags_of(*verb)) script += zsh_option(*option);
    const std::string words = argument_words(*verb);
    script += "        " +
              quoted(!words.empty()       ? "*:argument:(" + words + ")"
                     : takes_model(*verb) ? "*:model:_moonbeam_models"
                                          : "*:file:_files",
                     "'\\''") +
              " ;;\n";
  }
  return script +
         "  esac\n"
         "}\n"
         "if [[ \"$funcstack[1]\" = _moonbeam ]]; then _moonbeam \"$@\"; else compdef _moonbeam moonbeam; "
         "fi\n";
}

std::string fish_script(const CLI::App& root) {
  std::string script =
      "# fish completion for moonbeam\n"
      "function __moonbeam_verb\n"
      "    set -l words (commandline -opc)\n"
      "    test (count $words) -gt 1; and test \"$words[2]\" = \"$argv[1]\"\n"
      "end\n"
      "function __moonbeam_no_verb\n"
      "    test (count (commandline -opc)) -eq 1\n"
      "end\n";
  const auto fish = [](std::string_view text) { return quoted(text, "\\'"); };
  for (const CLI::App* verb : verbs_of(root)) {
    const std::string name = verb_name(*verb);
    const std::string first = name.substr(0, name.find(' '));
    const std::string when = " -n " + fish("__moonbeam_verb " + first);
    if (first == name) {
      script += "complete -c moonbeam -f -n __moonbeam_no_verb -a " + fish(name) + " -d " +
                fish(verb->get_description()) + "\n";
    }
    if (const std::string words = argument_words(*verb); !words.empty()) {
      script += "complete -c moonbeam -f" + when + " -a " + fish(words) + "\n";
    }
    if (takes_model(*verb))
      script += "complete -c moonbeam" + when + " -a '(moonbeam list --names 2>/dev/null)'\n";
    for (const CLI::Option* option : flags_of(*verb)) {
      script += "complete -c moonbeam" + when;
      for (const std::string& letter : option->get_snames()) script += " -s " + letter;
      for (const std::string& word : option->get_lnames()) script += " -l " + word;
      switch (value_of(*option)) {
        case Value::kNone:
          break;
        case Value::kChoice:
          script += " -x -a " + fish(joined(choices(*option)));
          break;
        case Value::kModel:
          script += " -r -a '(moonbeam list --names 2>/dev/null)'";
          break;
        case Value::kPath:
          script += " -r";
          break;
        case Value::kAny:
          script += " -x";
          break;
      }
      script += " -d " + fish(option->get_description()) + "\n";
    }
  }
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& root, std::string_view shell) {
  if (shell == "bash") return bash_script(root);
  return shell == "zsh" ? zsh_script(root) : fish_script(root);
}

}  // namespace moonbeam::cli
