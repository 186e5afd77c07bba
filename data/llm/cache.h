// Answers by the identity of what was asked: an append-only log a worker, in a folder that all workers of a
// run share. What was appended is never asked again, whenever the process dies (data.md 7.2).
// docs/formats/llm-cache.md draws the log.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/llm/result.h"

namespace moonbeam::llm {

struct CacheStats {
  std::uint64_t rows = 0;     ///< answers that can be found
  std::uint64_t cut = 0;      ///< bytes of a row that a killed writer had begun
  std::uint64_t damaged = 0;  ///< bytes of rows in the middle of a log that no longer agree with their sums
};

/// Safe from any thread.
class Cache {
 public:
  /// Opens or makes `folder`/`writer`.log for writing and reads every other log beside it. A row that a
  /// killed writer left half written is cut off.
  /// @throws Error kExhausted ("in use" by another writer, disk full), kCorrupt (no log of ours), kNotFound.
  Cache(std::string folder, const std::string& writer);
  /// To look into only: nothing is made or written, and append() is refused. A folder that is not there holds
  /// nothing. @throws Error kCorrupt.
  explicit Cache(std::string folder);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  std::optional<Result> find(const RequestId& id) const;
  bool contains(const RequestId& id) const;
  /// In the file when it returns, and safe from a kill of this process; sync() makes it safe from a power
  /// cut. An id that is there already is left as it is. @throws Error kExhausted (disk full).
  void append(const RequestId& id, const Result& result);
  void sync();
  /// Reads what other workers have appended since: before a shard of theirs is taken over.
  void refresh();
  CacheStats stats() const;

 private:
  struct Log;
  struct Place {
    const Log* log;
    std::uint64_t offset;
    std::uint32_t bytes;
  };
  void read_rows(Log& log, bool own);
  void refresh_locked();

  std::string folder_;
  mutable std::mutex mutex_;
  bool own_ = true;  // the first log is ours
  std::vector<std::unique_ptr<Log>> logs_;
  std::unordered_map<RequestId, Place, RequestIdHash> places_;
  CacheStats stats_;
};

}  // namespace moonbeam::llm
