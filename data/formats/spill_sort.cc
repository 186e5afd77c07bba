#include "data/formats/spill_sort.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <queue>

#include "base/descriptor.h"
#include "base/error.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kRunBuffer = std::size_t{128} << 10;
constexpr std::size_t kMostRuns = 64;  // merged at once

std::string chosen_folder(const std::string& folder) {
  if (!folder.empty()) return folder;
  const char* named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/tmp";
}

/// A file that has no name from the start, or loses it at once.
int open_unnamed(const std::string& folder) {
  int fd = base::open_descriptor(folder, O_TMPFILE | O_RDWR, 0600);
  if (fd >= 0) return fd;
  if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) {
    std::string name = folder + "/moonbeam-XXXXXX";
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) {
      ::unlink(name.c_str());
      return fd;
    }
  }
  base::fail_system(folder, "cannot create a temporary file", errno);
}

}  // namespace

/// Entries one after the other: lengths of key and value, key, value.
class SpillSort::Run {
 public:
  explicit Run(const std::string& folder) : folder_(folder), file_(open_unnamed(folder)) {}

  void write(std::string_view key, std::string_view value) {
    const std::uint32_t lengths[2] = {static_cast<std::uint32_t>(key.size()),
                                      static_cast<std::uint32_t>(value.size())};
    buffer_.append(reinterpret_cast<const char*>(lengths), sizeof lengths);
    buffer_ += key;
    buffer_ += value;
    if (buffer_.size() >= kRunBuffer) flush();
  }

  /// To its first entry.
  void start_reading() {
    flush();
    position_ = 0;
    at_ = 0;
  }

  /// Reads the next entry. @return false at the end.
  bool next() {
    std::uint32_t lengths[2];
    if (!fill(sizeof lengths)) return false;
    std::memcpy(lengths, buffer_.data() + at_, sizeof lengths);
    const std::size_t whole = sizeof lengths + lengths[0] + lengths[1];
    if (!fill(whole)) base::fail(ErrorCode::kCorrupt, folder_, ": a temporary file became shorter");
    key_ = {buffer_.data() + at_ + sizeof lengths, lengths[0]};
    value_ = {key_.data() + key_.size(), lengths[1]};
    at_ += whole;
    return true;
  }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  void flush() {
    std::string_view left = buffer_;
    while (!left.empty()) {
      const ssize_t written = ::write(file_.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) base::fail_system(folder_, "cannot write a temporary file", errno);
      left.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
  }

  /// Whether `size` bytes lie in the buffer from at_ on; reads until they do. Moves what is there.
  bool fill(std::size_t size) {
    while (buffer_.size() - at_ < size) {
      buffer_.erase(0, at_);
      at_ = 0;
      const std::size_t had = buffer_.size();
      buffer_.resize(std::max(kRunBuffer, size));
      const ssize_t got = ::pread(file_.get(), buffer_.data() + had, buffer_.size() - had, position_);
      buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) base::fail_system(folder_, "cannot read a temporary file", errno);
      if (got == 0) return false;
      position_ += got;
    }
    return true;
  }

  std::string folder_;
  base::Descriptor file_;
  std::string buffer_;
  std::size_t at_ = 0;
  off_t position_ = 0;
  std::string_view key_, value_;
};

SpillSort::SpillSort(SpillOptions options) : options_(std::move(options)) {
  options_.folder = chosen_folder(options_.folder);
}

SpillSort::~SpillSort() = default;

void SpillSort::add(std::string_view key, std::string_view value) {
  if (key.size() > UINT32_MAX || value.size() > UINT32_MAX) {
    base::fail(ErrorCode::kInvalidArgument, "sorting: an entry of 4 GiB or more");
  }
  const std::size_t size = key.size() + value.size();
  const std::size_t held = waiting_.size() + entries_.size() * sizeof(Entry);
  if (!entries_.empty() && held + size + sizeof(Entry) > options_.memory) spill();
  entries_.push_back(
      {waiting_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())});
  waiting_ += key;
  waiting_ += value;
}

void SpillSort::sort_waiting() {
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    const int order = key_of(a).compare(key_of(b));
    return order != 0 ? order < 0 : a.at < b.at;
  });
}

void SpillSort::spill() {
  if (runs_.size() == kMostRuns) merge_runs();
  sort_waiting();
  auto run = std::make_unique<Run>(options_.folder);
  for (const Entry& entry : entries_) {
    run->write(key_of(entry), {waiting_.data() + entry.at + entry.key, entry.value});
  }
  runs_.push_back(std::move(run));
  waiting_.clear();
  entries_.clear();
}

void SpillSort::merge_runs() {
  auto merged = std::make_unique<Run>(options_.folder);
  merge([&](std::string_view key, std::string_view value) { merged->write(key, value); });
  runs_.clear();
  runs_.push_back(std::move(merged));
}

void SpillSort::merge(const Use& use) {
  const auto later = [this](std::size_t a, std::size_t b) {
    const int order = runs_[a]->key().compare(runs_[b]->key());
    return order != 0 ? order > 0 : a > b;
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> queue(later);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    runs_[i]->start_reading();
    if (runs_[i]->next()) queue.push(i);
  }
  while (!queue.empty()) {
    const std::size_t least = queue.top();
    queue.pop();
    use(runs_[least]->key(), runs_[least]->value());
    if (runs_[least]->next()) queue.push(least);
  }
}

void SpillSort::finish(const Use& use) {
  if (runs_.empty()) {
    sort_waiting();
    for (const Entry& entry : entries_)
      use(key_of(entry), {waiting_.data() + entry.at + entry.key, entry.value});
    return;
  }
  if (!entries_.empty()) spill();
  std::string().swap(waiting_);
  std::vector<Entry>().swap(entries_);
  merge(use);
}

std::string sort_key(std::int64_t number) {
  const std::uint64_t shifted = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63);
  std::string key(8, '\0');
  for (int i = 0; i < 8; ++i) key[static_cast<std::size_t>(i)] = static_cast<char>(shifted >> (56 - 8 * i));
  return key;
}

std::int64_t number_of_key(std::string_view key) {
  std::uint64_t shifted = 0;
  for (const char c : key.substr(0, 8)) shifted = shifted << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(shifted ^ (std::uint64_t{1} << 63));
}

}  // namespace moonbeam::data
