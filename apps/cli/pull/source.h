// Where a model is taken from: which files, and how each is fetched.
#pragma once

#include "cli/pull/pull.h"

namespace moonbeam::pull {

struct Source {
  Manifest manifest;   ///< its entries' `url` is where to fetch; name and revision are filled in
  bool local = false;  ///< `url` is a path
};

/// Asks the hub, or looks at the mirror of the options: a folder or URL with manifest.json, at its top or at
/// NAME/REVISION as our cache has it; a folder with a model's files; a server with the hub's API.
Source find_source(Fetcher& fetcher, const Options& options);

}  // namespace moonbeam::pull
