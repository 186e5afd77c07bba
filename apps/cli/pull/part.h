// NAME.part: a file that is not whole yet, its checksum so far, and how much of it is safe on the disk.
//
// NAME.part.state holds "SYNCED ETAG": bytes that a power cut cannot take, and what the server calls the
// version that they belong to. It is written after each 4 MiB, so no more than that is fetched twice.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "cli/pull/manifest.h"
#include "cli/pull/store.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace moonbeam::pull {

/// SHA-256 and, for files that have none at the hub, git's SHA-1 of "blob SIZE\0" and the bytes.
class Digest {
 public:
  explicit Digest(const FileEntry& file);
  ~Digest();
  void update(std::string_view bytes);
  /// Call it once. @return the SHA-256; empty where the file is not the one that `file` says.
  std::string finish();

 private:
  const FileEntry& file_;
  base::Sha256 sha256_;
  evp_md_ctx_st* git_ = nullptr;
};

/// SHA-256 of a file in `folder` if its size and digests are those of `file`, else empty.
/// @param carry_on  asked every few megabytes; kCancelled where it says no
std::string verified(const Folder& folder, const std::string& name, const FileEntry& file,
                     const std::function<bool()>& carry_on);

class PartFile {
 public:
  /// Takes up what an earlier download left. `file` has to outlive it.
  PartFile(const Folder& folder, const FileEntry& file, const std::function<bool()>& carry_on);

  std::int64_t size() const noexcept { return size_; }
  const std::string& etag() const noexcept { return etag_; }
  /// Forgets all bytes; what comes is of the version `etag`.
  void restart(const std::string& etag);
  /// @throws Error kCorrupt beyond the file's size, kExhausted (disk full).
  void append(std::string_view bytes);
  /// Writes what is still in memory.
  void sync();
  /// Checks the digests and gives the file its name. @return its SHA-256. @throws Error kCorrupt, and the
  /// part is gone then.
  std::string finish();
  void discard();

 private:
  void flush();
  void write_state();
  const Folder& folder_;
  const FileEntry& file_;
  std::string part_, state_, etag_, buffer_;
  Handle fd_;
  std::unique_ptr<Digest> digest_;
  std::int64_t size_ = 0, synced_ = 0;
};

}  // namespace moonbeam::pull
