// What was pulled: all of it, and its end.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "cli/pull/pull.h"
#include "cli/pull/store.h"

namespace moonbeam::pull {

namespace {

/// Revisions of one name that a pull made.
std::vector<Pulled> revisions_of(const Folder& model) {
  std::vector<Pulled> found;
  for (const std::string& revision : model.names()) {
    if (!is_store_name(revision)) continue;
    std::optional<Folder> folder;
    try {
      folder = model.find(revision);
    } catch (const Error&) {
      continue;  // a file or a link
    }
    const std::optional<std::string> text = folder ? folder->read(kManifestName) : std::nullopt;
    if (!text) continue;
    try {
      Pulled one{folder->path(), parse_manifest(*text, kManifestName)};
      one.manifest.revision = revision;
      found.push_back(std::move(one));
    } catch (const Error&) {
    }
  }
  return found;
}

}  // namespace

std::vector<Pulled> pulled_models(const std::string& cache) {
  std::vector<Pulled> all;
  std::error_code error;
  if (cache.empty() || !std::filesystem::is_directory(cache, error)) return all;
  const Folder root = Folder::root(cache);
  for (const std::string& name : root.names()) {
    if (!is_store_name(name)) continue;
    try {
      const std::optional<Folder> model = root.find(name);
      for (Pulled& one : model ? revisions_of(*model) : std::vector<Pulled>()) {
        one.manifest.name = name;
        all.push_back(std::move(one));
      }
    } catch (const Error&) {  // a file or a link
    }
  }
  return all;
}

Pulled remove_model(const std::string& cache, const std::string& model) {
  const Target target = parse_target(model, "", true);
  const bool named = model.find('@') != std::string::npos;
  std::vector<Pulled> found = pulled_models(cache);
  std::erase_if(found, [&](const Pulled& one) {
    return one.manifest.name != target.folder || (named && one.manifest.revision != target.revision);
  });
  if (found.empty()) {
    base::fail(ErrorCode::kNotFound, "'", base::printable(model), "': nothing of that name was pulled to ",
               base::printable(cache), "; models elsewhere are not ours to remove");
  }
  if (found.size() > 1) {
    std::string names;
    for (const Pulled& one : found) {
      names += (names.empty() ? "" : ", ") + one.manifest.name + "@" + one.manifest.revision;
    }
    base::fail(ErrorCode::kInvalidArgument, "'", base::printable(model), "': expected one of ", names);
  }
  const std::string& revision = found[0].manifest.revision;
  const Folder root = Folder::root(cache);
  const Folder folder = root.enter(target.folder);
  {
    const std::optional<Lock> lock = Lock::take(folder, "." + revision + ".lock");
    if (!lock) base::fail(ErrorCode::kExhausted, "'", base::printable(model), "': is being pulled just now");
    // Under another name first: half a model is none.
    const std::string gone = "." + revision + ".pull";
    folder.remove(gone);
    folder.rename(revision, gone);
    folder.sync();
    folder.remove(gone);
  }
  ::unlinkat(root.get(), target.folder.c_str(), AT_REMOVEDIR);  // stays where there is another revision
  return std::move(found[0]);
}

}  // namespace moonbeam::pull
