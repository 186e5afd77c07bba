// Where models lie: the user's folder, the cache, the installation, the source tree, at last the cache of
// Hugging Face's tools.
#include "model/folders.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "model/hub_cache.h"

// Both are set by the build.
#ifndef MOONBEAM_INSTALLED_MODELS
#define MOONBEAM_INSTALLED_MODELS ""
#endif
#ifndef MOONBEAM_TREE_MODELS
#define MOONBEAM_TREE_MODELS ""
#endif

namespace moonbeam {

namespace fs = std::filesystem;
using model::has_weights;

namespace {

/// The model that comes with us, most wanted first.
constexpr const char* kShipped[] = {"tiny", "starter"};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string executable_path() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? std::string() : path.string();
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + base::printable(part);
  return out;
}

/// The one sub-folder with weights, e.g. a revision; the last by name if there are several. Names that begin
/// with a dot are downloads that are not done.
std::string newest_revision(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) continue;
    if (it->is_directory(error) && has_weights(it->path().string())) found.push_back(it->path().string());
  }
  return found.empty() ? std::string() : *std::max_element(found.begin(), found.end());
}

/// A model of that name in one folder; empty if there is none.
std::string find_in(const fs::path& folder, const std::string& name) {
  std::error_code error;
  const std::size_t at = name.find('@');
  const fs::path path = folder / name.substr(0, at);
  if (at != std::string::npos) {
    const fs::path revision = path / name.substr(at + 1);
    return has_weights(revision.string()) ? revision.string() : std::string();
  }
  if (has_weights(path.string())) return path.string();
  for (const char* ending : {".gguf", ".safetensors"}) {
    std::string file = path.string() + ending;
    if (fs::is_regular_file(file, error)) return file;
  }
  return newest_revision(path);
}

}  // namespace

std::vector<std::string> model_folders() {
  return model::model_folders_for({.moonbeam_models = environment("MOONBEAM_MODELS"),
                                   .moonbeam_cache = environment("MOONBEAM_CACHE"),
                                   .xdg_cache_home = environment("XDG_CACHE_HOME"),
                                   .home = environment("HOME"),
                                   .executable = executable_path()});
}

std::string models_cache() {
  return model::models_cache_for({.moonbeam_models = {},
                                  .moonbeam_cache = environment("MOONBEAM_CACHE"),
                                  .xdg_cache_home = environment("XDG_CACHE_HOME"),
                                  .home = environment("HOME"),
                                  .executable = {}});
}

std::string default_model() {
  const std::vector<std::string> folders = model_folders();
  for (const std::string& folder : folders) {
    for (const char* name : kShipped) {
      std::string found = find_in(folder, name);
      if (!found.empty()) return found;
    }
  }
  base::fail(ErrorCode::kNotFound, "no model named and none found in ", joined(folders),
             "; name one with -m");
}

