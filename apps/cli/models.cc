// Models on disk by name: what `moonbeam list` and completions show.
#include <algorithm>
#include <filesystem>

#include "cli/tools.h"

namespace moonbeam::cli {

namespace fs = std::filesystem;

namespace {

std::int64_t weight_bytes(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().extension() == ".safetensors") bytes += static_cast<std::int64_t>(it->file_size(ignored));
  }
  return bytes;
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

void search(const fs::path& folder, int depth, std::vector<FoundModel>& models) {
  const auto add = [&](std::string name, const fs::path& path, std::int64_t bytes) {
    const bool hidden =
        std::any_of(models.begin(), models.end(), [&](const FoundModel& m) { return m.name == name; });
    if (!hidden) models.push_back({std::move(name), path.string(), bytes});
  };
  for (const fs::path& path : sorted_entries(folder)) {
    std::error_code ignored;
    const std::string suffix = path.extension().string();
    if (fs::is_directory(path, ignored)) {
      if (fs::exists(path / "config.json", ignored) && weight_bytes(path) > 0) {
        add(path.filename().string(), path, weight_bytes(path));
      } else if (depth > 0) {
        search(path, depth - 1, models);
      }
    } else if (suffix == ".gguf" || suffix == ".safetensors") {
      add(path.stem().string(), path, static_cast<std::int64_t>(fs::file_size(path, ignored)));
    }
  }
}

}  // namespace

std::vector<FoundModel> find_models(const std::vector<std::string>& folders) {
  std::vector<FoundModel> models;
  for (const std::string& folder : folders) search(folder, 1, models);
  return models;
}

}  // namespace moonbeam::cli
