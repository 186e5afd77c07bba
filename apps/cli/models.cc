// Models on disk by the names that -m takes: what `moonbeam list` and completions show.
#include <algorithm>
#include <filesystem>

#include "cli/tools.h"

namespace moonbeam::cli {

namespace fs = std::filesystem;

namespace {

bool is_weights(const fs::path& path) {
  return path.extension() == ".gguf" || path.extension() == ".safetensors";
}

/// Names that do not begin with a dot, sorted.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::int64_t bytes_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(bytes);
}

/// Bytes of the weights in a folder; 0 where it is no model.
std::int64_t weight_bytes(const fs::path& folder) {
  std::int64_t bytes = 0;
  for (const fs::path& path : entries_of(folder)) bytes += is_weights(path) ? bytes_of(path) : 0;
  return bytes;
}

}  // namespace

std::vector<FoundModel> find_models(const std::vector<std::string>& folders) {
  std::vector<FoundModel> models;
  const auto add = [&](std::string name, const fs::path& path, std::int64_t bytes) {
    const bool hidden = std::any_of(models.begin(), models.end(),
                                    [&](const FoundModel& model) { return model.name == name; });
    if (!hidden && bytes > 0) models.push_back({std::move(name), path.string(), bytes});
  };
  for (const std::string& folder : folders) {
    for (const fs::path& path : entries_of(folder)) {
      std::error_code ignored;
      const std::string name = path.filename().string();
      if (!fs::is_directory(path, ignored)) {
        if (is_weights(path)) add(path.stem().string(), path, bytes_of(path));
      } else if (const std::int64_t bytes = weight_bytes(path); bytes > 0) {
        add(name, path, bytes);
      } else {
        for (const fs::path& revision : entries_of(path)) {
          if (fs::is_directory(revision, ignored)) {
            add(name + "@" + revision.filename().string(), revision, weight_bytes(revision));
          }
        }
      }
    }
  }
  return models;
}

}  // namespace moonbeam::cli
