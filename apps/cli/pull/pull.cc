#include "cli/pull/pull.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "cli/pull/download.h"
#include "cli/pull/part.h"
#include "cli/pull/source.h"
#include "cli/pull/store.h"

namespace moonbeam::pull {

namespace {

constexpr std::int64_t kSpare = std::int64_t{16} << 20;  // bytes that shall stay free

std::string staging_name(const std::string& revision) {
  return "." + revision + ".pull";
}
std::string lock_name(const std::string& revision) {
  return "." + revision + ".lock";
}

/// The lock of one revision; waits while another process holds it.
Lock wait_for_lock(const Folder& model, const std::string& revision, const FetchOptions& options) {
  for (bool first = true;; first = false) {
    std::optional<Lock> lock = Lock::take(model, lock_name(revision));
    if (lock) return std::move(*lock);
    if (first && options.note) options.note("another pull of this model is at work; waiting for its end");
    if (options.carry_on && !options.carry_on()) throw Error(ErrorCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::optional<Manifest> read_manifest(const Folder& folder) {
  const std::optional<std::string> text = folder.read(kManifestName);
  if (!text) return {};
  return parse_manifest(*text, base::printable(folder.path() + "/" + kManifestName));
}

/// Whether both entries can only be the same bytes.
bool same_bytes(const FileEntry& have, const FileEntry& want) {
  if (want.size >= 0 && have.size != want.size) return false;
  if (!want.sha256.empty()) return have.sha256 == want.sha256;
  return !want.git.empty() && have.git == want.git;
}

/// Whether the folder holds what is wanted, by its manifest and the sizes of its files.
bool is_complete(const Folder& folder, const Manifest& have, const Manifest& want) {
  return std::all_of(want.files.begin(), want.files.end(), [&](const FileEntry& file) {
    const FileEntry* known = have.find(file.path);
    const bool unknown = file.sha256.empty() && file.git.empty();  // nothing to compare but the size
    return known != nullptr && folder.size_of(file.path) == known->size &&
           (same_bytes(*known, file) || (unknown && (file.size < 0 || file.size == known->size)));
  });
}

class Work {
 public:
  Work(const Options& options, Fetcher& fetcher, Source& source, const Folder& model)
      : options_(options), fetcher_(fetcher), source_(source), want_(source.manifest), model_(model) {}

  /// @return false if everything is there already.
  bool run() {
    std::optional<Folder> present = model_.find(want_.revision);
    std::optional<Manifest> have = present ? read_manifest(*present) : std::nullopt;
    if (present && !have) {
      base::fail(ErrorCode::kInvalidArgument, base::printable(present->path()),
                 ": is there, but no pull made it; move it away first");
    }
    const std::string staging = staging_name(want_.revision);
    if (have && is_complete(*present, *have, want_)) {
      model_.remove(staging);
      want_ = *have;
      return false;
    }
    const Folder folder = model_.enter(staging);
    clear_strangers(folder);
    const std::vector<FileEntry*> missing = find_missing(folder, present, have);
    check_space(folder, missing);
    for (FileEntry* file : missing) fetch(folder, *file);
    Manifest written = want_;
    if (source_.local) {
      for (FileEntry& file : written.files) file.url.clear();  // a path of this machine says nothing
    }
    folder.write(kManifestName, manifest_text(written));
    model_.replace(staging, want_.revision);
    model_.sync();
    model_.remove(staging);  // what stood there before
    return true;
  }

 private:
  /// Files of another version, or of nobody's.
  void clear_strangers(const Folder& folder) const {
    for (const std::string& name : folder.names()) {
      std::string file = name;
      for (const std::string_view ending : {".state", ".part"}) {
        if (file.ends_with(ending)) file.resize(file.size() - ending.size());
      }
      if (want_.find(file) == nullptr) folder.remove(name);
    }
  }

  std::vector<FileEntry*> find_missing(const Folder& folder, const std::optional<Folder>& present,
                                       const std::optional<Manifest>& have) {
    std::vector<FileEntry*> missing;
    for (FileEntry& file : want_.files) {
      if (have && !folder.size_of(file.path)) {
        const FileEntry* known = have->find(file.path);
        if (known != nullptr && same_bytes(*known, file)) folder.link(*present, file.path);
      }
      const bool known = !file.sha256.empty() || !file.git.empty();
      const std::string sha256 =
          known ? verified(folder, file.path, file, options_.fetch.carry_on) : std::string();
      if (sha256.empty()) {
        folder.remove(file.path);
        missing.push_back(&file);
      } else {
        folder.remove(file.path + ".part");
        folder.remove(file.path + ".part.state");  // of a pull that ended just before it would have
        file.sha256 = sha256;
        file.size = folder.size_of(file.path).value_or(-1);
        done_ += file.size;
      }
    }
    return missing;
  }

  void check_space(const Folder& folder, const std::vector<FileEntry*>& missing) const {
    std::int64_t needed = 0;
    for (const FileEntry* file : missing) {
      needed += std::max<std::int64_t>(0, file->size - folder.size_of(file->path + ".part").value_or(0));
    }
    const std::int64_t free = folder.free_bytes();
    if (needed == 0 || free < 0 || needed + kSpare <= free) return;
    base::fail(ErrorCode::kExhausted, base::printable(options_.cache), ": expected ",
               base::format_bytes(needed + kSpare), " of free disk, got ", base::format_bytes(free));
  }

  void fetch(const Folder& folder, FileEntry& file) {
    const auto progress = [&](std::int64_t bytes) {
      if (!options_.progress) return;
      options_.progress({.file = file.path,
                         .file_done = bytes,
                         .file_size = file.size,
                         .done = done_ + bytes,
                         .size = want_.bytes()});
    };
    if (source_.local) {
      copy_in(file.url, folder, file, progress, options_.fetch.carry_on);
    } else {
      download(fetcher_, folder, file, progress);
    }
    done_ += file.size;
  }

  const Options& options_;
  Fetcher& fetcher_;
  Source& source_;
  Manifest& want_;
  const Folder& model_;
  std::int64_t done_ = 0;
};

void check_cache(const std::string& cache) {
  if (!cache.empty()) return;
  throw Error(ErrorCode::kNotFound, "no folder for models: neither MOONBEAM_CACHE nor HOME says where");
}

}  // namespace

Manifest list_files(const Options& options) {
  Fetcher fetcher(options.fetch);
  return find_source(fetcher, options).manifest;
}

Result pull(const Options& options) {
  check_cache(options.cache);
  Fetcher fetcher(options.fetch);
  Source source = find_source(fetcher, options);
  const Folder model = Folder::root(options.cache).enter(source.manifest.name);
  const Lock lock = wait_for_lock(model, source.manifest.revision, options.fetch);
  const bool fetched = Work(options, fetcher, source, model).run();
  return {.path = model.path() + "/" + source.manifest.revision,
          .manifest = std::move(source.manifest),
          .was_there = !fetched};
}

}  // namespace moonbeam::pull
