// moonbeam list.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/errors.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"

namespace moonbeam::cli {

int run_list(const Options& options) {
  const std::vector<std::string> folders = model_folders();
  const std::vector<FoundModel> models = find_models(folders);
  std::string chosen;
  try {
    chosen = default_model();
  } catch (const Error&) {  // none: no line is marked
  }
  std::string text;
  std::size_t width = 0;
  for (const FoundModel& model : models) width = std::max(width, model.name.size());
  for (const FoundModel& model : models) {
    std::error_code ignored;
    const bool is_default = !chosen.empty() && std::filesystem::equivalent(model.path, chosen, ignored);
    if (options.files.names) {
      text += model.name + "\n";
    } else if (options.output.json) {
      const nlohmann::ordered_json json = {
          {"name", model.name}, {"bytes", model.bytes}, {"default", is_default}, {"path", model.path}};
      text += json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
    } else {
      std::string line = (is_default ? "* " : "  ") + printable(model.name);
      line.resize(std::max(line.size(), width + 4), ' ');
      const std::string size = human_bytes(model.bytes);
      line += std::string(size.size() < 8 ? 8 - size.size() : 0, ' ') + size;
      text += line + "  " + printable(model.path) + "\n";
    }
  }
  StdoutSink().write(text);
  if (models.empty() && !options.files.names) {
    std::string list;
    for (const std::string& folder : folders) list += (list.empty() ? "" : ", ") + folder;
    complain("note: no models in " + list);
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
