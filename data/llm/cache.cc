#include "data/llm/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/hash64.h"
#include "data/llm/json_text.h"

namespace moonbeam::llm {

namespace {

constexpr std::string_view kMagic = "MBLLMLOG1\n";
constexpr std::uint32_t kRowMark = 0x574f5221;              // "!ROW"
constexpr std::size_t kHead = 16;                           // mark, bytes, sum
constexpr std::uint32_t kMaxRow = std::uint32_t{64} << 20;  // of payload

struct RowHead {
  std::uint32_t mark, bytes;
  std::uint64_t sum;
};
static_assert(sizeof(RowHead) == kHead);

std::uint64_t sum_of(std::string_view payload) {
  return base::hash64(std::as_bytes(std::span(payload.data(), payload.size())));
}

std::string payload_of(const RequestId& id, const Result& result) {
  Json row = {{"outcome", outcome_name(result.outcome)},
              {"usage", {result.usage.prompt, result.usage.completion, result.usage.cached}},
              {"endpoint", result.endpoint},
              {"served", result.served},
              {"status", result.http_status},
              {"attempts", result.attempts}};
  if (!result.text.empty()) row["text"] = result.text;
  if (!result.value.is_null()) row["value"] = result.value;
  if (!result.message.empty()) row["message"] = result.message;
  if (!result.embeddings.empty()) row["embeddings"] = result.embeddings;
  if (result.mended) row["mended"] = true;
  std::string out(sizeof id.words, '\0');
  std::memcpy(out.data(), id.words.data(), sizeof id.words);
  return out + row.dump(-1, ' ', false, Json::error_handler_t::replace);
}

RequestId id_of(std::string_view payload) {
  RequestId id;
  std::memcpy(id.words.data(), payload.data(), sizeof id.words);
  return id;
}

Result result_of(std::string_view payload) {
  // The value stands inside the row's object, and may be as deep as answers are.
  const std::optional<Json> row = parse_bounded(payload.substr(sizeof(RequestId::words)), kMaxDepth + 1);
  Result out;
  try {
    if (!row) base::fail(ErrorCode::kCorrupt, "request cache: a row that is no JSON");
    out.request = id_of(payload);
    out.outcome = find_outcome(row->at("outcome").get<std::string>()).value_or(Outcome::kBroken);
    const Json& usage = row->at("usage");
    out.usage = {usage.at(0).get<std::int64_t>(), usage.at(1).get<std::int64_t>(),
                 usage.at(2).get<std::int64_t>()};
    out.endpoint = row->at("endpoint").get<std::string>();
    out.served = row->at("served").get<std::string>();
    out.http_status = row->at("status").get<int>();
    out.attempts = row->at("attempts").get<int>();
    out.text = row->value("text", "");
    out.value = row->value("value", Json());
    out.message = row->value("message", "");
    out.mended = row->value("mended", false);
    if (row->contains("embeddings"))
      out.embeddings = row->at("embeddings").get<std::vector<std::vector<float>>>();
  } catch (const Json::exception&) {
    base::fail(ErrorCode::kCorrupt, "request cache: a row of another form");
  }
  out.cached = true;
  return out;
}

/// Reads exactly `bytes`, or as many as there are.
std::string read_at(int fd, std::uint64_t offset, std::size_t bytes) {
  std::string out(bytes, '\0');
  std::size_t got = 0;
  while (got < bytes) {
    const ssize_t n = ::pread(fd, out.data() + got, bytes - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return out;
}

std::uint64_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

struct Cache::Log {
  std::string path;
  base::Descriptor file;
  std::uint64_t end = 0;  // of what has been read or written
  Log(std::string where, int fd) : path(std::move(where)), file(fd) {}

  /// The payload of the row at `offset`; none where it is not whole.
  std::optional<std::string> row(std::uint64_t offset, std::uint64_t size) const {
    const std::string head = read_at(file.get(), offset, kHead);
    if (head.size() < kHead) return std::nullopt;
    RowHead fields{};
    std::memcpy(&fields, head.data(), kHead);
    if (fields.mark != kRowMark || fields.bytes < sizeof(RequestId::words) || fields.bytes > kMaxRow ||
        offset + kHead + fields.bytes > size) {
      return std::nullopt;
    }
    std::string payload = read_at(file.get(), offset + kHead, fields.bytes);
    if (payload.size() < fields.bytes || sum_of(payload) != fields.sum) return std::nullopt;
    return payload;
  }

  /// The next offset from `offset` on at which a whole row stands; `size` where there is none.
  std::uint64_t next_row(std::uint64_t offset, std::uint64_t size) const {
    const std::string_view mark("!ROW", 4);
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    while (offset < size) {
      const std::string piece = read_at(file.get(), offset, kPiece);
      for (std::size_t at = piece.find(mark); at != std::string::npos; at = piece.find(mark, at + 1)) {
        if (row(offset + at, size)) return offset + at;
      }
      if (piece.size() < mark.size()) break;
      offset += piece.size() - (mark.size() - 1);
      if (piece.size() < kPiece) break;
    }
    return size;
  }
};

Cache::Cache(std::string folder, const std::string& writer) : folder_(std::move(folder)) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string path = folder_ + "/" + writer + ".log";
  const int fd = base::open_descriptor(path, O_RDWR | O_CREAT, 0644);
  if (fd < 0) base::fail_system(path, "cannot be opened", errno);
  logs_.push_back(std::make_unique<Log>(path, fd));
  // The lock ends with the process, however it ends.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    base::fail(ErrorCode::kExhausted, path, ": in use by another writer");
  }
  if (size_of(fd) < kMagic.size()) {  // new, or killed while it was made
    if (::ftruncate(fd, 0) != 0 ||
        ::pwrite(fd, kMagic.data(), kMagic.size(), 0) != static_cast<ssize_t>(kMagic.size())) {
      base::fail_system(path, "cannot be written", errno);
    }
    base::sync_folder_of(path);
  }
  read_rows(*logs_[0], true);
  refresh_locked();
}

Cache::Cache(std::string folder) : folder_(std::move(folder)), own_(false) {
  refresh_locked();
}

Cache::~Cache() = default;

void Cache::read_rows(Log& log, bool own) {
  const int fd = log.file.get();
  const std::uint64_t size = size_of(fd);
  if (log.end == 0) {
    if (size < kMagic.size()) return;  // another worker is just making it
    if (read_at(fd, 0, kMagic.size()) != kMagic) {
      base::fail(ErrorCode::kCorrupt, log.path, ": not a log of answers");
    }
    log.end = kMagic.size();
  }
  while (log.end < size) {
    const std::optional<std::string> payload = log.row(log.end, size);
    if (!payload) {
      const std::uint64_t next = log.next_row(log.end + 1, size);
      if (next >= size) break;  // the tail: torn, or being written by its owner
      stats_.damaged += next - log.end;
      log.end = next;
      continue;
    }
    const auto bytes = static_cast<std::uint32_t>(payload->size());
    places_.try_emplace(id_of(*payload), Place{&log, log.end + kHead, bytes});
    log.end += kHead + bytes;
  }
  if (own && log.end < size) {
    stats_.cut += size - log.end;
    if (::ftruncate(fd, static_cast<off_t>(log.end)) != 0)
      base::fail_system(log.path, "cannot be cut", errno);
  }
}

void Cache::refresh() {
  const std::lock_guard lock(mutex_);
  refresh_locked();
}

void Cache::refresh_locked() {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() == ".log") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    const auto same = [&](const auto& log) {
      return std::filesystem::path(log->path).filename() == std::filesystem::path(path).filename();
    };
    if (std::any_of(logs_.begin(), logs_.end(), same)) continue;
    if (const int fd = base::open_descriptor(path, O_RDONLY); fd >= 0) {
      logs_.push_back(std::make_unique<Log>(path, fd));
    }
  }
  for (std::size_t i = own_ ? 1 : 0; i < logs_.size(); ++i) read_rows(*logs_[i], false);
}

