// `moonbeam pull` without its command line: a model from the hub, a mirror or a folder into the cache, as
// CACHE/NAME/REVISION/FILES with manifest.json.
//
// Files gather in CACHE/NAME/.REVISION.pull, which takes its place as a whole: a model is there with all of
// its files or not at all. A pull that was killed is gone on with by the next one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/pull/fetch.h"
#include "cli/pull/manifest.h"
#include "cli/pull/target.h"

namespace moonbeam::pull {

inline constexpr const char* kHubEndpoint = "https://huggingface.co";

struct Progress {
  std::string file;
  std::int64_t file_done = 0, file_size = -1;
  std::int64_t done = 0, size = 0;  ///< of all files
};

struct Options {
  Target target;
  std::string cache;                    ///< as models_cache()
  std::string endpoint = kHubEndpoint;  ///< of the hub or a mirror with its API
  std::string from = {};                ///< mirror instead: a URL or a folder
  FetchOptions fetch = {};
  std::function<void(const Progress&)> progress = {};
};

struct Result {
  std::string path;
  Manifest manifest;
  bool was_there = false;  ///< nothing had to be fetched
};

/// What a pull would fetch.
Manifest list_files(const Options& options);

/// Waits where another process pulls the same. @throws NetworkError; Error kNotFound, kCorrupt (sizes,
/// checksums, listings), kExhausted (disk), kInvalidArgument, kCancelled.
Result pull(const Options& options);

struct Pulled {
  std::string path;
  Manifest manifest;
};
/// All that pulls put into the cache, by name and revision.
std::vector<Pulled> pulled_models(const std::string& cache);

/// Deletes what was pulled under a name: "moondream2", "moondream2@2025-06-21", "moondream2:int4".
/// @return what it was. @throws Error kNotFound, kInvalidArgument (several revisions and none named).
Pulled remove_model(const std::string& cache, const std::string& model);

}  // namespace moonbeam::pull
