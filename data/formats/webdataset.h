// Shards of WebDataset (data.md 2.20): tar archives whose members are grouped to samples by the name before
// the first dot, with an index beside each and a manifest of all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "data/formats/reading.h"

namespace moonbeam::data {

/// Of one sample: fields by name, in lower case ("jpg", "seg.png"). Contents are views into the shard.
struct ShardSample {
  std::string key;  ///< "a/b/000001" of a/b/000001.seg.png
  std::map<std::string, std::span<const std::byte>> fields;
  std::string where;  ///< "train-000000.tar: sample a/b/000001"

  /// Empty where there is no such field.
  std::string_view text(const std::string& field) const;
};

/// Samples of a shard in their order. A sample is refused if a field is there twice, if one of its key was
/// given before (members of a sample stand side by side), and if the archive is cut in the middle of it or
/// behind it without the blocks that end an archive: nothing says then that the sample is whole.
/// @throws Error kNotFound, kCorrupt (damage that leaves no next member), RecordError, and what `use` throws.
void read_shard(const std::string& path, const std::function<void(const ShardSample&)>& use,
                Reading& reading);
/// The same of an archive in memory.
void read_shard(std::span<const std::byte> archive, const std::string& path,
                const std::function<void(const ShardSample&)>& use, Reading& reading);

/// Key and field of a member's name; an empty field where the name has no dot.
struct MemberName {
  std::string key, field;
};
MemberName divide_member_name(std::string_view name);

/// "name-{000000..000002}.tar" to three names; text without braces to itself.
/// @throws Error kInvalidArgument (braces that hold no range, more than 1,000,000 names).
std::vector<std::string> expand_braces(const std::string& pattern);

// ---- index: a line a member, "name TAB offset TAB bytes"

struct IndexEntry {
  std::string name;
  std::uint64_t offset = 0, bytes = 0;
};
std::string index_line(const IndexEntry& entry);
/// @throws Error kNotFound, kCorrupt (by line).
std::vector<IndexEntry> read_index(const std::string& path);

/// Members of a shard by their names, through its index, which is made anew from the shard where there is
/// none or it is another's.
class IndexedShard {
 public:
  /// @throws Error as read_shard.
  explicit IndexedShard(const std::string& path);
  const std::vector<IndexEntry>& entries() const { return entries_; }
  /// @throws Error kNotFound.
  std::string_view member(const std::string& name) const;

 private:
  bool fits(const std::vector<IndexEntry>& entries) const;
  std::shared_ptr<const base::MappedFile> file_;
  std::vector<IndexEntry> entries_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

// ---- manifest: a line a shard

struct ShardRow {
  std::string shard;  ///< its file's name
  std::uint64_t samples = 0, bytes = 0;
  std::string sha256;
  std::uint64_t images = 0;
  std::map<std::string, std::uint64_t> by_task;
  std::string pipeline;
  std::vector<std::string> inputs;
};
std::string manifest_line(const ShardRow& row);
/// @throws Error kNotFound, kCorrupt, RecordError.
std::vector<ShardRow> read_manifest(const std::string& path);
/// Compares sizes, and hashes where `hashes`, of the shards in `folder` with the manifest's.
/// @throws Error kNotFound, kCorrupt naming the shard.
void check_shards(const std::string& folder, const std::vector<ShardRow>& manifest, bool hashes);

}  // namespace moonbeam::data
