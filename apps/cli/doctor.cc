// moonbeam doctor: would a caption work here, and with which settings?
#include <moonbeam/machine.h>
#include <moonbeam/version.h>

#include <filesystem>

#include "cli/errors.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

std::string row(const std::string& name, const std::string& value, const std::string& origin = {}) {
  std::string line = "  " + name;
  line.resize(std::max<std::size_t>(line.size() + 1, 18), ' ');
  line += value;
  if (!origin.empty()) {
    line.resize(std::max<std::size_t>(line.size() + 2, 36), ' ');
    line += origin;
  }
  return line + "\n";
}

std::string settings_text(const CommandLine& line) {
  std::string text = "settings\n";
  for (const Setting& setting : line.settings) {
    text +=
        row(setting.name, setting.value.empty() ? "-" : printable(setting.value), printable(setting.origin));
  }
  text += "configuration files\n";
  std::vector<std::string> files = config_files(process_environment);
  if (const auto named = process_environment("MOONBEAM_CONFIG")) files.push_back(*named);
  if (!line.options.config.empty()) files.push_back(line.options.config);
  for (const std::string& file : files) {
    std::error_code ignored;
    text += "  " + printable(file) + (std::filesystem::exists(file, ignored) ? "" : " (none)") + "\n";
  }
  return text;
}

/// @throws Error from MOONBEAM_ISA or MOONBEAM_THREADS.
std::string machine_text(const Options& options) {
  const MachineInfo info = machine_info();
  std::string isas;
  for (const std::string& isa : info.isas) isas += (isas.empty() ? "" : ", ") + isa;
  const std::string& isa = options.model.isa.empty() ? info.isa : options.model.isa;
  const int threads = options.model.threads > 0 ? options.model.threads : info.threads;
  return "machine\n" + row("CPU", info.cpu) + row("kernels", isas + "; " + isa + " is used") +
         row("threads", std::to_string(threads) + " on " + std::to_string(info.cores) +
                            (info.cores == 1 ? " core" : " cores")) +
         row("memory", human_bytes(info.memory_available) + " free of " + human_bytes(info.memory_total));
}

std::string models_text() {
  std::string text = "model folders\n";
  for (const std::string& folder : model_folders()) {
    std::error_code ignored;
    text +=
        "  " + printable(folder) + (std::filesystem::is_directory(folder, ignored) ? "" : " (none)") + "\n";
  }
  if (const std::string hub = hugging_face_cache(); !hub.empty()) {
    std::error_code ignored;
    text += "  " + printable(hub) + " (Hugging Face" +
            (std::filesystem::is_directory(hub, ignored) ? ")\n" : ", none)\n");
  }
  text += "models\n";
  const std::vector<FoundModel> models = find_models(model_folders());
  for (const FoundModel& model : models)
    text += row(model.name, human_bytes(model.bytes), printable(model.path));
  return models.empty() ? text + "  none\n" : text;
}

/// The model that a caption would take. @throws Error if it could not be loaded.
std::string chosen_model_text(const Options& options) {
  const bool named = !options.model.model.empty();
  const std::string path = named ? options.model.model : default_model();
  const ModelSummary summary = with_known(path, [&] { return inspect_model(path); });
  if (const std::int64_t free = machine_info().memory_available; free > 0 && summary.memory_bytes > free) {
    throw Error(ErrorCode::kExhausted, path + ": expected " + human_bytes(summary.memory_bytes) +
                                           " of free memory, got " + human_bytes(free));
  }
  return std::string(named ? "model\n" : "default model\n") + row("path", printable(summary.path)) +
         row("variant", summary.variant) + row("needs", human_bytes(summary.memory_bytes));
}

}  // namespace

int run_doctor(const CommandLine& line) {
  StdoutSink out;
  out.write("moonbeam " + std::string(version()) + " (" + commit() + ")\n");
  out.write(settings_text(line));
  std::exception_ptr problem;
  // Each part is shown even if another one fails; the first failure is the verdict.
  for (const std::function<std::string()>& part :
       {std::function<std::string()>([&] { return machine_text(line.options); }),
        std::function<std::string()>(models_text),
        std::function<std::string()>([&] { return chosen_model_text(line.options); })}) {
    try {
      out.write(part());
    } catch (const Error&) {
      if (!problem) problem = std::current_exception();
    }
  }
  if (problem) {
    out.write("verdict\n  a caption would fail\n");
    std::rethrow_exception(problem);
  }
  out.write("verdict\n  all well: 'moonbeam caption IMAGE' will work\n");
  return kExitOk;
}

}  // namespace moonbeam::cli
