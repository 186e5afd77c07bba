// One file, from the network or from a folder, into a folder of the cache.
#pragma once

#include <functional>
#include <string>

#include "cli/pull/fetch.h"
#include "cli/pull/manifest.h"
#include "cli/pull/store.h"

namespace moonbeam::pull {

/// Bytes of the file that are there.
using BytesFn = std::function<void(std::int64_t done)>;

/// Fetches `file.url`, going on where an earlier download broke off. Fills in size and SHA-256 where they
/// were not known.
/// @throws NetworkError; Error kNotFound, kCorrupt (size or checksum; the part is gone then), kExhausted,
/// kCancelled.
void download(Fetcher& fetcher, const Folder& folder, FileEntry& file, const BytesFn& progress);

/// The same for a file of this machine.
void copy_in(const std::string& path, const Folder& folder, FileEntry& file, const BytesFn& progress,
             const std::function<bool()>& carry_on);

}  // namespace moonbeam::pull
