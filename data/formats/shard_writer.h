// Writes samples to shards of a bounded size, each with its index, and the manifest at the end. Equal samples
// in equal order give equal bytes. A file has its name when it is whole, and the manifest comes last: a set
// without one is not whole, and shards that it does not name are of a run that was stopped.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/sha256.h"
#include "data/formats/tar.h"
#include "data/formats/webdataset.h"

namespace moonbeam::data {

struct ShardOptions {
  std::string folder;
  std::string name = "train";           ///< of "train-000000.tar"
  std::uint64_t most_samples = 10'000;  ///< as the manifest counts them
  std::uint64_t most_bytes = std::uint64_t{1}
                             << 30;  ///< of a shard; a key with more than a shard holds has one alone
  std::uint64_t first = 0;           ///< number of the first shard
  std::string pipeline;              ///< for the manifest
  std::vector<std::string> inputs;
};

class ShardWriter {
 public:
  /// Makes the folder. @throws Error kNotFound, kInvalidArgument (a name that no file has).
  explicit ShardWriter(ShardOptions options);
  ~ShardWriter();

  /// @param fields  contents by name, written in the order of the names: "jpg", "json"
  /// @param image   what it is of, counted once a shard
  /// @param tasks   how many training samples of each task it holds; in all they are the manifest's samples
  /// @throws Error kInvalidArgument (an empty key or one with a dot in its last part, no field, one that is
  /// not
  ///         lower case, a key that this shard has), kExhausted (disk full).
  void add(const std::string& key, const std::map<std::string, std::string_view>& fields,
           const std::string& image, const std::map<std::string, std::uint64_t>& tasks);

  /// Ends the last shard and writes manifest.jsonl. @return its rows.
  std::vector<ShardRow> finish();

 private:
  struct Shard;
  void begin();
  void end();

  ShardOptions options_;
  std::unique_ptr<Shard> shard_;
  std::vector<ShardRow> rows_;
};

}  // namespace moonbeam::data
