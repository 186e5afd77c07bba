// The manual page moonbeam(1), from the same tree as --help.
#include <moonbeam/version.h>

#include "cli/completion.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

/// Text for roff: backslashes, hyphens of options, and a dot or quote that would start a request.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    out += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
    line_start = c == '\n';
  }
  return out;
}

std::string option_entry(const CLI::Option& option) {
  std::string names;
  const auto add = [&](const std::string& name) {
    names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
  };
  for (const std::string& name : option.get_snames()) add("-" + name);
  for (const std::string& name : option.get_lnames()) add("--" + name);
  if (!option.get_option_text().empty()) names += " \\fI" + roff(option.get_option_text()) + "\\fR";
  std::string text = option.get_description();
  if (!option.get_default_str().empty() && option.get_items_expected_max() > 0)
    text += " [" + option.get_default_str() + "]";
  return ".TP\n" + names + "\n" + roff(text) + ".\n";
}

std::string verb_section(const CLI::App& app) {
  const std::string name = verb_name(app);
  const VerbInfo* info = find_verb(name);
  if (info == nullptr) return {};
  std::string text =
      ".SS \"moonbeam " + roff(name) + " " + roff(info->synopsis) + "\"\n" + roff(info->summary) + ".\n";
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      text += ".TP\n\\fI" + roff(option->get_name(true)) + "\\fR\n" + roff(option->get_description()) + ".\n";
    }
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional() && option->get_name() != "--help") text += option_entry(*option);
  }
  text += ".PP\nExamples:\n.PP\n.nf\n.RS\n" + roff(info->examples) + "\n.RE\n.fi\n";
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App*) { return true; }))
    text += verb_section(*inner);
  return text;
}

constexpr std::string_view kEnd = R"(.SH EXIT STATUS
.TP
.B 0
Done; also when nothing was found.
.TP
.B 1
Some pictures of a run failed.
.TP
.B 2
Usage, or an argument that makes no sense.
.TP
.B 3
A file or model was not found.
.TP
.B 4
A file is corrupt.
.TP
.B 5
Nothing that this build or this model can do.
.TP
.B 6
Out of memory or disk.
.TP
.B 7
The network failed.
.TP
.B 130, 143
Interrupted, terminated. Lines written so far are whole.
.TP
.B 141
The reader of the output went away.
.SH ENVIRONMENT
.TP
.BI MOONBEAM_ FLAG
A setting: MOONBEAM_MODEL, MOONBEAM_THREADS, MOONBEAM_TOP_P and so on. Flags win over it, it wins over files.
.TP
.B MOONBEAM_MODELS
Folders in which names of models are looked up first, separated by colons.
.TP
.B HF_HUB_CACHE, HF_HOME
The cache of Hugging Face's tools, in which names of models are looked up last; it is never written.
.TP
.B MOONBEAM_CACHE
The folder below which models/ holds what was pulled, instead of ~/.cache/moonbeam.
.TP
.B MOONBEAM_API_KEY, MOONDREAM_API_KEY
The key for \-\-remote.
.TP
.B HF_ENDPOINT, HF_TOKEN
A mirror of the hub to pull from, and the token that the hub gets; no other server gets it.
.TP
.B MOONBEAM_CONFIG
A configuration file, as \-\-config.
.TP
.B NO_COLOR
No colours, if set and not empty.
.SH FILES
.TP
.I /etc/moonbeam/config.toml
Settings of the machine.
.TP
.I ~/.config/moonbeam/config.toml
Settings of the user: lines like \fItemperature = 0.5\fR; a \fI[caption]\fR section holds for that verb.
)";

}  // namespace

std::string man_page(const CLI::App& root) {
  std::string page = ".TH MOONBEAM 1 \"\" \"moonbeam " + std::to_string(kVersionMajor) + "." +
                     std::to_string(kVersionMinor) + "." + std::to_string(kVersionPatch) +
                     "\" \"User Commands\"\n";
  page += ".SH NAME\nmoonbeam \\- look at pictures with a Moondream model on the CPU\n";
  page += ".SH SYNOPSIS\n.B moonbeam\n.I VERB\n[\\fIARGUMENTS\\fR]\n";
  page +=
      ".SH DESCRIPTION\nDescribes pictures, answers questions about them and finds objects in them. Results "
      "go to standard "
      "output, everything else to standard error.\n.SH VERBS\n";
  for (const CLI::App* verb :
       root.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    page += verb_section(*verb);
  }
  return page + std::string(kEnd);
}

}  // namespace moonbeam::cli
