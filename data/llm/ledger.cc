#include "data/llm/ledger.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <ctime>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "data/llm/json_text.h"

namespace moonbeam::llm {

namespace {

/// Money and GPU time are sums of many small things: a limit is passed only beyond their rounding.
bool within(double value, double limit) {
  return limit <= 0 || value <= limit * (1 + 1e-9);
}
bool within(std::int64_t value, std::int64_t limit) {
  return limit <= 0 || value <= limit;
}

double rounded(double value, double parts) {
  return std::round(value * parts) / parts;
}

std::string utc_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string ms = std::to_string(1000 + now.tv_nsec / 1'000'000).substr(1);
  return std::string(text, length) + "." + ms + "Z";
}

}  // namespace

Spent& Spent::operator+=(const Spent& other) noexcept {
  calls += other.calls;
  usage += other.usage;
  money += other.money;
  gpu_seconds += other.gpu_seconds;
  return *this;
}

Spent& Spent::operator-=(const Spent& other) noexcept {
  calls -= other.calls;
  usage.prompt -= other.usage.prompt;
  usage.completion -= other.usage.completion;
  usage.cached -= other.usage.cached;
  money -= other.money;
  gpu_seconds -= other.gpu_seconds;
  return *this;
}

struct Ledger::File {
  std::string path;
  base::Descriptor descriptor;
  File(std::string where, int fd) : path(std::move(where)), descriptor(fd) {}
};

Ledger::Ledger(const std::string& path, std::string run, std::string shard)
    : run_(std::move(run)), shard_(std::move(shard)) {
  if (path.empty()) return;
  const int fd = base::open_descriptor(path, O_RDWR | O_CREAT | O_APPEND, 0644);
  if (fd < 0) base::fail_system(path, "cannot be opened", errno);
  file_ = std::make_unique<File>(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    base::fail(ErrorCode::kExhausted, path, ": in use by another writer");
  }
  const auto content = base::MappedFile::open(path);
  const auto bytes = content->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t at = 0, line = 0;
  for (std::size_t end = 0; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    ++line;
    const std::optional<Json> row = parse_bounded(text.substr(at, end - at));
    try {
      if (!row) throw std::invalid_argument("no JSON");
      Spent spent{1,
                  {row->at("prompt").get<std::int64_t>(), row->at("completion").get<std::int64_t>(),
                   row->at("cached").get<std::int64_t>()},
                  row->at("price").get<double>(),
                  row->at("gpu_s").get<double>()};
      count(row->at("image").get<std::string>(), spent);
    } catch (const std::exception&) {
      base::fail(ErrorCode::kCorrupt, path, ":", line, ": no line of a ledger");
    }
  }
  if (at < text.size() && ::ftruncate(fd, static_cast<off_t>(at)) != 0) {
    base::fail_system(path, "cannot be cut", errno);
  }
}

Ledger::~Ledger() = default;

void Ledger::count(const std::string& image, const Spent& spent) {
  total_ += spent;
  if (!image.empty()) images_[image] += spent;
}

void Ledger::add(const LedgerRow& row) {
  count(row.image, row.spent);
  if (!file_) return;
  const OrderedJson json = {{"time", utc_now()},
                            {"run", run_},
                            {"shard", shard_},
                            {"image", row.image},
                            {"stage", row.stage},
                            {"call", row.id},
                            {"request", row.request.hex()},
                            {"endpoint", row.endpoint},
                            {"model", row.model},
                            {"prompt", row.spent.usage.prompt},
                            {"completion", row.spent.usage.completion},
                            {"cached", row.spent.usage.cached},
                            {"ms", rounded(row.latency_ms, 10)},
                            {"try", row.attempt},
                            {"status", row.status},
                            {"price", row.spent.money},
                            {"gpu_s", rounded(row.spent.gpu_seconds, 1e6)}};
  const std::string line = json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  // One write, so that a kill leaves at most a part of the last line.
  const ssize_t written = ::write(file_->descriptor.get(), line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    base::fail_system(file_->path, "cannot be written", written < 0 ? errno : ENOSPC);
  }
}

const Spent& Ledger::of_image(const std::string& image) const {
  static const Spent kNothing;
  const auto found = images_.find(image);
  return found == images_.end() ? kNothing : found->second;
}

bool Purse::fits(const Spent& all) const {
  return within(all.money, budget_.money) && within(all.gpu_seconds, budget_.gpu_hours * 3600) &&
         within(all.calls, budget_.calls) && within(all.tokens(), budget_.tokens);
}

bool Purse::image_fits(const Spent& all) const {
  return within(all.calls, budget_.image_calls) && within(all.tokens(), budget_.image_tokens);
}

Purse::Verdict Purse::ask(const std::string& image, const Spent& worst) const {
  Spent alone = ledger_.total();
  alone += worst;
  if (!fits(alone)) return Verdict::kStop;
  if (!image.empty() && (budget_.image_calls > 0 || budget_.image_tokens > 0)) {
    Spent of_image = ledger_.of_image(image);
    of_image += worst;
    if (!image_fits(of_image)) return Verdict::kStopImage;
    if (const auto aside = aside_of_images_.find(image); aside != aside_of_images_.end()) {
      of_image += aside->second;
      if (!image_fits(of_image)) return Verdict::kWaitImage;
    }
  }
  Spent together = alone;
  together += aside_;
  return fits(together) ? Verdict::kGo : Verdict::kWait;
}

void Purse::set_aside(const std::string& image, const Spent& worst) {
  aside_ += worst;
  if (!image.empty()) aside_of_images_[image] += worst;
}

void Purse::put_back(const std::string& image, const Spent& worst) {
  aside_ -= worst;
  if (image.empty()) return;
  const auto found = aside_of_images_.find(image);
  if (found == aside_of_images_.end()) return;
  found->second -= worst;
  if (found->second.calls == 0) aside_of_images_.erase(found);
}

}  // namespace moonbeam::llm
