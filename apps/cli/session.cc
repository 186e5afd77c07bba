// Loading the model that a verb works with.
#include "cli/session.h"

#include <moonbeam/weights.h>

#include "cli/errors.h"
#include "cli/text.h"

namespace moonbeam::cli {

namespace {

// No published Moondream is this small: what is below knows drawings, not photographs.
constexpr std::int64_t kToyParameters = 20'000'000;

void say_default(const ModelInfo& info) {
  const bool toy = info.parameters < kToyParameters;
  complain("note: using the model '" + info.name + "'" +
           (toy ? ", which knows a toy world of drawings, not photographs" : "") +
           "; -m FILE, FOLDER or NAME uses another");
}

}  // namespace

LoadOptions load_options(const ModelArgs& args) {
  LoadOptions options;
  options.variant = args.variant;
  options.mode = args.mode == "f32" ? Mode::kF32 : Mode::kAuto;
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
  Session session{Model::load(named ? options.model.model : default_model(), load)};
  session.load_ms = now_ms() - start;
  status.clear();
  const ModelInfo& info = session.model.info();
  if (!named && !options.output.quiet) say_default(info);
  if (options.output.verbose) {
    complain(info.path + ": " + info.variant + ", " + grouped(info.parameters) + " parameters, " +
             info.dtype + ", " + human_bytes(info.weight_bytes) + "; " + info.isa + ", " + info.mode + ", " +
             std::to_string(info.threads) + " threads");
    for (const std::string& note : info.notes) complain("note: " + note);
  }
  return session;
}

}  // namespace moonbeam::cli
