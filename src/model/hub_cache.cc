// Snapshots in the cache of Hugging Face's tools. Names and revisions become parts of paths, so each is a
// plain word, those read from files too.
#include "model/hub_cache.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <moonbeam/weights.h>

#include "base/error.h"
#include "base/file.h"
#include "model/folders.h"

namespace moonbeam::model {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kModels = "models--";
constexpr std::string_view kOwnerEnd = "--";

bool is_hub_word(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 96 && letter(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; });
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

/// "owner/name" of a folder in the cache; empty for datasets, locks and the like.
std::string repository_of(const fs::path& folder) {
  std::string name = folder.filename().string();
  if (!name.starts_with(kModels)) return {};
  name.erase(0, kModels.size());
  const std::size_t owner = name.find(kOwnerEnd);
  if (owner != std::string::npos) name.replace(owner, kOwnerEnd.size(), "/");
  return name;
}

/// The commit that a branch or tag was when it was fetched.
std::string commit_of(const fs::path& repository, const std::string& revision) {
  const fs::path file = repository / "refs" / revision;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  std::string commit = base::read_file(file.string(), 256);
  commit.erase(std::find_if(commit.begin(), commit.end(), [](char c) { return c <= ' '; }), commit.end());
  return is_hub_word(commit) ? commit : std::string();
}

std::string newest_snapshot(const fs::path& snapshots) {
  fs::path newest;
  fs::file_time_type newest_time;
  std::error_code error;
  for (fs::directory_iterator it(snapshots, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    const fs::file_time_type time = fs::last_write_time(it->path(), unreadable);
    if (unreadable || !has_weights(it->path().string())) continue;
    if (newest.empty() || time > newest_time || (time == newest_time && it->path() > newest)) {
      newest = it->path();
      newest_time = time;
    }
  }
  return newest.string();
}

std::string snapshot_of(const fs::path& repository, const std::string& revision) {
  const fs::path snapshots = repository / "snapshots";
  const std::string commit = commit_of(repository, revision.empty() ? "main" : revision);
  for (const std::string& folder : {commit, revision}) {
    if (!folder.empty() && has_weights((snapshots / folder).string())) return (snapshots / folder).string();
  }
  return revision.empty() ? newest_snapshot(snapshots) : std::string();
}

}  // namespace

bool is_hub_name(std::string_view name) {
  const std::size_t at = name.find('@');
  const std::string_view repository = name.substr(0, at);
  const std::size_t slash = repository.find('/');
  return slash != std::string_view::npos && is_hub_word(repository.substr(0, slash)) &&
         is_hub_word(repository.substr(slash + 1)) &&
         (at == std::string_view::npos || is_hub_word(name.substr(at + 1)));
}

std::string hub_cache_for(const HubSurroundings& at) {
  if (!at.hf_hub_cache.empty()) return at.hf_hub_cache;
  if (!at.hf_home.empty()) return (fs::path(at.hf_home) / "hub").string();
  if (!at.xdg_cache_home.empty()) return (fs::path(at.xdg_cache_home) / "huggingface" / "hub").string();
  if (!at.home.empty()) return (fs::path(at.home) / ".cache" / "huggingface" / "hub").string();
  return {};
}

std::string find_in_hub(const std::string& hub, std::string_view name, const std::string& revision) {
  const bool any_owner = name.find('/') == std::string_view::npos;
  std::vector<std::pair<std::string, std::string>> found;  // repository, snapshot
  std::error_code error;
  for (fs::directory_iterator it(hub, error), end; !error && it != end; it.increment(error)) {
    const std::string repository = repository_of(it->path());
    if (repository.empty()) continue;
    const bool same =
        any_owner ? lower(repository.substr(repository.find('/') + 1)) == name : repository == name;
    if (!same) continue;
    std::string snapshot = snapshot_of(it->path(), revision);
    if (!snapshot.empty()) found.emplace_back(repository, std::move(snapshot));
  }
  if (found.empty()) return {};
  std::sort(found.begin(), found.end());
  if (found.size() > 1) {
    base::fail(ErrorCode::kInvalidArgument, "model '", name, "': expected one of that name in ",
               base::printable(hub), ", got hf:", base::printable(found[0].first),
               " and hf:", base::printable(found[1].first), "; name one of them");
  }
  return found[0].second;
}

std::string name_of_snapshot(const std::string& folder) {
  fs::path path = fs::path(folder).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  if (path.parent_path().filename() != "snapshots") return {};
  const std::string repository = repository_of(path.parent_path().parent_path());
  return repository.substr(repository.find('/') + 1);
}

}  // namespace moonbeam::model

namespace moonbeam {

std::string hugging_face_cache() {
  const auto environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  return model::hub_cache_for({.hf_hub_cache = environment("HF_HUB_CACHE"),
                               .hf_home = environment("HF_HOME"),
                               .xdg_cache_home = environment("XDG_CACHE_HOME"),
                               .home = environment("HOME")});
}

}  // namespace moonbeam
