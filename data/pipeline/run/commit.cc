#include "data/pipeline/run/commit.h"

#include <filesystem>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/pipeline/record/record_json.h"
#include "data/pipeline/run/exclusive.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostMarker = std::size_t{1} << 20;

std::string sha256_of(std::string_view text) {
  base::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

Json json_of(const ChunkCounts& counts) {
  return {{"pictures", counts.pictures}, {"ok", counts.ok},          {"rejected", counts.rejected},
          {"failed", counts.failed},     {"claims", counts.claims},  {"accepted", counts.accepted},
          {"captions", counts.captions}, {"pairs", counts.pairs},    {"regions", counts.regions},
          {"calls", counts.calls},       {"reasons", counts.reasons}};
}

Json read_marker(const RunFolder& work, int shard, int chunk) {
  const std::string path = work.marker(shard, chunk).string();
  const Json value = Json::parse(base::read_file(path, kMostMarker), nullptr, false);
  if (!value.is_object() || !value.contains("sha256") || !value.contains("counts")) {
    base::fail(ErrorCode::kCorrupt, path, ": expected the marker of a chunk");
  }
  return value;
}

std::string short_reason(const Record& record) {
  return record.reason.substr(0, record.reason.find(": ", record.reason.find(": ") + 1));
}

}  // namespace

ChunkCounts& ChunkCounts::operator+=(const ChunkCounts& other) {
  pictures += other.pictures;
  ok += other.ok;
  rejected += other.rejected;
  failed += other.failed;
  claims += other.claims;
  accepted += other.accepted;
  captions += other.captions;
  pairs += other.pairs;
  regions += other.regions;
  calls += other.calls;
  for (const auto& [reason, count] : other.reasons) reasons[reason] += count;
  return *this;
}

ChunkCounts count_records(const std::vector<Record>& records) {
  const auto kept = [](const auto& list) {
    std::int64_t count = 0;
    for (const auto& one : list) count += one.dropped.empty() ? 1 : 0;
    return count;
  };
  ChunkCounts out;
  for (const Record& one : records) {
    ++out.pictures;
    out.ok += one.status == "ok" ? 1 : 0;
    out.rejected += one.status == "rejected" ? 1 : 0;
    out.failed += one.status == "failed" ? 1 : 0;
    out.claims += static_cast<std::int64_t>(one.claims.size());
    out.accepted += static_cast<std::int64_t>(one.accepted().size());
    out.calls += static_cast<std::int64_t>(one.calls.size());
    if (one.status != "ok") {
      ++out.reasons[short_reason(one)];
      continue;
    }
    out.captions += kept(one.captions);
    out.pairs += kept(one.pairs);
    out.regions += kept(one.regions);
  }
  return out;
}

bool is_committed(const RunFolder& work, int shard, int chunk) {
  return fs::exists(work.marker(shard, chunk));
}

bool commit_chunk(const RunFolder& work, int shard, int chunk, const std::vector<Record>& records) {
  fs::create_directories(work.shard(shard));
  std::string text;
  for (const Record& one : records) text += record_line(one);
  const std::string path = work.chunk(shard, chunk).string();
  const bool first = create_exclusive(path, text);
  std::vector<Record> theirs;
  if (!first) {  // whole, since names are given to whole files only; its marker may not be there yet
    text = base::read_file(path, std::size_t{1} << 40);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      theirs.push_back(record_of(std::string_view(text).substr(at, end - at), path));
      at = end + 1;
    }
  }
  const Json marker = {{"sha256", sha256_of(text)},
                       {"bytes", text.size()},
                       {"counts", json_of(count_records(first ? records : theirs))}};
  return create_exclusive(work.marker(shard, chunk).string(), marker.dump() + "\n") && first;
}

ChunkCounts read_counts(const RunFolder& work, int shard, int chunk) {
  const Json value = read_marker(work, shard, chunk);
  ChunkCounts out;
  try {
    const Json& counts = value["counts"];
    for (const auto& [key, into] : {std::pair{"pictures", &out.pictures}, std::pair{"ok", &out.ok},
                                    std::pair{"rejected", &out.rejected}, std::pair{"failed", &out.failed},
                                    std::pair{"claims", &out.claims}, std::pair{"accepted", &out.accepted},
                                    std::pair{"captions", &out.captions}, std::pair{"pairs", &out.pairs},
                                    std::pair{"regions", &out.regions}, std::pair{"calls", &out.calls}}) {
      counts.at(key).get_to(*into);
    }
    counts.at("reasons").get_to(out.reasons);
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kCorrupt, work.marker(shard, chunk).string(), ": ", error.what());
  }
  return out;
}

void read_chunk(const RunFolder& work, int shard, int chunk, const std::function<void(Record&)>& use) {
  const std::string path = work.chunk(shard, chunk).string();
  const Json marker = read_marker(work, shard, chunk);
  const auto file = base::MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  if (marker["sha256"] != sha256_of(text)) {
    base::fail(ErrorCode::kCorrupt, path, ": is not what was committed");
  }
  std::int64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    Record record = record_of(text.substr(at, end - at), base::cat(path, ": line ", ++line));
    use(record);
    at = end + 1;
  }
}

int reopen_failed(const RunFolder& work, const Plan& plan) {
  int count = 0;
  for (int shard = 0; shard < plan.shards; ++shard) {
    for (int chunk = 0; chunk < plan.chunks_of(shard); ++chunk) {
      if (!is_committed(work, shard, chunk) || read_counts(work, shard, chunk).failed == 0) continue;
      fs::remove(work.marker(shard, chunk));  // first: records without a marker are not done
      fs::remove(work.chunk(shard, chunk));
      ++count;
    }
  }
  return count;
}

Standing standing_of(const RunFolder& work, const Plan& plan) {
  Standing out;
  for (int shard = 0; shard < plan.shards; ++shard) {
    bool open = false;
    for (int chunk = 0; chunk < plan.chunks_of(shard); ++chunk) {
      ++out.chunks;
      if (!is_committed(work, shard, chunk)) {
        open = true;
        continue;
      }
      ++out.committed;
      out.counts += read_counts(work, shard, chunk);
    }
    if (open) out.open_shards.push_back(shard);
  }
  return out;
}

}  // namespace moonbeam::pipeline
