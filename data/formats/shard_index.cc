// What stands beside shards: the index of each, and the manifest of all.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "base/error.h"
#include "base/sha256.h"
#include "data/formats/json_rows.h"
#include "data/formats/tar.h"
#include "data/formats/webdataset.h"

namespace moonbeam::data {

namespace {

using base::cat;
using base::fail;

std::string index_path(const std::string& shard) {
  return (shard.ends_with(".tar") ? shard.substr(0, shard.size() - 4) : shard) + ".idx";
}

/// "name\toffset\tbytes"; false where it is not that.
bool parse_entry(std::string_view line, IndexEntry& out) {
  const std::size_t second = line.rfind('\t');
  const std::size_t first =
      second == 0 || second == std::string_view::npos ? second : line.rfind('\t', second - 1);
  if (first == 0 || first == std::string_view::npos || first == second) return false;
  const auto number = [](std::string_view text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  out.name = line.substr(0, first);
  return number(line.substr(first + 1, second - first - 1), out.offset) &&
         number(line.substr(second + 1), out.bytes);
}

std::vector<IndexEntry> entries_of(std::span<const std::byte> archive, const std::string& path) {
  TarReader tar(archive, path);
  std::vector<IndexEntry> out;
  while (std::optional<TarMember> member = tar.next()) {
    out.push_back({std::move(member->name), tar.offset(), member->bytes.size()});
  }
  if (tar.end() != TarReader::End::kWhole) {
    fail(ErrorCode::kCorrupt, base::printable(path), ": the archive is cut off after ", out.size(), " files");
  }
  return out;
}

}  // namespace

std::string index_line(const IndexEntry& entry) {
  return cat(entry.name, "\t", entry.offset, "\t", entry.bytes, "\n");
}

std::vector<IndexEntry> read_index(const std::string& path) {
  ByteSource source(path);
  std::vector<IndexEntry> out;
  std::string line;
  bool whole = true;
  for (std::uint64_t number = 1; source.read_line(line, 1 << 16, whole); ++number) {
    out.emplace_back();
    if (!whole || !source.ended_line() || !parse_entry(line, out.back())) {
      fail(ErrorCode::kCorrupt, source.name(), ":", number,
           ": expected a name, an offset and a size with tabs between");
    }
  }
  return out;
}

IndexedShard::IndexedShard(const std::string& path) : file_(base::MappedFile::open(path)) {
  try {
    entries_ = read_index(index_path(path));
  } catch (const Error&) {  // none, or a broken one: the shard says it all
  }
  if (entries_.empty() || !fits(entries_)) entries_ = entries_of(file_->bytes(), path);
  for (std::size_t i = 0; i < entries_.size(); ++i) by_name_.emplace(entries_[i].name, i);
}

/// Whether the members stand where the index says, by the header of the first and the last.
bool IndexedShard::fits(const std::vector<IndexEntry>& entries) const {
  constexpr std::uint64_t kBlock = 512;
  const std::uint64_t size = file_->bytes().size();
  for (const IndexEntry& entry : entries) {
    if (entry.offset < kBlock || entry.offset % kBlock != 0 ||
        !base::range_fits(entry.offset, entry.bytes, size)) {
      return false;
    }
  }
  const auto is_at = [&](const IndexEntry& entry) {
    try {
      TarReader tar(file_->bytes().subspan(entry.offset - kBlock), file_->path());
      const std::optional<TarMember> member = tar.next();
      return member && member->bytes.size() == entry.bytes && member->name == entry.name;
    } catch (const Error&) {
      return false;
    }
  };
  const IndexEntry& last = entries.back();
  const std::uint64_t end = last.offset + (last.bytes + kBlock - 1) / kBlock * kBlock + 2 * kBlock;
  return is_at(entries.front()) && is_at(last) && end <= size;
}

std::string_view IndexedShard::member(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    fail(ErrorCode::kNotFound, base::printable(file_->path()), ": no member '", base::printable(name), "'");
  }
  const IndexEntry& entry = entries_[found->second];
  return {reinterpret_cast<const char*>(file_->bytes().data()) + entry.offset, entry.bytes};
}

std::string manifest_line(const ShardRow& row) {
  nlohmann::ordered_json by_task = nlohmann::ordered_json::object();
  for (const char* task : {"query", "caption", "detect", "point"}) {
    if (const auto known = row.by_task.find(task); known != row.by_task.end()) by_task[task] = known->second;
  }
  for (const auto& [task, count] : row.by_task) by_task[task] = count;
  const nlohmann::ordered_json json = {
      {"shard", row.shard},   {"samples", row.samples}, {"bytes", row.bytes},       {"sha256", row.sha256},
      {"images", row.images}, {"by_task", by_task},     {"pipeline", row.pipeline}, {"inputs", row.inputs}};
  return json.dump() + "\n";
}

std::vector<ShardRow> read_manifest(const std::string& path) {
  ByteSource source(path);
  Reading reading;
  std::vector<ShardRow> out;
  each_line(
      source, FileKind::kManifest,
      [&](const JsonRow& row, std::uint64_t) {
        ShardRow shard;
        shard.shard = row.text("shard");
        shard.samples = static_cast<std::uint64_t>(row.whole("samples", 0, INT64_MAX));
        shard.bytes = static_cast<std::uint64_t>(row.whole("bytes", 0, INT64_MAX));
        shard.sha256 = row.text("sha256");
        if (row.has("images")) shard.images = static_cast<std::uint64_t>(row.whole("images", 0, INT64_MAX));
        if (row.has("by_task")) {
          const JsonRow tasks = row.object("by_task");
          for (const auto& [task, count] : tasks.value().items()) {
            shard.by_task[task] = static_cast<std::uint64_t>(tasks.whole(task.c_str(), 0, INT64_MAX));
          }
        }
        shard.pipeline = row.text_or("pipeline", "");
        shard.inputs = row.texts("inputs");
        if (shard.shard.empty() || shard.shard.find('/') != std::string::npos)
          row.fail("shard", "the name of a file");
        out.push_back(std::move(shard));
      },
      reading);
  return out;
}

void check_shards(const std::string& folder, const std::vector<ShardRow>& manifest, bool hashes) {
  for (const ShardRow& row : manifest) {
    const std::shared_ptr<const base::MappedFile> file = base::MappedFile::open(folder + "/" + row.shard);
    if (file->bytes().size() != row.bytes) {
      fail(ErrorCode::kCorrupt, base::printable(file->path()), ": expected ", row.bytes,
           " bytes, as the manifest says, got ", file->bytes().size());
    }
    if (hashes && base::sha256_hex(file->bytes()) != row.sha256) {
      fail(ErrorCode::kCorrupt, base::printable(file->path()), ": its SHA-256 is not the manifest's");
    }
  }
}

}  // namespace moonbeam::data
