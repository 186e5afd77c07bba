// Loading the model that a verb works with.
#include "cli/session.h"

#include <moonbeam/weights.h>

#include <algorithm>
#include <filesystem>

#include "cli/errors.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

// No published Moondream is this small: what is below knows drawings, not photographs.
constexpr std::int64_t kToyParameters = 20'000'000;

/// Whether `moonbeam pull` knows the name.
bool is_published(const std::string& model) {
  const std::string name = model.substr(0, model.find_first_of("@:"));
  const std::vector<PublishedModel> models = published_models();
  return std::any_of(models.begin(), models.end(),
                     [&](const PublishedModel& one) { return one.name == name || one.folder == name; });
}

void say_default(const ModelInfo& info) {
  const bool toy = info.parameters < kToyParameters;
  complain("note: using the model '" + info.name + "'" +
           (toy ? ", which knows a toy world of drawings, not photographs" : "") +
           "; -m FILE, FOLDER or NAME uses another");
}

}  // namespace

std::string model_path(const std::string& model) {
  if (model.empty()) return default_model();
  std::error_code ignored;
  if (std::filesystem::exists(model, ignored)) return model;
  std::string path = model;
  for (const FoundModel& found : find_models(model_folders())) {
    if (found.name == model) return found.path;
    if (found.name.starts_with(model + "@")) path = found.path;  // of several revisions the last is used
  }
  return path;
}

Error model_error(const std::string& model, const Error& error) {
  std::error_code ignored;
  const bool hub = model.starts_with("hf:");
  const bool by_name =
      !model.empty() && (hub || model.find('/') == std::string::npos) && !model.starts_with("synth:");
  if (error.code() != ErrorCode::kNotFound || !by_name || std::filesystem::exists(model_path(model), ignored))
    return error;
  std::string what = error.what();
  if (!what.starts_with("model '")) {
    std::string folders;
    for (const std::string& folder : model_folders()) folders += (folders.empty() ? "" : ", ") + folder;
    what = "model '" + model + "': no such file or folder, and no model of that name in " + folders;
  }
  return {ErrorCode::kNotFound,
          what + (hub || is_published(model) ? "; 'moonbeam pull " + model + "' downloads it"
                                             : "; 'moonbeam pull --list' shows what can be downloaded")};
}

std::string model_words(const ModelInfo& info) {
  const bool published = info.variant.starts_with("moondream") && info.variant != info.name;
  return "'" + info.name + "'" + (published ? " (" + info.variant + ")" : "");
}

void say_warnings(const ModelInfo& info) {
  for (const std::string& warning : info.warnings) complain("warning: " + warning);
}

LoadOptions load_options(const ModelArgs& args) {
  LoadOptions options;
  options.variant = args.variant;
  options.mode = find_mode(args.mode).value_or(Mode::kAuto);
  options.mmap = args.mmap;
  options.adapter = args.adapter;
  options.threads = args.threads;
  options.isa = args.isa;
  return options;
}

SamplingOptions sampling_options(const SamplingArgs& args) {
  return {.temperature = args.temperature, .top_p = args.top_p, .seed = args.seed};
}

bool shows_progress(const OutputArgs& output) {
  return !output.quiet && stderr_is_terminal();
}

Session open_session(const Options& options, Status& status) {
  const double start = now_ms();
  LoadOptions load = load_options(options.model);
  load.progress = [&](const Progress& progress) { return status.update(progress); };
  const bool named = !options.model.model.empty();
  const std::string model = named ? options.model.model : default_model();
  Session session{with_known(model, [&] { return Model::load(model, load); })};
  session.load_ms = now_ms() - start;
  status.clear();
  const ModelInfo& info = session.model.info();
  if (!named && !options.output.quiet) say_default(info);
  if (!options.output.quiet) say_warnings(info);
  if (options.output.verbose) {
    complain(info.path + ": " + info.variant + ", " + grouped(info.parameters) + " parameters, " +
             info.dtype + ", " + human_bytes(info.weight_bytes) + "; " + info.isa + ", " + info.mode + ", " +
             std::to_string(info.threads) + " threads" +
             (info.adapter.empty() ? "" : "; adapter " + info.adapter));
    for (const std::string& note : info.notes) complain("note: " + note);
  }
  return session;
}

}  // namespace moonbeam::cli