namespace model {

namespace {

bool is_word(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 64 && plain(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

constexpr std::string_view kHubPrefix = "hf:";

/// NAME[@REVISION][:DTYPE] as the name of a folder, "moondream2@2025-04-14:int4" as
/// "moondream2-int4@2025-04-14"; empty for what is no name.
std::string without_type(const std::string& model) {
  const std::size_t colon = model.rfind(':');
  const std::string name = model.substr(0, colon);
  if (!is_model_name(name)) return {};
  if (colon == std::string::npos) return name;
  const std::string dtype = model.substr(colon + 1);
  if (!is_word(dtype)) return {};
  const std::size_t at = std::min(name.find('@'), name.size());
  return folder_of_type(name.substr(0, at), dtype) + name.substr(at);
}

/// What `moonbeam pull` made of a repository, in our own cache alone; empty if there is nothing.
std::string pulled(const std::string& repository, const std::string& revision) {
  const std::string folder = models_cache(), name = folder_of_repository(repository);
  if (folder.empty() || !is_word(name) || (!revision.empty() && !is_word(revision))) return {};
  return find_in(folder, revision.empty() ? name : name + "@" + revision);
}

/// "OWNER/NAME[@REVISION]" among what was pulled, then in the hub's cache.
std::string resolve_hub_model(const std::string& model) {
  if (!is_hub_name(model)) {
    base::fail(ErrorCode::kInvalidArgument, "model 'hf:", base::printable(model),
               "': expected hf:OWNER/NAME or hf:OWNER/NAME@REVISION");
  }
  const std::size_t at = model.find('@');
  const std::string repository = model.substr(0, at),
                    revision = at == std::string::npos ? "" : model.substr(at + 1);
  std::string found = pulled(repository, revision);
  if (!found.empty()) return found;
  const std::string hub = hugging_face_cache();
  found = find_in_hub(hub, repository, revision);
  if (found.empty()) {
    base::fail(ErrorCode::kNotFound, "model 'hf:", model, "': no snapshot of it with weights in ",
               base::printable(hub));
  }
  return found;
}

}  // namespace

bool has_weights(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path ending = it->path().extension();
    std::error_code broken;  // a link to a blob that was cleaned away
    if ((ending == ".gguf" || ending == ".safetensors") && it->is_regular_file(broken)) return true;
  }
  return false;
}

bool is_model_name(std::string_view name) {
  const std::size_t at = name.find('@');
  return is_word(name.substr(0, at)) && (at == std::string_view::npos || is_word(name.substr(at + 1)));
}

std::string models_cache_for(const Surroundings& at) {
  if (!at.moonbeam_cache.empty()) return (fs::path(at.moonbeam_cache) / "models").string();
  if (!at.xdg_cache_home.empty()) return (fs::path(at.xdg_cache_home) / "moonbeam" / "models").string();
  if (!at.home.empty()) return (fs::path(at.home) / ".cache" / "moonbeam" / "models").string();
  return {};
}

std::vector<std::string> model_folders_for(const Surroundings& at) {
  std::vector<std::string> out;
  const auto add = [&](const fs::path& path) {
    const std::string folder = path.lexically_normal().string();
    if (!folder.empty() && std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(folder);
  };
  for (std::size_t begin = 0; begin < at.moonbeam_models.size();) {  // several, parted by ':'
    const std::size_t end = std::min(at.moonbeam_models.find(':', begin), at.moonbeam_models.size());
    if (end > begin) add(at.moonbeam_models.substr(begin, end - begin));
    begin = end + 1;
  }
  add(models_cache_for(at));
  if (!at.executable.empty()) {
    add(fs::path(at.executable).parent_path().parent_path() / "share" / "moonbeam" / "models");
  }
  for (const char* built_in : {MOONBEAM_INSTALLED_MODELS, MOONBEAM_TREE_MODELS}) {
    std::error_code error;
    if (*built_in && fs::is_directory(built_in, error)) add(built_in);
  }
  return out;
}

std::string resolve_model(const std::string& model) {
  std::error_code error;
  if (model.empty())
    base::fail(ErrorCode::kInvalidArgument, "model: expected a file, folder or name, got nothing");
  if (model.starts_with("synth:") || fs::exists(model, error)) return model;
  if (model.starts_with(kHubPrefix)) return resolve_hub_model(model.substr(kHubPrefix.size()));
  const std::string name = without_type(model);
  if (name.empty()) base::fail(ErrorCode::kNotFound, base::printable(model), ": no such file or folder");
  const std::vector<std::string> folders = model_folders();
  for (const std::string& folder : folders) {
    std::string found = find_in(folder, name);
    if (!found.empty()) return found;
  }
  const std::size_t at = name.find('@');
  const std::string hub = hugging_face_cache();
  std::string found =
      find_in_hub(hub, name.substr(0, at), at == std::string::npos ? "" : name.substr(at + 1));
  if (!found.empty()) return found;
  std::error_code unused;
  base::fail(ErrorCode::kNotFound, "model '", model,
             "': no such file or folder, and no model of that name in ", joined(folders),
             fs::is_directory(hub, unused) ? ", " + base::printable(hub) : std::string());
}

}  // namespace model

}  // namespace moonbeam