bool Cache::contains(const RequestId& id) const {
  const std::lock_guard lock(mutex_);
  return places_.contains(id);
}

std::optional<Result> Cache::find(const RequestId& id) const {
  std::string payload;
  {
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(id);
    if (place == places_.end()) return std::nullopt;
    payload = read_at(place->second.log->file.get(), place->second.offset, place->second.bytes);
    if (payload.size() < place->second.bytes) {
      base::fail(ErrorCode::kCorrupt, place->second.log->path, ": shrank while it was in use");
    }
  }
  return result_of(payload);
}

void Cache::append(const RequestId& id, const Result& result) {
  if (!own_) base::fail(ErrorCode::kInvalidArgument, folder_, ": opened to be read only");
  const std::string payload = payload_of(id, result);
  if (payload.size() > kMaxRow) base::fail(ErrorCode::kExhausted, "request cache: an answer over 64 MB");
  const RowHead head{kRowMark, static_cast<std::uint32_t>(payload.size()), sum_of(payload)};
  std::string row(kHead, '\0');
  std::memcpy(row.data(), &head, kHead);
  row += payload;
  const std::lock_guard lock(mutex_);
  if (places_.contains(id)) return;
  Log& log = *logs_[0];
  std::size_t written = 0;
  while (written < row.size()) {
    const ssize_t n = ::pwrite(log.file.get(), row.data() + written, row.size() - written,
                               static_cast<off_t>(log.end + written));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = n < 0 ? errno : ENOSPC;
      [[maybe_unused]] const int cut = ::ftruncate(log.file.get(), static_cast<off_t>(log.end));
      base::fail_system(log.path, "cannot be written", error);
    }
    written += static_cast<std::size_t>(n);
  }
  places_.emplace(id, Place{&log, log.end + kHead, head.bytes});
  log.end += row.size();
}

void Cache::sync() {
  const std::lock_guard lock(mutex_);
  if (!own_) return;
  if (::fdatasync(logs_[0]->file.get()) != 0) base::fail_system(logs_[0]->path, "cannot be synced", errno);
}

CacheStats Cache::stats() const {
  const std::lock_guard lock(mutex_);
  CacheStats out = stats_;
  out.rows = places_.size();
  return out;
}

}  // namespace moonbeam::llm
