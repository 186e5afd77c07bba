#include "data/pipeline/reduce/work_folder.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/thread_pool.h"
#include "data/pipeline/record/record_json.h"

namespace moonbeam::pipeline {

namespace {

namespace fs = std::filesystem;
using base::fail;

constexpr std::size_t kMostJson = std::size_t{256} << 20;
constexpr std::string_view kChunk = "chunk-", kLines = ".jsonl", kDone = ".done";

Json read_json(const std::string& path) {
  try {
    return Json::parse(base::read_file(path, kMostJson));
  } catch (const Json::exception&) {
    fail(ErrorCode::kCorrupt, base::printable(path), ": not what the pipeline writes");
  }
}

std::optional<int> number_of(std::string_view digits) {
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  int out = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

std::optional<int> chunk_number(std::string_view name) {
  if (!name.starts_with(kChunk) || !name.ends_with(kLines)) return std::nullopt;
  name.remove_prefix(kChunk.size());
  name.remove_suffix(kLines.size());
  return number_of(name);
}

WorkChunk chunk_at(const fs::path& path, int shard, int number) {
  WorkChunk chunk{shard, number, path.string(), fs::file_size(path), {}};
  const std::string marker = chunk.path.substr(0, chunk.path.size() - kLines.size()) + std::string(kDone);
  if (!fs::exists(marker)) {
    fail(ErrorCode::kCorrupt, base::printable(chunk.path), ": expected a marker beside it (",
         fs::path(marker).filename().string(), "): the shard is not done");
  }
  const Json done = read_json(marker);
  chunk.sha256 = done.value("sha256", "");
  if (const std::uint64_t bytes = done.value("bytes", chunk.bytes); bytes != chunk.bytes) {
    fail(ErrorCode::kCorrupt, base::printable(chunk.path), ": expected ", bytes, " bytes, got ", chunk.bytes);
  }
  return chunk;
}

/// How many chunks a plan has: pictures are cut into shards, and each of those into chunks.
/// None where it does not say.
std::optional<std::int64_t> planned_chunks(const Json& plan) {
  const auto number = [&](const char* key) -> std::int64_t {
    const auto found = plan.find(key);
    return found != plan.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
  };
  const std::int64_t pictures = number("pictures"), shard = number("shard_pictures"),
                     chunk = number("chunk_pictures");
  if (pictures <= 0 || shard <= 0 || chunk <= 0) return std::nullopt;
  const auto chunks_of = [&](std::int64_t count) { return (count + chunk - 1) / chunk; };
  return pictures / shard * chunks_of(shard) + chunks_of(pictures % shard);
}

std::string_view text_of(const base::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

struct Parsed {
  std::vector<Record> records;
  std::vector<RecordPlace> places;
  std::exception_ptr error;
};

void parse(const WorkChunk& chunk, std::uint32_t index, Parsed& out) {
  const auto file = base::MappedFile::open(chunk.path);
  if (!chunk.sha256.empty() && base::sha256_hex(file->bytes()) != chunk.sha256) {
    fail(ErrorCode::kCorrupt, base::printable(chunk.path), ": its bytes are not those that its marker names");
  }
  const std::string_view text = text_of(*file);
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    ++line;
    if (end > at) {
      out.records.push_back(
          record_of(text.substr(at, end - at), base::cat(base::printable(chunk.path), ":", line)));
      out.places.push_back({index, static_cast<std::uint32_t>(end - at), at});
    }
    at = end + 1;
  }
}

}  // namespace

WorkFolder::WorkFolder(std::string folder) : folder_(std::move(folder)) {
  plan_ = read_json(folder_ + "/plan.json");
  const fs::path shards = fs::path(folder_) / "shards";
  try {
    for (const fs::directory_entry& shard : fs::directory_iterator(shards)) {
      const std::optional<int> number = number_of(shard.path().filename().string());
      if (!number || !shard.is_directory()) continue;
      for (const fs::directory_entry& file : fs::directory_iterator(shard.path())) {
        const std::optional<int> chunk = chunk_number(file.path().filename().string());
        if (chunk) chunks_.push_back(chunk_at(file.path(), *number, *chunk));
      }
    }
  } catch (const fs::filesystem_error&) {
    fail(ErrorCode::kNotFound, base::printable(shards.string()), ": no folder of shards");
  }
  std::sort(chunks_.begin(), chunks_.end(), [](const WorkChunk& a, const WorkChunk& b) {
    return std::pair(a.shard, a.number) < std::pair(b.shard, b.number);
  });
  if (chunks_.empty()) fail(ErrorCode::kNotFound, base::printable(folder_), ": no chunk is done");
  const auto there = static_cast<std::int64_t>(chunks_.size());
  if (const auto planned = planned_chunks(plan_); planned && *planned != there) {
    fail(ErrorCode::kCorrupt, base::printable(folder_), ": expected ", *planned, " chunks, got ", there,
         ": the run is not done");
  }
}

std::string WorkFolder::pipeline() const {
  const auto found = plan_.find("pipeline");
  return found != plan_.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void WorkFolder::each_chunk(int threads, const UseChunk& use) const {
  base::ThreadPool pool(std::max(threads, 1));
  const std::size_t ahead = threads > 1 ? static_cast<std::size_t>(threads) * 2 : 1;
  for (std::size_t first = 0; first < chunks_.size(); first += ahead) {
    const std::size_t count = std::min(ahead, chunks_.size() - first);
    std::vector<Parsed> parsed(count);
    pool.parallel_for(static_cast<int>(count), [&](int i, int) {
      Parsed& one = parsed[static_cast<std::size_t>(i)];
      const std::size_t index = first + static_cast<std::size_t>(i);
      try {
        parse(chunks_[index], static_cast<std::uint32_t>(index), one);
      } catch (...) {
        one.error = std::current_exception();
      }
    });
    for (std::size_t i = 0; i < count; ++i) {
      if (parsed[i].error) std::rethrow_exception(parsed[i].error);
      use(first + i, parsed[i].records, parsed[i].places);
      parsed[i] = {};
    }
  }
}

Record WorkFolder::read(const RecordPlace& place) const {
  const WorkChunk& chunk = chunks_[place.chunk];
  const auto file = base::MappedFile::open(chunk.path);
  if (place.offset + place.bytes > file->bytes().size()) {
    fail(ErrorCode::kCorrupt, base::printable(chunk.path), ": shorter than it was");
  }
  return record_of(text_of(*file).substr(place.offset, place.bytes), base::printable(chunk.path));
}

}  // namespace moonbeam::pipeline
